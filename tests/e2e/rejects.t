#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is rejected is said: in the log when it is new, in groups by status; and so is a
# folder without metadata files.
. "$(dirname "$0")/lib.sh"

D=$T/data
scan_again() {
	"$INDEXER" scan --data "$D" --index "$T/index" "$@"
}
status() {
	"$INDEXER" status --index "$T/index" "$@"
}
rejects_are() { # NUMBER
	[ "$(status --json | jq .rejects)" = "$1" ]
}
logged() { # LOG: the number of lines about rejects
	grep -c 'warning: rejected ' "$1"
}
nothing='there is nothing to index: the metadata folder holds no file whose name ends in .json, .ndjson or .jsonl'

# --- nothing to index ----------------------------------------------------------------

mkdir -p "$D/folder"
exits "an empty folder is scanned" 0 scan_again
ok "and the log says that it is empty" grep -qxF "albumen-indexer: warning: $nothing" "$T/err"
ok "so does status" grep -qxF "$nothing" <(status)
echo '{}' >"$D/folder/photos.JSON"
echo '{}' >"$D/photos.json.bak"
exits "a folder whose names end in something else is scanned" 0 scan_again
ok "and the log says what they must end in" grep -qF "$nothing" "$T/err"
start watch "$INDEXER" watch --data "$D" --index "$T/index"
ok "so does watch" grep -qF "$nothing" "$T/watch.log"
stop watch
rm "$D/photos.json.bak" "$D/folder/photos.JSON"

# --- the log --------------------------------------------------------------------------

shape="not an image, a tag or a tag image; an image needs strings 'public_id' and 'album_id'; this object has 'id', 'title'"
echo '{"id":"x","title":"t"}' >"$D/one.json"
exits "an object that is no record is rejected" 3 scan_again
is "the log says where, what it lacks, and what it has" "$(<"$T/err")" \
	"albumen-indexer: warning: rejected one.json:1:1: $shape"
ok "status says it, too" grep -qxF "one.json:1:1: $shape" <(status)
ok "and where to read more" grep -qF 'albumen(7), METADATA FILES' <(status)
exits "what was rejected before is rejected again" 3 scan_again
touch "$D/one.json"
exits "also if the file is read again" 3 scan_again
is "but it is not logged again" "$(<"$T/err")" ""
echo ' {"id":"x","title":"t"}' >"$D/one.json"
exits "the same at another place" 3 scan_again
ok "is logged" grep -qF "one.json:1:2: $shape" "$T/err"
rm "$D/one.json"

# What strangers write does not control a terminal, and is not endless.
long=$(head -c 10000 /dev/zero | tr '\0' x)
printf '{"\xe2\x80\xae\\u001b[31m":1,"%s":2,"c":3,"d":4,"e":5,"f":6,"g":7}' "$long" \
	>"$D/"$'names\e[2J.json'
exits "hostile names are rejected" 3 scan_again
want="names\\x1b[2J.json:1:1: not an image, a tag or a tag image; an image needs strings 'public_id' and 'album_id'; this object has '\\xe2\\x80\\xae\\x1b[31m', '${long:0:40}...', 'c', 'd', 'e', 'f', ..."
is "in the log escaped and cut" "$(<"$T/err")" "albumen-indexer: warning: rejected $want"
ok "and by status" grep -qxF -- "$want" <(status)
rm "$D/"names*

# Ten of one kind a minute, then their number.
{ jq -nc 'range(2915) | {id: "x\(.)", title: "t"}'; echo '{"public_id":"p","album_id":1}'; } >"$D/many.ndjson"
jq -nc 'range(5) | {id: "y\(.)", name: "t"}' >"$D/more.jsonl"
exits "thousands of records are rejected" 3 scan_again
is "ten of each kind are logged" "$(grep -c 'rejected many.ndjson:.*; this object has .id., .title.$' "$T/err")" 10
ok "each kind for itself" grep -q "rejected many.ndjson:2916:18: not an image.*('album_id' is not a string)" "$T/err"
ok "and the number of the others" grep -qF \
	"albumen-indexer: warning: rejected 2905 more: not an image, a tag or a tag image (\`albumen-indexer status\` lists them)" "$T/err"
is "so the log is short" "$(logged "$T/err")" 17

# --- status ---------------------------------------------------------------------------

is "status lists few of a file and of a kind" "$(status | grep -c ': not an image.*; this object has')" 7
ok "and how many there are" grep -qxF "... 2915 like this in 1 file; --json lists them all" <(status)
is "--json lists all of them" "$(status --json | jq '.rejected | length')" 2921
is "and the numbers" "$(status --json | jq -c '[.rejected_kinds[] | [.reason, .rejects, .files]]')" \
	"[[\"not an image, a tag or a tag image\",2915,1],[\"not an image, a tag or a tag image ('album_id' is not a string)\",1,1],[\"not an image, a tag or a tag image (no 'label')\",5,1]]"
jq -nr 'range(20000) | "nonsense \(.)"' >"$D/many.ndjson"
exits "rejects that are not kept" 3 scan_again
ok "are counted by status" grep -qxF "many.ndjson: and 10000 more" <(status)
for ((i = 0; i < 300; i++)); do
	# As many kinds of reasons as a stranger likes.
	name=$(printf 'x\\"%*s' "$i" '' | tr ' ' y)
	printf '{"id":"k%d","name":"n","label":"l","%s":1,"%s":1}' "$i" "$name" "$name" \
		>"$D/k$i.json"
done
exits "hundreds of files are rejected" 3 scan_again
ok "and logged in few lines" test "$(logged "$T/err")" -lt 40
ok "status is short" test "$(status | wc -l)" -lt 80

# --- watch ----------------------------------------------------------------------------

rm "$D"/*json*
exits "the folder is emptied" 0 scan_again --accept-withdrawal
echo '{"public_id":"p","album_id":"a"}' >"$D/good.json"
start watch "$INDEXER" watch --data "$D" --index "$T/index"
echo '{"id":"x","title":"t"}' >"$D/one.json"
ok "watch logs a reject" wait_until 10 grep -qF "rejected one.json:1:1: $shape" "$T/watch.log"
jq -nc 'range(50) | {id: "x\(.)", title: "t"}' >"$D/many.ndjson"
ok "and others" wait_until 10 grep -qF "rejected many.ndjson:9:1: $shape" "$T/watch.log"
is "ten in all" "$(logged "$T/watch.log")" 10
ok "the index has all of them" wait_until 10 rejects_are 51
stop watch
is "the others are counted in the end" \
	"$(grep -o 'rejected [0-9]* more' "$T/watch.log")" "rejected 41 more"
done_testing
