#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The command scan: what it takes in, what it leaves alone, what it withdraws.
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
at_rest() { # nothing is read any more, as no file changed within two seconds
	[ "$(summary read)" = 0 ]
}

mkdir -p "$T/data/sub/deep"
exits "an empty folder is scanned" 0 scan
is "and holds nothing" "$(count files)" 0

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
exits "files are taken in" 0 scan
is "those whose names say that they hold metadata" "$(count files)" 4
is "with all their records" "$(count images)" 5
ok "the index agrees with itself" "$INDEXER" check --index "$T/index"

ok "unchanged files are not read again" wait_until 10 at_rest
is "but seen" "$(summary unchanged)" 4
is "without a change to any response" "$(summary sequence)" "$(count sequence)"

image one b >"$T/data/one.json"
is "a changed file is read" "$(summary read)" 1
is "and replaces its claims" "$(count images)" 5
is "in its new album" "$(count albums)" 2

mv "$T/data/one.json" "$T/data/sub/renamed.json"
out=$(scan --json)
is "a renamed file is read under its new name" "$(jq .read <<<"$out")" 1
is "and forgotten under its old one" "$(jq .forgotten <<<"$out")" 1
is "without a change to any response" "$(jq .sequence <<<"$out")" "$(count sequence)"
is "nothing is lost" "$(count images)" 5

rm "$T/data/lines.jsonl"
is "a file that is gone is forgotten" "$(summary forgotten)" 1
is "with its record" "$(count images)" 4

echo '{"public_id":"two"' >"$T/data/sub/two.json"
exits "a broken file ends with status 3" 3 scan
is "and keeps its earlier claims" "$(count images)" 4
is "it is listed with line, column and reason" \
	"$("$INDEXER" status --index "$T/index" | tail -n 1)" \
	"sub/two.json:2:1: the document ends inside an object"
exits "as long as it is broken" 3 scan
image two >"$T/data/sub/two.json"
exits "and no longer" 0 scan

{ image six; echo nonsense; image seven; } >"$T/data/mixed.ndjson"
exits "a bad line" 3 scan
is "is rejected alone" "$(count images)" 6
{ image six; echo nonsense; } >"$T/data/mixed.ndjson"
scan >/dev/null 2>&1
is "a file with a reject withdraws nothing" "$(count images)" 6
image six >"$T/data/mixed.ndjson"
scan >/dev/null
is "a clean one does" "$(count images)" 5

printf '[{"public_id":"six","album_id":"a"},{"public_id":7},%s]' "$(image eight)" \
	>"$T/data/mixed.ndjson"
mv "$T/data/mixed.ndjson" "$T/data/mixed.json"
exits "a bad element of an array" 3 scan
is "is rejected alone, too" "$(count images)" 6
rm "$T/data/mixed.json"

cp "$ROOT"/data/samples/tag-images-of-an-image.json "$T/data/seed.json"
exits "a recorded answer is metadata" 0 scan
is "with its tag images" "$(count live_tag_images)" \
	"$(jq length "$ROOT"/data/samples/tag-images-of-an-image.json)"

# More than the window of one reading holds, so it is streamed; the elements of the
# array are checked before the first is taken.
jq -nc '[range(20000) | {public_id: "big\(.)", album_id: "big", x: ("y" * 100)}]' \
	>"$T/data/big.json"
exits "a large array is taken in" 0 scan
before=$(count images)
jq -c '.[] | .album_id = "lines"' "$T/data/big.json" >"$T/data/big.ndjson"
jq -c 'map(.album_id = "later" | .created_at = "2020-01-01T00:00:00Z")' \
	"$T/data/big.json" | head -c -3 >"$T/data/cut.json"
exits "large lines are taken in, a large cut array is not" 3 scan
is "the same records, so no more of them" "$(count images)" "$before"
is "nothing of the cut one" "$("$INDEXER" status --index "$T/index" --json |
	jq -r '.rejected | map(.path) | join(" ")')" cut.json
jq -c 'select(.public_id != "big7")' "$T/data/big.ndjson" >"$T/data/new"
mv "$T/data/new" "$T/data/big.ndjson"
rm "$T/data/big.json" "$T/data/cut.json"
exits "a line fewer" 0 scan
is "is an image fewer" "$(count images)" $((before - 1))
jq -c '.created_at = "2020-01-01T00:00:00Z"' "$T/data/big.ndjson" >"$T/data/new"
mv "$T/data/new" "$T/data/big.ndjson"
scan >/dev/null
jq -c 'del(.created_at)' "$T/data/big.ndjson" >"$T/data/new"
mv "$T/data/new" "$T/data/big.ndjson"
exits "records that are set back to an earlier instant" 0 scan
is "stay known" "$(count images)" $((before - 1))
ok "the index agrees with itself" "$INDEXER" check --index "$T/index"

"$INDEXER" scan --data "$T/data" --index "$T/fresh" >/dev/null
numbers='| [.files, .images, .tags, .tag_images, .live_tag_images, .albums, .untagged, .claims]'
is "a new index of the folder has the same numbers" "$(count " $numbers | @csv")" \
	"$("$INDEXER" status --index "$T/fresh" --json | jq -r ". $numbers | @csv")"

exits "an index inside the folder is refused" 1 \
	"$INDEXER" scan --data "$T/data" --index "$T/data/sub/index"
ok "nothing was made there" not test -e "$T/data/sub/index"
exits "a folder that does not exist" 1 "$INDEXER" scan --data "$T/none" --index "$T/index"
exits "an option that is missing" 2 "$INDEXER" scan --index "$T/index"
exits "an index that does not exist" 1 "$INDEXER" status --index "$T/none"
ALBUMEN_DATA=$T/data ALBUMEN_INDEX=$T/index exits "the environment stands in" 0 \
	"$INDEXER" scan
done_testing
