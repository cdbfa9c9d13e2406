#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# git works in the repository while the exporter does. What git or a person put there is never
# removed, and nothing is lost.
# LeakSanitizer does not work under strace, which uses ptrace(2).
export ASAN_OPTIONS=detect_leaks=0
. "$(dirname "$0")/lib.sh"

ROUNDS=${ROUNDS:-1}

image() { # NUMBER TITLE
	printf '{"public_id":"i%s","album_id":"a%s","title":"%s"}\n' "$1" "$(($1 % 3))" "$2"
}
change() { # TITLE
	image 1 "$1" >"$T/data/1.json" && scan >"$T/scan.out" 2>&1
}
export_repo=("$EXPORTER" export --index "$T/index" --repo "$T/repo")
export_repo() {
	"${export_repo[@]}" "$@"
}
snapshots() {
	git -C "$T/repo" rev-list --count main
}
sound() {
	git -C "$T/repo" fsck --full --strict --no-progress 2>&1
}
runs() {
	kill -0 "$git" 2>/dev/null
}

mkdir "$T/data"
for i in {0..9}; do
	image "$i" new >"$T/data/$i.json"
done
scan >"$T/out" && export_repo >"$T/out"
made=1

# Each call that renames or removes a file takes 0.05 s, so that exports begin at every point.
slow_git() {
	strace -f -qq -o "$T/trace" -e trace=rename,link,unlink \
		-e inject=rename,link,unlink:delay_enter=50000 git -C "$T/repo" "$@" >"$T/git.out" 2>&1
}
bad=0
for ((round = 0; round < ROUNDS; round++)); do
	for command in "repack -adq" "gc -q --prune=now" "pack-refs --all"; do
		# shellcheck disable=SC2086
		slow_git $command &
		git=$!
		while :; do
			runs || break
			change "$((++made))" && export_repo >"$T/out" 2>"$T/err" && continue
			bad=$((bad + 1))
			diag <"$T/err"
		done
		wait "$git" || bad=$((bad + 1))
		[ "$(snapshots)" = "$made" ] || bad=$((bad + 1))
	done
	[ -z "$(sound)" ] || bad=$((bad + 1))
done
echo "# $made snapshots"
is "repack, gc and pack-refs, slowed down, lose nothing of $((made - 1)) exports" "$bad" 0

# The reverse: git begins at every point of an export.
bad=0
for ((round = 0; round < 5 * ROUNDS; round++)); do
	change "$((++made))"
	strace -f -qq -o "$T/trace" -e trace=rename,link,unlink \
		-e inject=rename,link,unlink:delay_enter=50000 "${export_repo[@]}" >"$T/out" 2>"$T/err" &
	git=$!
	while runs; do
		git -C "$T/repo" repack -adq >"$T/git.out" 2>&1
		git -C "$T/repo" pack-refs --all --prune >"$T/git.out" 2>&1
	done
	wait "$git" || {
		bad=$((bad + 1))
		diag <"$T/err"
	}
	[ "$(snapshots)" = "$made" ] || bad=$((bad + 1))
	[ -z "$(sound)" ] || bad=$((bad + 1))
done
is "an export, slowed down, loses nothing beside repack and pack-refs" "$bad" 0
is "git fsck finds nothing" "$(sound)" ""
is "no garbage is left" "$(git -C "$T/repo" count-objects -v | grep '^garbage:')" "garbage: 0"

# A pack whose index was lost.
git -C "$T/repo" repack -adq
pack=$(cd "$T/repo/objects/pack" && echo pack-*.pack)
cp "$T/repo/objects/pack/${pack%.pack}.idx" "$T/idx"
rm -f "$T/repo/objects/pack/${pack%.pack}.idx"
change lost
exits "an export never begins a new history because it cannot read the old one" 1 export_repo
ok "the message names the command that repairs it" grep -qF "git -C '$T/repo' index-pack 'objects/pack/$pack'" "$T/err"
ok "the pack is kept" [ -s "$T/repo/objects/pack/$pack" ]
exits "publish fails, too" 1 "$EXPORTER" publish --repo "$T/repo" --site "$T/site"
ok "and names the command" grep -qF "index-pack 'objects/pack/$pack'" "$T/err"
exits "audit fails, too" 1 "$EXPORTER" audit --repo "$T/repo"
ok "and names the command, too" grep -qF "index-pack 'objects/pack/$pack'" "$T/err"
ok "that command repairs it" eval "$(sed -n 's/.*with: //p' "$T/err")"
exits "then the export succeeds" 0 export_repo
made=$((made + 1))
is "its snapshot follows all the others" "$(snapshots)" "$made"

# A pack or an index that is cut short.
for suffix in idx pack; do
	rm -rf "$T/cut" && cp -r "$T/repo" "$T/cut"
	for file in "$T"/cut/objects/pack/*."$suffix"; do
		chmod u+w "$file" && truncate -s -1 "$file"
	done
	exits "with a short $suffix file show fails" 1 "$EXPORTER" show --repo "$T/cut" /api/v1/albums/a1/images
	ok "and names the file" grep -qE "'[^']*\.$suffix' (is cut short|does not belong to its index)" "$T/err"
	exits "with a short $suffix file export fails" 1 "$EXPORTER" export --index "$T/index" --repo "$T/cut"
	ok "and names the file, too" grep -qE "'[^']*\.$suffix' (is cut short|does not belong to its index)" "$T/err"
done

# A pack that git has renamed into place, and whose index it has not written yet.
printf x >"$T/repo/objects/pack/pack-0123456789012345678901234567890123456789.pack"
touch "$T/repo/objects/pack/pack_git2_ABC" "$T/repo/objects/tmp_object_git2_ABC"
change orphan
exits "a pack without an index does not stop an export" 0 export_repo
made=$((made + 1))
ok "the pack is kept" [ -s "$T/repo/objects/pack/pack-0123456789012345678901234567890123456789.pack" ]
ok "temporary files of another libgit2 are kept" [ -e "$T/repo/objects/pack/pack_git2_ABC" -a \
	-e "$T/repo/objects/tmp_object_git2_ABC" ]
rm -f "$T"/repo/objects/pack/pack-0123* "$T"/repo/objects/pack/*git2* "$T"/repo/objects/*git2*

# Locks of other programs.
for lock in refs/heads/main packed-refs HEAD config refs/heads/other; do
	: >"$T/repo/$lock.lock"
	change "$lock"
	case $lock in
	refs/heads/main)
		exits "an export waits for $lock.lock of another program" 75 export_repo
		ok "the message names it" grep -qF "$T/repo/$lock.lock" "$T/err"
		ok "and says what to do" grep -q "remove" "$T/err"
		;;
	*)
		exits "$lock.lock of another program does not stop an export" 0 export_repo
		made=$((made + 1))
		;;
	esac
	ok "$lock.lock is kept" [ -e "$T/repo/$lock.lock" ]
	rm "$T/repo/$lock.lock"
done
: >"$T/repo/refs/tags/kept.lock"
exits "a label waits for a lock, too" 75 "$EXPORTER" snapshot --repo "$T/repo" --label kept --reason why
rm "$T/repo/refs/tags/kept.lock"
exits "the label is made once the lock is gone" 0 "$EXPORTER" snapshot --repo "$T/repo" --label kept --reason why
is "each change has a snapshot" "$(snapshots)" "$made"
is "git fsck finds nothing at the end" "$(sound)" ""
is "no garbage is left at the end" "$(git -C "$T/repo" count-objects -v | grep '^garbage:')" "garbage: 0"
done_testing
