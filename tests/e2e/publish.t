#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Publishing: any snapshot to any folder, writing only the difference, and right after
# every interruption.
. "$(dirname "$0")/lib.sh"

publish() { # SITE [OPTION]...
	local site=$1
	shift
	"$EXPORTER" publish --repo "$T/repo" --site "$site" "$@"
}
files() { # SITE: prints the hash of every file that is served
	(cd "$1" && find . -path ./.albumen -prune -o -type f -exec sha1sum {} + | sort -k2)
}
same_files() { # NAME SITE SITE
	files "$2" >"$T/files.got"
	files "$3" >"$T/files.want"
	same "$1" "$T/files.got" "$T/files.want"
}
inodes() { # SITE: prints every file and folder as they are on disk, .albumen too
	find "$1" -printf '%p %i %T@ %C@\n' | sort
}
image() { # ID ALBUM TITLE
	printf '{"public_id":"%s","album_id":"%s","title":"%s"}\n' "$1" "$2" "$3"
}
names() { # SITE: prints the commit that snapshot.json names
	jq -r .commit "$1/snapshot.json"
}
killed() { # CALL NTH OPTION...: kills publish at that system call
	local call=$1 nth=$2
	shift 2
	# In a subshell, so that the shell's message about the kill is not printed.
	(ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$T/trace" -e "trace=$call" \
		-e "inject=$call:signal=KILL:when=$nth" \
		"$EXPORTER" publish --repo "$T/repo" "$@"; exit $?) >"$T/out" 2>&1
	[ $? = 137 ]
}
commit() { # REV
	git -C "$T/repo" rev-parse "$1"
}

# Three snapshots.
mkdir "$T/data"
cp -r "$ROOT"/data/samples/* "$T/data"
scan >/dev/null && export_all >"$T/out"
for i in {1..200}; do
	image "many$i" "album$((i % 50))" one
done >"$T/data/many.ndjson"
scan >/dev/null && export_all >"$T/out"
rm -r "$T/data/albums"
for i in {2..100}; do
	image "many$i" "album$((i % 50))" two
done >"$T/data/many.ndjson"
scan >/dev/null && export_all >"$T/out"
is "there are three snapshots" "$(git -C "$T/repo" rev-list --count main)" 3
git -C "$T/repo" tag three main
git -C "$T/repo" tag two main~1
git -C "$T/repo" tag one main~2

# The site equals the snapshot, file by file.
for rev in one two three; do
	ok "$rev is published into a new folder" publish "$T/$rev" --rev "$rev"
	git -C "$T/repo" ls-tree -r "$rev" | while read -r _ _ blob path; do
		case $path in # what snapshots alone have
		*.album | audit/*) continue ;;
		esac
		echo "$blob $(sed 's#\(/v1/[a-z_]*\)/../../#\1/#' <<<"$path")"
	done | sort -k2 >"$T/want"
	(cd "$T/$rev" && find api -type f | while read -r path; do
		echo "$(git hash-object --no-filters "$path") $path"
	done | sort -k2) >"$T/got"
	same "$rev: the site has the snapshot's files" "$T/got" "$T/want"
	is "$rev: snapshot.json names it" "$(names "$T/$rev") $(jq -r .tree "$T/$rev/snapshot.json")" \
		"$(commit "$rev") $(commit "$rev^{tree}")"
	is "$rev: snapshot.json counts" "$(jq .counts.images "$T/$rev/snapshot.json")" \
		"$(find "$T/$rev/api/v1/tag_images" -type f | wc -l)"
	is "$rev: no folder is empty" "$(find "$T/$rev/api" -empty)" ""
done
same_files "the exported site is the same as a published one" "$T/site" "$T/three"

# Only the difference is written.
inodes "$T/three" >"$T/before"
ok "publish again succeeds" publish "$T/three"
same "and changes no file" <(inodes "$T/three") "$T/before"
ok "a site is set back to the snapshot before" publish "$T/site" --rev HEAD~1
same_files "it equals a new folder at that snapshot" "$T/site" "$T/two"
ok "it is brought to the last snapshot again" publish "$T/site"
same_files "and equals what it was" "$T/site" "$T/three"
echo '{"public_id":"new","album_id":"album1"}' >"$T/data/new.json"
cp -a "$T/three" "$T/copy"
inodes "$T/copy" | sed 's/ [^ ]*$//' >"$T/before"
scan >/dev/null && export_all >"$T/out"
ok "a copy of a site is brought to the last snapshot" publish "$T/copy"
same_files "it equals the exported site" "$T/copy" "$T/site"
is "only what changed was written" \
	"$(inodes "$T/copy" | sed 's/ [^ ]*$//' | diff "$T/before" - | sed -n 's/^> //p' |
		grep -o '[^/]*\(/images/[^/]*\|/[^/]*\)\.json' | sort | tr '\n' ' ')" \
	"album1/images.json album1/images/untag.json copy/snapshot.json tag_images/new.json "

# Changes that somebody else made.
cp -a "$T/site" "$T/odd"
rm "$T/odd/snapshot.json" "$T/odd/api/v1/tag_images/new.json"
echo mine >"$T/odd/index.html"
echo x >"$T/odd/api/v1/tag_images/stray.json"
echo x >>"$T/odd/api/v1/tag_images/many7.json"
ok "a site without snapshot.json is published to" publish "$T/odd"
is "a file outside the API is kept" "$(cat "$T/odd/index.html")" mine
rm "$T/odd/index.html"
same_files "all other files are right" "$T/odd" "$T/site"

# Collections.
ok "publish --collections succeeds" publish "$T/odd" --collections
jq -c 'sort_by(.created_at, .id)' <(cat "$T"/odd/api/v1/tag_images/*.json | jq -s add) >"$T/want"
same "one file has all tag images" <(jq -c . "$T/odd/api/v1/tag_images.json") "$T/want"
ok "publish without --collections succeeds" publish "$T/odd"
same_files "the collection is removed" "$T/odd" "$T/site"

# Another process.
mkdir -p "$T/locked/.albumen"
exec {lock}>"$T/locked/.albumen/lock"
flock "$lock"
exits "a site that another process publishes is exit status 75" 75 publish "$T/locked"
exec {lock}>&-
ok "publish succeeds when the other has ended" publish "$T/locked"

# Killed at any instant, which is chosen by a system call of the program.
count=0
strace -qq -e trace=none true 2>"$T/err" || {
	result 0 "killed at any instant # SKIP strace cannot trace here"
	done_testing
}
# One changed image costs fsyncs of its few files and folders.
cp -a "$T/three" "$T/victim"
ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$T/trace" -e trace=fsync,syncfs \
	"$EXPORTER" publish --repo "$T/repo" --site "$T/victim" >"$T/out" 2>&1
ok "a small change is flushed by fsync" grep -q 'fsync(' "$T/trace"
is "it does not flush the whole file system" "$(grep -c 'syncfs(' "$T/trace")" 0
for call in renameat mkdirat unlinkat fsync syncfs; do
	for nth in 1 2 3 20 70; do
		rm -rf "$T/victim"
		cp -a "$T/two" "$T/victim"
		killed "$call" "$nth" --site "$T/victim" --rev three || continue
		count=$((count + 1))
		find "$T/victim/api" -type f ! -path '*/.albumen/*' -exec jq -e 'type == "array"' {} + \
			>"$T/out" 2>&1 || is "killed at $call $nth: a file is not whole" "$(cat "$T/out")" ""
		revs=(one two three)
		rev=${revs[count % 3]}
		publish "$T/victim" --rev $rev >"$T/out" 2>&1
		files "$T/victim" >"$T/got"
		files "$T/$rev" >"$T/want"
		cmp -s "$T/got" "$T/want" && [ "$(names "$T/victim")" = "$(commit $rev)" ] &&
			[ "$(<"$T/victim/.albumen/pending")" = "done" ]
		result $? "killed at $call $nth, then brought to $rev" ||
			diff -u "$T/want" "$T/got" | diag
	done
done
ok "it was killed often enough" [ "$count" -ge 10 ]
for nth in 1 5 25; do
	rm -rf "$T/victim"
	killed mkdirat $((nth + 5)) --site "$T/victim"
	is "a kill while a new site is made leaves nothing visible" "$(ls "$T/victim")" ""
	ok "the next publish succeeds" publish "$T/victim"
	same_files "the site is as any other" "$T/victim" "$T/site"
done

# A full disk, in a mount that belongs to the test.
mkdir "$T/disk"
cat >"$T/full" <<'EOS'
mount -t tmpfs -o size=4m none "$T/disk" || exit 99
"$EXPORTER" publish --repo "$T/repo" --site "$T/disk/site" --rev one >"$T/out" 2>&1 || exit 98
head -c 40000 /dev/zero >"$T/disk/spare"
head -c 5000000 /dev/zero >"$T/disk/ballast" 2>"$T/out"
rm "$T/disk/spare"
"$EXPORTER" publish --repo "$T/repo" --site "$T/disk/site" --rev three
echo $? >"$T/status"
find "$T/disk/site/api" -type f -exec jq -e 'type == "array"' {} + >"$T/whole" 2>&1
echo $? >>"$T/status"
rm "$T/disk/ballast"
"$EXPORTER" publish --repo "$T/repo" --site "$T/disk/site" --rev three >"$T/out" 2>&1
cp -a "$T/disk/site" "$T/survivor"
EOS
export T EXPORTER
if ! unshare --user --map-root-user --mount true 2>"$T/err"; then
	result 0 "a full disk # SKIP no mounts per user here"
	done_testing
fi
unshare --user --map-root-user --mount bash "$T/full" >"$T/out" 2>"$T/err"
is "a full disk is exit status 75, and every file is whole" "$(tr '\n' ' ' <"$T/status")" "75 0 "
is "the message names the file" "$(grep -c "$T/disk/site/api.*No space left on device" "$T/err")" 1
same_files "with room again the next publish completes the site" "$T/survivor" "$T/three"
done_testing
