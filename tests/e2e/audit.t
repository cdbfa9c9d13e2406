#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The audit of every snapshot of random histories equals that of a slow model, and works on
# a clone alone; its options for scripts. SNAPSHOTS and SEED are as in history.t.
. "$(dirname "$0")/lib.sh"

seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
ok "audits of ${SNAPSHOTS:-60} snapshots, SEED=$seed" \
	"$PYTHON" "$ROOT/tests/model/audit.py" --seed "$seed" \
	--snapshots "${SNAPSHOTS:-60}" --indexer "$INDEXER" --exporter "$EXPORTER" \
	--work "$T/history"

# --- a history of three snapshots, a day each ----------------------------------------

day() { # N: makes a snapshot of the folder as it is, N days after the first
	SOURCE_DATE_EPOCH=$((1700000000 + $1 * 86400)) export_all >/dev/null
}
image() { # ID ALBUM
	echo "{\"id\":\"$1\",\"public_id\":\"$1\",\"album_id\":\"$2\",
		\"created_at\":\"2020-01-01T00:00:00Z\"}" >"$T/data/$1.json"
}
tagging() { # ID IMAGE MEMBERS
	echo "{\"id\":\"$1\",\"image_id\":\"$2\",\"tag_id\":\"crack\"$3}" >"$T/data/$1.json"
}
mkdir "$T/data"
echo '{"id":"crack","name":"crack","label":"Crack \u001b[31m\u202e"}' >"$T/data/tag.json"
image a north && image b north && image c south && tagging ta a ',"user":"eve"'
scan >/dev/null && day 0
rm "$T/data/ta.json" && tagging tb b ',"created_at":"2021-05-05T00:00:00Z"'
scan >/dev/null && day 1
image a south
scan >/dev/null && day 2
git clone -q --no-local "$T/repo" "$T/clone"
mv "$T/data" "$T/index" "$T/repo" "$T/site" "$(mktemp -d "$T/away.XXXXXX")"

audit() {
	"$EXPORTER" audit --repo "$T/clone" "$@"
}
field() { # FILTER: of the JSON audit in $T/out
	jq -cr "$1" "$T/out"
}

exits "a clone alone can be audited" 0 audit --format json --at HEAD
is "the report has the counts" "$(field '.all | [.images, .tagged, .untagged, .albums, .tags[0].images]')" \
	"[3,1,2,2,1]"
is "the share has four digits" "$(grep -o '"share":[0-9.]*' "$T/out" | head -n 1)" \
	'"share":0.6667'
is "albums are sorted by the number of untagged images" "$(field '[.albums[].album]')" '["south","north"]'
is "a move between albums does not make an image new, losing its tag does" \
	"$(field '[.albums[0].untagged_images[] | [.image, .observed_since]]')" \
	'[["c","2023-11-14T22:13:20Z"],["a","2023-11-15T22:13:20Z"]]'
is "the report names the snapshot since which an image is untagged" \
	"$(field '.albums[0].untagged_images[1].observed_commit')" \
	"$(git -C "$T/clone" rev-parse HEAD~1)"
is "who tagged last is unknown if no record says it" "$(field '.all.last_tagged.by')" unknown
exits "an audit of tag images that do not say when they were made" 0 audit --at HEAD~2
ok "does not state that one is the last" grep -q '^last tagged image      not known: no tag image says' "$T/out"
exits "the first snapshot can be audited" 0 audit --format json --at HEAD~2
is "who tagged last is shown if a record says it" "$(field '.all.last_tagged.by')" eve
is "the report has the number of the snapshot" "$(field .number)" 1
exits "an instant between two snapshots can be audited" 0 \
	audit --format json --at 2023-11-16T10:00:00Z
is "that audits the earlier snapshot, as of the instant" "$(field '[.number, .as_of]')" \
	'[2,"2023-11-16T10:00:00Z"]'

unshare -rn true 2>/dev/null &&
	ok "an audit needs no network" unshare -rn "$EXPORTER" audit --repo "$T/clone"

# --- scripts ----------------------------------------------------------------------------

exits "--fail-over accepts as many untagged images as it says" 0 audit --fail-over 2
exits "--fail-over fails with one more" 1 audit --fail-over 1
ok "the message says how many, and in which album most of them are" grep -q ' 2, .* over the 1 .*south' "$T/err"
ok "the report is printed nevertheless" grep -q '^untagged  2' "$T/out"
exits "--fail-over counts the audited album only" 0 audit --fail-over 0 --album north
exits "--older-than accepts an image that is younger" 0 \
	audit --at HEAD --older-than 2d --count-from observed
exits "--older-than fails with an image that is older" 1 \
	audit --at HEAD --older-than 47h --count-from observed
ok "the message says which, and since when" \
	grep -q "1, .* 'c' in album 'south', since 2023-11-14T22:13:20Z" "$T/err"
exits "ages are counted up to the instant of --at" 1 \
	audit --at 2023-11-17 --older-than 2d --count-from observed
exits "a wrong age is refused" 2 audit --older-than soon
exits "an unknown format is refused" 2 audit --format xml
exits "an unknown album is refused" 1 audit --album east
ok "the message names the album" grep -q "no album 'east'" "$T/err"

# --- since when -------------------------------------------------------------------------

# An image that was created last, but has been untagged for longest.
rm -r "$T/data" "$T/index" "$T/repo" 2>/dev/null
mkdir "$T/data"
aged() { # ID CREATED
	echo "{\"id\":\"$1\",\"public_id\":\"$1\",\"album_id\":\"west\",\"title\":\"T $1\",
		\"created_at\":\"$2\"}" >"$T/data/$1.json"
}
echo '{"id":"crack","name":"crack","label":"{\"fr\":\"Fissure\",\"en\":\"Crack\"}"}' >"$T/data/tag.json"
aged old 2020-01-01T00:00:00Z && aged new 2023-06-01T00:00:00Z
tagging told old ',"user":"eve"'
scan >/dev/null && day 0
rm "$T/data/told.json"
aged later 2023-11-20T00:00:00Z
scan >/dev/null && day 1
aged back 2019-01-01T00:00:00Z
scan >/dev/null && day 2
rm "$T/data/back.json"
scan >/dev/null && day 3
aged back 2019-01-01T00:00:00Z && aged fresh 2018-01-01T00:00:00Z
scan >/dev/null && day 4
west() {
	"$EXPORTER" audit --repo "$T/repo" --at HEAD "$@"
}
since='[.albums[0].untagged_images[] | [.image, .since, .counted_from]]'
exits "ages are counted from creation" 0 west --json
is "if the first snapshot that holds the image has it untagged; else from what was observed" "$(field "$since")" \
	'[["fresh","2018-01-01T00:00:00Z","created"],["new","2023-06-01T00:00:00Z","created"],["old","2023-11-15T22:13:20Z","observed"],["later","2023-11-15T22:13:20Z","observed"],["back","2023-11-18T22:13:20Z","observed"]]'
is "the report says what is counted" "$(field .count_from)" created
exits "--count-from observed" 0 west --json --count-from observed
is "counts what snapshots show alone" "$(field "$since")" \
	'[["new","2023-11-14T22:13:20Z","observed"],["old","2023-11-15T22:13:20Z","observed"],["later","2023-11-15T22:13:20Z","observed"],["fresh","2023-11-18T22:13:20Z","observed"],["back","2023-11-18T22:13:20Z","observed"]]'
is "the report says that, too" "$(field .count_from)" observed
exits "another thing to count from is refused" 2 west --count-from now
for from in created:2018-01-01T00:00:00Z:fresh:4 observed:2023-11-14T22:13:20Z:new:3; do
	IFS=: read -r from day hour minute image many <<<"$from"
	at=$day:$hour:$minute
	exits "--older-than agrees with the report, counting from $from" 1 \
		west --count-from "$from" --older-than 1s
	ok "it names the image" grep -q "1s: $many, the longest being '$image' in album 'west', since $at" "$T/err"
	ok "so does the table" grep -q "^oldest untagged image  $image\$" "$T/out"
	ok "with the same instant" grep -q "^  counted since        $at" "$T/out"
	ok "and its list of albums" grep -Eq "^ +5 +5 +100.00 %  ${day%T*} +. " "$T/out"
	exits "and CSV, counting from $from" 0 west --count-from "$from" --format csv
	is "has it in each row" "$(cut -d, -f7,8,13 <(tr -d '\r' <"$T/out" | tail -n +2) | sort -u)" "$image,$at,$from"
done

# --- which images -----------------------------------------------------------------------

image lone east
scan >/dev/null && day 5
images() { # the lines of the list of images in $T/out
	sed '1,/^SINCE /d' "$T/out" | sed -E 's/  [0-9a-f]{12}(  |$)/  COMMIT\1/; s/  +/  /g'
}
exits "--images lists the untagged images of all albums" 0 west --images
is "the one that has been untagged for longest first, with the tag that it lost" "$(images)" \
	"2018-01-01  2148 days  fresh  west  T fresh  2018-01-01  2023-11-18T22:13:20Z  COMMIT
2020-01-01  1418 days  lone  east  2020-01-01  2023-11-19T22:13:20Z  COMMIT
2023-06-01  171 days  new  west  T new  2023-06-01  2023-11-14T22:13:20Z  COMMIT
2023-11-15  4 days  old  west  T old  2020-01-01  2023-11-15T22:13:20Z  COMMIT  Crack by eve
2023-11-15  4 days  later  west  T later  2023-11-20  2023-11-15T22:13:20Z  COMMIT
2023-11-18  24 hours  back  west  T back  2019-01-01  2023-11-18T22:13:20Z  COMMIT"
exits "the totals are those of all albums" 0 west --images --album east
ok "or of the album" grep -q '^album     east$' "$T/out"
is "whose images have no column for it" "$(images)" "2020-01-01  1418 days  lone  2020-01-01  2023-11-19T22:13:20Z  COMMIT"
exits "a tag has its label in the reader's language" 0 env LC_ALL=fr_FR.UTF-8 "$EXPORTER" audit --repo "$T/repo" --at HEAD --images
ok "there" grep -q '  Fissure by eve$' "$T/out"
exits "--sort and --top" 0 west --images --sort created --top 2
is "sort, then cut" "$(images | awk '{ print $4 }' | xargs)" "fresh back"
exits "of albums, too" 0 west --sort since --top 1 --json
is "with the totals of all" "$(field '[.albums[0].album, (.albums | length), .all.albums, .all.untagged]')" '["west",1,2,6]'
exits "albums by id" 0 west --sort album --json
is "go up" "$(field '[.albums[].album]')" '["east","west"]'
exits "JSON has the images, too" 0 west --images --json --top 4
is "with the tag that each lost" "$(field '[.untagged_images[] | [.image, .album, .last_tag.tag, .last_tag.by]]')" \
	'[["fresh","west",null,null],["lone","east",null,null],["new","west",null,null],["old","west","crack","eve"]]'
exits "--fail-over names the album with most, whatever the order" 1 west --sort album --fail-over 1
ok "there" grep -q "5 of them in album 'west'" "$T/err"
exits "an order of albums is none of images" 2 west --images --sort share
ok "the message has those that are" grep -q "images can be sorted by one of: since created album image" "$T/err"
exits "an order of images is none of albums" 2 west --sort created
exits "the page is not sorted here" 2 west --format html --top 1

# --- people -----------------------------------------------------------------------------

exits "an album is printed as a table" 0 audit --album south --at HEAD --count-from observed
ok "the table has its images, since when and for how long they are untagged" \
	grep -Eq '^2023-11-14  2 days +c +2020-01-01  2023-11-14T22:13:20Z  [0-9a-f]{12}$' "$T/out"
exits "everything is printed as a table" 0 audit --at HEAD
is "no line is wider than 100 columns" "$(awk 'length > 100' "$T/out")" ""
ok "control characters of a label do not reach the terminal" grep -q 'Crack \\x1b\[31m\\xe2\\x80\\xae$' "$T/out"
is "nor do any others but newlines" "$(tr -d '\n -~' <"$T/out" | od -An -tx1)" ""
"$EXPORTER" audit --repo "$T/clone" >/dev/full 2>"$T/err"
is "a full disk is exit status 75" "$?" 75

# --- clones that are not whole, and snapshots that are not right ------------------------

git clone -q --depth 1 "file://$T/clone" "$T/shallow"
exits "a shallow clone can be audited" 0 "$EXPORTER" audit --repo "$T/shallow" --format json
is "it says that images are untagged since its beginning or earlier" \
	"$(field '[.albums[].untagged_images[] | .since, .observed_since, .or_earlier, .counted_from] | unique')" \
	'[true,"2023-11-16T22:13:20Z","observed"]'
exits "--older-than does not guess" 1 "$EXPORTER" audit --repo "$T/shallow" --at HEAD --older-than 1d
ok "the message says why" grep -q 'unshallow' "$T/err"
exits "a shallow clone may hold enough for --older-than" 1 "$EXPORTER" audit --repo "$T/shallow" --older-than 1d
ok "the message says that it may be earlier" grep -q 'than 1d: 2, .* since 2023-11-16T22:13:20Z or earlier$' "$T/err"
ok "and does not ask for more history" not grep -q 'unshallow' "$T/err"

tamper() { # PATH COMMAND...: a snapshot in which the file is what COMMAND makes of it
	local path=$1
	shift
	git -C "$T/clone" checkout -q main
	"$@" <"$T/clone/$path" >"$T/body"
	cp "$T/body" "$T/clone/$path"
	git -C "$T/clone" -c user.name=m -c user.email=m@localhost commit -qam tampered
}
path=$(git -C "$T/clone" ls-files | grep 'tag_images/.*/b.json')
for body in '[{"id":' '{}' '[7]' '[{"id":"x","tag":7}]' '[{"id":"x","tag":{"id":7}}]' \
	'[{"id":"x\u0000","tag":{"id":"y"}}]' ' []' '[ ]' '["\ud800"]' ''; do
	tamper "$path" printf %s "$body"
	exits "a body that albumen did not write is an error: $body" 1 audit
	ok "the message names it" grep -q "$path" "$T/err"
	git -C "$T/clone" reset -q --hard HEAD~1
done
tamper "$path" printf '[]'
exits "an untagged image that its album does not list is an error" 1 audit
ok "the message says that the snapshot contradicts itself" grep -q "contradicts itself about album 'north'" "$T/err"
git -C "$T/clone" reset -q --hard HEAD~1
path=$(git -C "$T/clone" ls-files | grep 'tag_images/.*/b.album')
git -C "$T/clone" rm -q "$path"
git -C "$T/clone" -c user.name=m -c user.email=m@localhost commit -qm older
exits "a snapshot without .album files cannot be audited as a whole" 1 audit
exits "but album by album" 0 audit --album north
done_testing
