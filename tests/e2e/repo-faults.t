#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The writers of a repository are killed before every call that writes, and fail at every
# call that flushes; each time the command is run again. Nothing is lost or
# left over, and the second run makes durable what the first did not.
# LeakSanitizer does not work under strace, which uses ptrace(2).
export ASAN_OPTIONS=detect_leaks=0
. "$(dirname "$0")/lib.sh"

CALLS="write pwrite64 ftruncate fchmod rename link unlink mkdir rmdir symlink fsync fdatasync"
SYNCS="fsync fdatasync syncfs"

image() { # NUMBER TITLE
	printf '{"public_id":"i%s","album_id":"a%s","title":"%s"}\n' "$1" "$(($1 % 3))" "$2"
}
left_over() { # prints files that an idle repository must not have
	(cd "$T/repo" && find . -name '*.lock' ! -name albumen-exporter.lock -o -name 'tmp_*' -o \
		-name '*git2*' -o -name '.albumen*' -o -name '*.keep' -o \
		-name albumen-exporter.packs -o -name albumen-exporter.ref -o \
		-name 'albumen-exporter.config*' -o -name albumen-exporter.init -o \
		-name albumen-exporter.new -o -name albumen-exporter.purge -o -name '*.new'
	[ "$(stat -c %h "$T/repo/albumen-exporter.lock")" = 1 ] || echo "the lock has another name"
	git -C "$T/repo" count-objects -v | grep '^garbage: [^0]'
	git -C "$T/repo" count-objects -v | grep '^count: [^0]')
}
sound() {
	git -C "$T/repo" fsck --full --strict --no-progress 2>&1
	left_over
}
result_of() { # prints what a run made
	git -C "$T/repo" rev-parse 'main^{tree}'
	git -C "$T/repo" rev-list --count main
	git -C "$T/repo" for-each-ref --format='%(refname)'
	cat "$T/repo/shallow" 2>/dev/null
}
copy() { # COMMAND: makes the repository as it was before that command
	rm -rf "$T/repo"
	[ ! -d "$T/$1.before" ] || cp -a "$T/$1.before" "$T/repo"
}
remember() { # COMMAND: keeps the repository as it is before that command
	rm -rf "$T/$1.before"
	cp -a "$T/repo" "$T/$1.before"
}
change() {
	image 1 "$1" >"$T/data/1.json" && scan >"$T/out" 2>&1
}
paths() { # TRACE PATTERN: the files of the calls that match, without their random parts
	sed -nE "/$2/s/.*\([0-9]+<([^>]*)>.*/\1/p" "$1" |
		sed -E 's/(tmp_pack|tmp_idx)_albumen_.*/\1/; s/albumen-tmp-.*/albumen-tmp/; s/pack_git2_.*/pack_git2/' | sort -u
}

export_repo=("$EXPORTER" export --index "$T/index" --repo "$T/repo")
declare -A commands=(
	[first]="${export_repo[*]}"
	[second]="${export_repo[*]}"
	[signed]="${export_repo[*]} --sign $T/key"
	[label]="$EXPORTER snapshot --repo $T/repo --label q/1/kept --reason why"
	[maintain]="$EXPORTER maintain --repo $T/repo"
	[prune]="env SOURCE_DATE_EPOCH=2000000000 $EXPORTER prune --repo $T/repo --before now"
)
ssh-keygen -q -t ed25519 -N '' -f "$T/key"
mkdir "$T/data"
for i in {0..5}; do
	image "$i" new >"$T/data/$i.json"
done
scan >"$T/out" && "${export_repo[@]}" >"$T/out"
change two && "${export_repo[@]}" >"$T/out"
remember label
change three && "${export_repo[@]}" >"$T/out"
remember maintain
remember second
remember signed
"$EXPORTER" snapshot --repo "$T/repo" --at HEAD~1 --label held --reason why >"$T/out"
"$EXPORTER" maintain --repo "$T/repo" >"$T/out"
change more && "${export_repo[@]}" >"$T/out"
remember prune
change four

for name in first second signed label maintain prune; do
	read -ra command <<<"${commands[$name]}"
	copy "$name"
	strace -f -qq -o "$T/clean" -e trace="${CALLS// /,},syncfs" "${command[@]}" >"$T/out" 2>&1
	want=$(result_of)
	bad=0 tries=0
	is "$name leaves no temporary file" "$(sound)" ""
	for call in $CALLS; do
		grep -q " $call(" "$T/clean" || continue
		for ((n = 1; ; n++)); do
			copy "$name"
			(strace -f -qq -o "$T/trace" -e trace="$call" \
				-e inject="$call:signal=KILL:when=$n" "${command[@]}"; :) >"$T/out" 2>"$T/err"
			grep -q 'killed by SIGKILL' "$T/trace" || break
			tries=$((tries + 1))
			"${command[@]}" >"$T/out" 2>"$T/err"
			status=$?
			if [ "$status" != 0 ] && ! grep -q 'there is a label' "$T/err" ||
				[ "$(result_of)" != "$want" ] || [ -n "$(sound)" ]; then
				bad=$((bad + 1))
				{
					echo "$call $n: exit status $status"
					cat "$T/err"
					sound
				} | diag
			fi
		done
	done
	is "$name, killed before each of $tries calls, completes in the next run" "$bad" 0
	bad=0 tries=0
	for call in $SYNCS; do
		grep -q " $call(" "$T/clean" || continue
		for ((n = 1; ; n++)); do
			copy "$name"
			strace -f -y -qq -o "$T/trace" -e trace="$call" -e inject="$call:error=EIO:when=$n" \
				"${command[@]}" >"$T/out" 2>"$T/err"
			status=$?
			grep -q INJECTED "$T/trace" || break
			tries=$((tries + 1))
			failed=$(paths "$T/trace" INJECTED)
			strace -f -y -qq -o "$T/again" -e trace="${SYNCS// /,}" "${command[@]}" >"$T/out" 2>"$T/err.again"
			again=$?
			# A failed flush of the digests, which are a cache, does not fail the command.
			if [ "$status" = 0 ]; then
				grep -q digests "$T/trace" || again=2
			elif ! paths "$T/again" ' = 0$' | grep -qxF "$failed"; then
				again=3
			fi
			if [ "$again" != 0 ] && ! grep -q 'there is a label' "$T/err.again" || [ "$again" = 3 ] ||
				[ "$(result_of)" != "$want" ] || [ -n "$(sound)" ]; then
				bad=$((bad + 1))
				{
					echo "$call $n of $failed: exit status $status, then $again"
					cat "$T/err" "$T/err.again"
					grep INJECTED "$T/trace"
					cat "$T/again"
					sound
				} | diag
			fi
		done
	done
	is "$name, failing at each of $tries flushes, is durable after the next run" "$bad" 0
done
done_testing
