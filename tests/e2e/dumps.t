#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dump of a listing that is written over the last one no longer states the images that have
# left the listing. The index follows, and the programs say so.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
images() { # ID...: an array of these images
	local separator=
	printf '['
	for id in "$@"; do
		printf '%s{"public_id":"%s","album_id":"A"}' "$separator" "$id"
		separator=,
	done
	printf ']\n'
}
write() { # FILE ID...
	images "${@:2}" >"$T/new" && mv "$T/new" "$T/data/$1"
}
warnings() { # what the last command warned of
	sed -n 's/^albumen-indexer: warning: //p' "$T/err"
}
count() {
	"$INDEXER" status --index "$T/index" --json | jq .images
}
gone() { # "N images" "are" FILE: the warning
	echo "$1 that only '$3' stated $2 gone; if '$3' is a dump of a listing," \
		"keep each dump under its own name (untag-2026-11-24.json)"
}

write untag.json a b c
exits "a first dump" 0 scan
is "says nothing" "$(<"$T/err")" ""
write untag.json a
exits "a dump over the last one is taken" 0 scan
is "but said" "$(warnings)" "$(gone "2 images" are untag.json)"
is "the index follows the folder" "$(count)" 1
exits "the same again" 0 scan
is "is said once" "$(warnings)" ""
write untag.json
exits "the last image goes" 0 scan
is "which is one" "$(warnings)" "$(gone "1 image" is untag.json)"

write untag-1.json a b c
write untag-2.json a
echo '{"id":"t","image_id":"b","tag_id":"T"}' >"$T/data/b.json"
echo '{"id":"T","name":"n","label":"l"}' >"$T/data/t.json"
exits "each dump under its own name" 0 scan
is "loses nothing" "$(warnings) $(count)" " 3"
write untag-2.json b
exits "what another file states" 0 scan
is "is not gone" "$(warnings) $(count)" " 3"
write untag-1.json b
write untag-3.json a c
exits "nor is what moves to another file" 0 scan
is "whichever is read first" "$(warnings) $(count)" " 3"
write untag-3.json b
write untag-1.json a c
exits "in either order" 0 scan
is "both are silent" "$(warnings) $(count)" " 3"
mv "$T/data/untag-1.json" "$T/data/other.json"
exits "a renamed file" 0 scan
is "states what it stated" "$(warnings) $(count)" " 3"
rm "$T/data/other.json"
exits "a removed file" 0 scan
is "was meant" "$(warnings) $(count)" " 1"

write bad.json a c
exits "a file" 0 scan
echo '[{"public_id":"a","album_id":"A"},{}]' >"$T/data/bad.json"
exits "with a reject withdraws nothing" 3 scan
is "so it loses nothing" "$(warnings | grep gone) $(count)" " 3"
write bad.json a
exits "until it is whole" 0 scan
is "and then it does" "$(warnings)" "$(gone "1 image" is bad.json)"

echo '[{"id":"u","image":{"public_id":"x","album_id":"A"},"tag":{"id":"T","name":"n","label":"l"}}]' >"$T/data/embedded.json"
exits "an image within a tag image" 0 scan
echo '[]' >"$T/data/embedded.json"
exits "goes with it" 0 scan
is "which is said, too" "$(warnings)" "$(gone "1 image" is embedded.json)"

# watch, and many at once.
for i in {1..15}; do
	write "n$i.json" "k$i" "l$i"
done
ok "watch" start watch "$INDEXER" watch --data "$T/data" --index "$T/index"
kill -STOP "$(<"$T/watch.pid")"
for i in {1..15}; do
	write "n$i.json" "k$i"
done
kill -CONT "$(<"$T/watch.pid")"
fewer() {
	[ "$(count)" = 17 ]
}
ok "follows" wait_until 20 fewer
stop watch
is "and warns of ten files" "$(grep -c "^albumen-indexer: warning: 1 image that only 'n[0-9]*.json' stated is gone; " "$T/watch.log")" 10
is "and counts the others" "$(grep -c '^albumen-indexer: warning: 5 more files no longer state images that only they stated$' "$T/watch.log")" 1
done_testing
