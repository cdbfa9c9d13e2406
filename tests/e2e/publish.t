#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Publishing: any snapshot onto any folder, by the difference, and right again after
# whatever interrupted it.
. "$(dirname "$0")/lib.sh"

publish() { # SITE [OPTION]...
	local site=$1
	shift
	"$EXPORTER" publish --repo "$T/repo" --site "$site" "$@"
}
files() { # SITE: every file that is served, and what is in it
	(cd "$1" && find . -path ./.albumen -prune -o -type f -exec sha1sum {} + | sort -k2)
}
same_files() { # NAME SITE SITE
	files "$2" >"$T/files.got"
	files "$3" >"$T/files.want"
	same "$1" "$T/files.got" "$T/files.want"
}
inodes() { # SITE: every file and folder, the site's own too, as they are on disk
	find "$1" -printf '%p %i %T@ %C@\n' | sort
}
image() { # ID ALBUM TITLE
	printf '{"public_id":"%s","album_id":"%s","title":"%s"}\n' "$1" "$2" "$3"
}
names() { # SITE: that snapshot.json names
	jq -r .commit "$1/snapshot.json"
}
killed() { # CALL NTH OPTION...: a publisher is killed as it makes that system call
	local call=$1 nth=$2
	shift 2
	# In a shell of its own, which keeps to itself what it says of the end.
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

# The site is the snapshot, file for file.
for rev in one two three; do
	ok "$rev into a new folder" publish "$T/$rev" --rev "$rev"
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

# By the difference.
inodes "$T/three" >"$T/before"
ok "the same again" publish "$T/three"
same "touches nothing" <(inodes "$T/three") "$T/before"
ok "the current site goes back" publish "$T/site" --rev HEAD~1
same_files "to what a new folder has" "$T/site" "$T/two"
ok "and on" publish "$T/site"
same_files "to what it had" "$T/site" "$T/three"
echo '{"public_id":"new","album_id":"album1"}' >"$T/data/new.json"
cp -a "$T/three" "$T/copy"
inodes "$T/copy" | sed 's/ [^ ]*$//' >"$T/before"
scan >/dev/null && export_all >"$T/out"
ok "a copy of a site is brought up" publish "$T/copy"
same_files "it is as the exported one" "$T/copy" "$T/site"
is "only what changed was written" \
	"$(inodes "$T/copy" | sed 's/ [^ ]*$//' | diff "$T/before" - | sed -n 's/^> //p' |
		grep -o '[^/]*\(/images/[^/]*\|/[^/]*\)\.json' | sort | tr '\n' ' ')" \
	"album1/images.json album1/images/untag.json copy/snapshot.json tag_images/new.json "

# What other people did to it.
cp -a "$T/site" "$T/odd"
rm "$T/odd/snapshot.json" "$T/odd/api/v1/tag_images/new.json"
echo mine >"$T/odd/index.html"
echo x >"$T/odd/api/v1/tag_images/stray.json"
echo x >>"$T/odd/api/v1/tag_images/many7.json"
ok "a site that says nothing is compared" publish "$T/odd"
is "what is not the API's stays" "$(cat "$T/odd/index.html")" mine
rm "$T/odd/index.html"
same_files "all else is right again" "$T/odd" "$T/site"

# Collections.
ok "with collections" publish "$T/odd" --collections
jq -c 'sort_by(.created_at, .id)' <(cat "$T"/odd/api/v1/tag_images/*.json | jq -s add) >"$T/want"
same "all tag images in one file" <(jq -c . "$T/odd/api/v1/tag_images.json") "$T/want"
ok "and without" publish "$T/odd"
same_files "it has gone" "$T/odd" "$T/site"

# Who else is there.
mkdir -p "$T/locked/.albumen"
exec {lock}>"$T/locked/.albumen/lock"
flock "$lock"
exits "a site that another process publishes is left alone" 75 publish "$T/locked"
exec {lock}>&-
ok "until it has ended" publish "$T/locked"

# Killed at any instant. The place is found by the publisher's own system calls.
count=0
strace -qq -e trace=none true 2>"$T/err" || {
	result 0 "killed at any instant # SKIP strace cannot trace here"
	done_testing
}
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
	is "a new site that is killed shows nothing" "$(ls "$T/victim")" ""
	ok "and is then made" publish "$T/victim"
	same_files "as any" "$T/victim" "$T/site"
done

# A full disk, in a mount of the test's own.
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
	result 0 "a full disk # SKIP no mounts of one's own here"
	done_testing
fi
unshare --user --map-root-user --mount bash "$T/full" >"$T/out" 2>"$T/err"
is "a full disk means to try again, and every file is whole" "$(tr '\n' ' ' <"$T/status")" "75 0 "
is "it is said which" "$(grep -c "$T/disk/site/api.*No space left on device" "$T/err")" 1
same_files "with room again, all is right" "$T/survivor" "$T/three"
done_testing
