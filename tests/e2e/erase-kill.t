#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An erasure that is killed at any call that changes something leaves the old history or the new
# one, whole; the next run finishes it.
# CALLS=all tries every call, instead of some.
. "$(dirname "$0")/lib.sh"
# The leak sanitizer does not work under strace.
export ASAN_OPTIONS=detect_leaks=0
strace -qq -e trace=none true 2>"$T/err" || skip_all "strace cannot trace here"

mkdir "$T/data"
day=1700000000
next() {
	day=$((day + 86400))
	scan >"$T/out" && SOURCE_DATE_EPOCH=$day export_all --sign "$T/key" >"$T/out"
}
ssh-keygen -q -t ed25519 -N '' -C x -f "$T/key"
echo "me $(cat "$T/key.pub")" >"$T/signers"
echo '{"public_id":"plain","album_id":"album"}' >"$T/data/plain.json"
next
echo '{"public_id":"secret-1","album_id":"album"}' >"$T/data/s.json"
next
"$EXPORTER" snapshot --repo "$T/repo" --label kept --reason x --sign "$T/key" >"$T/out"
rm "$T/data/s.json"
next
old=$(git -C "$T/repo" rev-parse main)
cp -a "$T/repo" "$T/repo.old"
cp -a "$T/site" "$T/site.old"
reset() {
	rm -rf "$T/repo" "$T/site"
	cp -a "$T/repo.old" "$T/repo"
	cp -a "$T/site.old" "$T/site"
}
erase() { # [STRACE OPTION...]
	SOURCE_DATE_EPOCH=$day strace -o "$T/trace" "$@" "$EXPORTER" erase --index "$T/index" \
		--repo "$T/repo" --site "$T/site" --reason 'a letter' --image secret-1 --sign "$T/key" \
		>"$T/out" 2>"$T/err"
}
erase || diag <"$T/err"
new=$(git -C "$T/repo" rev-parse main)
refs() { git -C "$T/repo" for-each-ref --format='%(refname)' | xargs; }
want=$(refs)

# The old history or the new one; not a mixture.
whole() {
	local tip held
	tip=$(git -C "$T/repo" rev-parse main)
	held=$(git -C "$T/repo" rev-parse 'kept^{commit}')
	case $tip in
	"$old") [ "$held" = "$(git -C "$T/repo" rev-parse "$old~1")" ] ;;
	"$new") [ "$held" = "$(git -C "$T/repo" rev-parse "$new~1")" ] ;;
	*) return 1 ;;
	esac && git -C "$T/repo" fsck --no-dangling --no-progress 2>&1 | grep -v '^notice' | diff - /dev/null
}
retry() { # NAME
	local status why=''
	whole || why="neither old nor new"
	erase
	status=$?
	[ $status = 0 ] || { [ $status = 1 ] && grep -q 'no snapshot has the image' "$T/err"; } ||
		why="the next run ended with $status: $(<"$T/err")"
	# If the purge was done, there is nothing to finish but the site.
	[ $status = 0 ] || "$EXPORTER" publish --repo "$T/repo" --site "$T/site" >"$T/out" 2>"$T/err" ||
		why="the site is not published: $(<"$T/err")"
	[ "$(git -C "$T/repo" rev-parse main)" = "$new" ] || why="the next run did not finish"
	[ "$(refs)" = "$want" ] || why="references: $(refs)"
	grep -rq secret-1 <(git -C "$T/repo" cat-file --batch --batch-all-objects) "$T/repo" "$T/site" &&
		why="something is left"
	"$EXPORTER" verify --repo "$T/repo" --signers "$T/signers" >"$T/out" 2>&1 || why="verify: $(<"$T/out")"
	export_all --sign "$T/key" >"$T/out" 2>"$T/err" || why="the export after it: $(<"$T/err")"
	find "$T/repo" -name '*.lock' ! -name albumen-exporter.lock -o -name '*.new' -o -name '*.keep' \
		-o -name '.albumen-tmp*' -o -name 'albumen-exporter.p*' | grep . >"$T/left" &&
		why="left behind: $(<"$T/left")"
	[ -z "$why" ] || {
		result 1 "$1"
		echo "$why" | diag
	}
}
kills=0
failed=$tests_failed
for call in openat write pwrite64 ftruncate rename unlink unlinkat rmdir mkdir link fsync fdatasync syncfs; do
	for ((nth = 1; nth < 400; nth++)); do
		[ "${CALLS:-}" = all ] || [ $nth -le 3 ] || [ $((nth % 7)) = 0 ] || continue
		[ "${CALLS:-}" = all ] || [ $call != openat ] || [ $((nth % 28)) = 0 ] || continue
		reset
		(erase -e trace=$call -e "inject=$call:signal=KILL:when=$nth"; exit $?) 2>"$T/shell" && break
		kills=$((kills + 1))
		retry "killed at $call $nth, then a retry"
	done
done
is "after each of $kills kills the next run finishes" "$tests_failed $((kills > 20))" "$failed 1"
done_testing
