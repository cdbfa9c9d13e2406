#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The command scan: what it reads, what it ignores, what it withdraws.
. "$(dirname "$0")/lib.sh"

image() { # ID [ALBUM]
	printf '{"public_id":"%s","album_id":"%s"}\n' "$1" "${2:-a}"
}
summary() { # FIELD: of a scan
	scan --json 2>/dev/null | jq -r ".$1"
}
count() { # FIELD: of the index
	"$INDEXER" status --index "$T/index" --json | jq -r ".$1"
}
at_rest() { # no file changed within two seconds, so none is read again
	[ "$(summary read)" = 0 ]
}

mkdir -p "$T/data/sub/deep"
exits "an empty folder is scanned" 0 scan
is "the index is empty" "$(count files)" 0

image one >"$T/data/one.json"
image two >"$T/data/sub/two.json"
{ image three; echo; image four; } >"$T/data/sub/deep/lines.ndjson"
image five >"$T/data/lines.jsonl"
for name in .hidden.json other.txt backup.json~ x.JSON json sub/.x.ndjson; do
	image "ignored-$name" >"$T/data/$name"
done
mkdir "$T/data/.git" "$T/data/old~"
image ignored >"$T/data/.git/x.json"
image ignored >"$T/data/old~/x.json"
ln -s one.json "$T/data/link.json"
ln -s sub "$T/data/linked"
exits "files are scanned" 0 scan
is "those whose names say that they hold metadata" "$(count files)" 4
is "with all their records" "$(count images)" 5
ok "the tables of the index are right" "$INDEXER" check --index "$T/index"

ok "unchanged files are not read again" wait_until 10 at_rest
is "but counted" "$(summary unchanged)" 4
is "no response changes" "$(summary sequence)" "$(count sequence)"

image one b >"$T/data/one.json"
is "a changed file is read" "$(summary read)" 1
is "and its claims replaced" "$(count images)" 5
is "the record is in its new album" "$(count albums)" 2

mv "$T/data/one.json" "$T/data/sub/renamed.json"
out=$(scan --json)
is "a renamed file is read under its new name" "$(jq .read <<<"$out")" 1
is "and gone under its old name" "$(jq .gone <<<"$out")" 1
is "no response changes" "$(jq .sequence <<<"$out")" "$(count sequence)"
is "nothing is lost" "$(count images)" 5

rm "$T/data/lines.jsonl"
is "a removed file is gone" "$(summary gone)" 1
is "its record is withdrawn" "$(count images)" 4

echo '{"public_id":"two"' >"$T/data/sub/two.json"
exits "a broken file ends with status 3" 3 scan
is "its earlier claims stay" "$(count images)" 4
is "status lists line, column and reason" \
	"$("$INDEXER" status --index "$T/index" | tail -n 1)" \
	"sub/two.json:2:1: the document ends inside an object"
exits "the next scan ends with status 3, too" 3 scan
image two >"$T/data/sub/two.json"
exits "once it is whole the status is 0" 0 scan

{ image six; echo nonsense; image seven; } >"$T/data/mixed.ndjson"
exits "a file with a bad line ends with status 3" 3 scan
is "only that line is rejected" "$(count images)" 6
{ image six; echo nonsense; } >"$T/data/mixed.ndjson"
scan >/dev/null 2>&1
is "a file with a reject withdraws nothing" "$(count images)" 6
image six >"$T/data/mixed.ndjson"
scan >/dev/null
is "a file without a reject does" "$(count images)" 5

printf '[{"public_id":"six","album_id":"a"},{"public_id":7},%s]' "$(image eight)" \
	>"$T/data/mixed.ndjson"
mv "$T/data/mixed.ndjson" "$T/data/mixed.json"
exits "an array with a bad element ends with status 3" 3 scan
is "only that element is rejected" "$(count images)" 6
rm "$T/data/mixed.json"

cp "$ROOT"/data/samples/tag-images-of-an-image.json "$T/data/seed.json"
exits "a recorded answer is metadata" 0 scan
is "with its tag images" "$(count live_tag_images)" \
	"$(jq length "$ROOT"/data/samples/tag-images-of-an-image.json)"

# Larger than the buffer of one read, so it is read as a stream; the elements of the
# array are checked before the first is claimed.
jq -nc '[range(20000) | {public_id: "big\(.)", album_id: "big", x: ("y" * 100)}]' \
	>"$T/data/big.json"
exits "a large array is read" 0 scan
before=$(count images)
jq -c '.[] | .album_id = "lines"' "$T/data/big.json" >"$T/data/big.ndjson"
jq -c 'map(.album_id = "later" | .created_at = "2020-01-01T00:00:00Z")' \
	"$T/data/big.json" | head -c -3 >"$T/data/cut.json"
exits "a large file of lines is read, a large cut array rejected" 3 scan
is "the records are the same, so their number is" "$(count images)" "$before"
is "only the cut array is rejected" "$("$INDEXER" status --index "$T/index" --json |
	jq -r '.rejected | map(.path) | join(" ")')" cut.json
jq -c 'select(.public_id != "big7")' "$T/data/big.ndjson" >"$T/data/new"
mv "$T/data/new" "$T/data/big.ndjson"
rm "$T/data/big.json" "$T/data/cut.json"
exits "a file with one line fewer is read" 0 scan
is "there is one image fewer" "$(count images)" $((before - 1))
jq -c '.created_at = "2020-01-01T00:00:00Z"' "$T/data/big.ndjson" >"$T/data/new"
mv "$T/data/new" "$T/data/big.ndjson"
scan >/dev/null
jq -c 'del(.created_at)' "$T/data/big.ndjson" >"$T/data/new"
mv "$T/data/new" "$T/data/big.ndjson"
exits "a file that takes created_at out of its records is read" 0 scan
is "the records stay known" "$(count images)" $((before - 1))
ok "the tables of the index are right" "$INDEXER" check --index "$T/index"

"$INDEXER" scan --data "$T/data" --index "$T/fresh" >/dev/null
numbers='| [.files, .images, .tags, .tag_images, .live_tag_images, .albums, .untagged, .claims]'
is "a new index of the folder has the same numbers" "$(count " $numbers | @csv")" \
	"$("$INDEXER" status --index "$T/fresh" --json | jq -r ". $numbers | @csv")"

# A path that is too long, as folders 600 deep make it.
mkdir "$T/deep"
image top >"$T/deep/top.json"
(
	cd "$T/deep" || exit 1
	for i in {1..600}; do
		mkdir folder && cd -P folder || exit 1
	done
	image bottom >bottom.json
)
exits "what is left out because of its path ends with status 3" 3 \
	"$INDEXER" scan --data "$T/deep" --index "$T/deep-index"
ok "the log gives the reason" grep -q "warning: not read, because its path is longer than 4095 bytes" "$T/err"
ok "the result says it" grep -qx '1 folder or file could not be read: the log says which' "$T/out"
exits "so does the next scan" 3 "$INDEXER" scan --data "$T/deep" --index "$T/deep-index"
rm -rf "$T/deep"

exits "an index inside the folder is refused" 1 \
	"$INDEXER" scan --data "$T/data" --index "$T/data/sub/index"
ok "nothing was made there" not test -e "$T/data/sub/index"
exits "a folder that does not exist is refused" 1 "$INDEXER" scan --data "$T/none" --index "$T/index"
exits "a missing option is exit status 2" 2 "$INDEXER" scan --index "$T/index"
exits "an index that does not exist is refused" 1 "$INDEXER" status --index "$T/none"
ALBUMEN_DATA=$T/data ALBUMEN_INDEX=$T/index exits "environment variables stand in for options" 0 \
	"$INDEXER" scan
# --- a folder of other things is no index ---------------------------------------------------

"$INDEXER" scan --data "$T/data" --index "$T/own" >"$T/out" 2>"$T/err"
"$EXPORTER" export --index "$T/own" --repo "$T/own-repo" --site "$T/own-site" >"$T/out" 2>"$T/err"
for folder in data own-repo own-site; do
	find "$T/$folder" -printf '%p %T@\n' | sort >"$T/before"
	exits "$folder is not taken for an index" 1 "$INDEXER" scan --data "$T/own" --index "$T/$folder"
	ok "it says what is there" grep -qE "folder '$T/$folder' is neither empty nor an index: it has '[^']+'; name a folder of its own for the index" "$T/err"
	find "$T/$folder" -printf '%p %T@\n' | sort >"$T/after"
	same "nothing is written into it" "$T/after" "$T/before"
done
exits "watch does not take it either" 1 timeout 30 "$INDEXER" watch --data "$T/own" --index "$T/own-repo"
mkdir -p "$T/disk/lost+found"
exits "a new file system is empty" 0 "$INDEXER" scan --data "$T/data" --index "$T/disk"
rm "$T/disk/data.mdb"
exits "an index that lost its data is made again" 0 "$INDEXER" scan --data "$T/data" --index "$T/disk"
echo >"$T/disk/note.txt"
exits "an index with a file beside it is one" 0 "$INDEXER" scan --data "$T/data" --index "$T/disk"

done_testing
