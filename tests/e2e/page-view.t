#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a reader of the audit page sees first: whose snapshot it is and who signed it, and all
# untagged images by age; then tags, labels and incidents. In words, on paper, in a narrow window.
. "$(dirname "$0")/lib.sh"

READY="wait:'ready' in document.documentElement.dataset"
mkdir "$T/data"

browse() { # URL STEP...: output of the steps to $T/out, of the console to $T/console
	timeout 300 "$PYTHON" "$ROOT/tests/e2e/browser.py" "$T/profile" "$@" >"$T/all" 2>&1
	local status=$?
	grep -v '^console: \|^request: ' "$T/all" >"$T/out"
	sed -n 's/^console: //p' "$T/all" >"$T/console"
	sed -n 's/^request: //p' "$T/all" >"$T/requests"
	[ "$status" = 0 ] || diag <"$T/all"
	return "$status"
}
text() { # CSS: the step that prints the text of an element
	echo "eval:document.querySelector('$1').textContent"
}
now=1780000000
step() { # SECONDS EXPORT-OPTION...: exports $T/data at that time after the start
	local time=$((now + $1))
	shift
	"$INDEXER" scan --data "$T/data" --index "$T/index" >"$T/log" 2>&1
	SOURCE_DATE_EPOCH=$time export_all --audit-page --json "$@" >"$T/export" 2>"$T/log" || diag <"$T/log"
}
report() { # OPTION...: a report of $T/repo to $T/report.html
	"$EXPORTER" audit --repo "$T/repo" --format html --at main "$@" >"$T/report.html" 2>"$T/err"
}
site=file://$T/site/audit/index.html
report=file://$T/report.html

# --- an empty library, a single snapshot ----------------------------------------------

echo '{"id":"T","name":"boat","label":"{\"en\":\"Boat\",\"fr\":\"Bateau\"}"}' >"$T/data/tag.json"
echo '{"id":"U","name":"no label in English","label":"{\"de\":\"Kran\",\"fr\":\"Grue\"}"}' >"$T/data/tag2.json"
echo '{"id":"V","name":"plain","label":"{not JSON"}' >"$T/data/tag3.json"
step 0
report
# Alarm is the colour of the meter.
ALARM="eval:getComputedStyle(document.querySelector('#share')).color === getComputedStyle(document.querySelector('#meter')).backgroundColor"
for url in "$report" "$site"; do
	ok "${url##*/}: an empty library" browse "$url" "$READY" "$(text '#share')" "$ALARM" "$(text '#untagged-words')" \
		"$(text '#no-albums')" "$(text '#plot-words')" \
		"eval:[...document.querySelectorAll('#meter-line, #filter-line, #plot, #untagged-table, #album-table')].filter((e) => e.offsetParent)"
	printf '%s\n' '"No images yet"' false '"There are no images, so none is untagged."' '"There are no albums yet."' \
		'"There is one snapshot so far, of 2026-05-28 20:26, without images. The plot begins with the second."' '[]' >"$T/want"
	same "${url##*/}: it says so, without an alarm, an empty table or a plot of one point" "$T/out" "$T/want"
	is "${url##*/}: the console is empty" "$(<"$T/console")" ""
done
is "an unsigned snapshot without a name" "$(browse "$report" "$READY" "$(text '#origin')" 'eval:document.querySelector("#library").hidden' 'eval:document.title'
	sed 's/Commit.*"/"/' "$T/out" | jq -sc .)" '["Snapshot1Taken2026-05-28 20:26 UTCSignatureNot signed",true,"Untagged images"]'

# --- 700 images ------------------------------------------------------------------------

# An album of 300, others of a few; created at random, some at the same time, some at none.
"$PYTHON" - "$T/data" <<'END'
import json, random, sys
rng = random.Random(5)
with open(f'{sys.argv[1]}/images.ndjson', 'w') as out:
    for n in range(700):
        image = {'public_id': f'image-{n}', 'album_id': 'large' if n < 300 else f'album-{n % 37}'}
        if n % 3:
            image['title'] = f'Title {n}'
        elif n % 2:
            image['infos'] = {'original_filename': f'FILE_{n}.tif'}
        when = rng.randrange(40)
        image['created_at'] = (None if when == 0 else f'2025-{when % 12 + 1:02}-{rng.randrange(9) + 10}T1{rng.randrange(9)}:00:00+02:00')
        image['thumbnails'] = {'mini': f'https://127.0.0.1/thumb-{n}.jpg'}
        out.write(json.dumps(image) + '\n')
END
mv "$T/data/images.ndjson" "$T/images"
cp "$T/images" "$T/data/images.ndjson"
echo '{"id":"t1","image_id":"image-1","tag_id":"T","created_at":"2026-01-01T00:00:00Z","user":"mara"}' >"$T/data/t1.json"
step 86400 --name 'Musée & Co'
ALL="wait:(page.untagged.list.more && page.untagged.list.more(), page.untagged.list.length === page.untagged.list.total)"
IDS="eval:[...Array(page.untagged.list.length).keys()].map((i) => page.untagged.list.row(i)).map((image) => [image.id, image.album])"
ok "the site lists all untagged images" browse "$site" "$READY" "$(text '#untagged-status')" \
	"eval:page.untagged.list.length" "$ALL" "$IDS" "$(text '#library')" 'eval:document.title' "$(text '#figures .wide')"
is "and has the name of the library at the top" "$(sed -n '4,5p' "$T/out" | jq -sc .)" '["Musée & Co","Untagged images – Musée & Co"]'
is "at first it loads some of them" "$(sed -n 1,2p "$T/out" | tr '\n' ' ')" '"699 untagged images" 200 '
sed -n 3p "$T/out" >"$T/got"
ok "by the time of creation, and none twice" "$PYTHON" - "$T/images" "$T/got" <<'END'
import datetime, json, sys
images = [json.loads(line) for line in open(sys.argv[1])]
when = {i['public_id']: datetime.datetime.fromisoformat(i['created_at']).timestamp() if i['created_at'] else 0
        for i in images}
got = json.load(open(sys.argv[2]))
assert sorted(got) == sorted([i['public_id'], i['album_id']] for i in images if i['public_id'] != 'image-1')
times = [when[image] for image, _ in got]
assert times == sorted(times)
END
is "the console is empty" "$(<"$T/console")" ""
ok "the keyboard reaches all of it" browse "$site" size:1280x900 "$READY" \
	'eval:document.querySelector("#untagged-table .name").focus()' key:End "wait:page.untagged.list.length === 400" \
	'eval:document.activeElement.closest("#untagged-table .slot").dataset.index' key:End "wait:page.untagged.list.length === 600" \
	key:End "wait:page.untagged.list.length === 699" key:End 'eval:document.activeElement.closest("#untagged-table .slot").dataset.index'
is "and keeps the focus while more is loaded" "$(tail -n +2 "$T/out" | tr '\n' ' ')" '"199" "698" '
ok "an album with many has its list in two files" test -s "$T/site/audit/data/untagged/large.rest.js"
echo '{"id":"t2","image_id":"image-2","tag_id":"T"}' >"$T/data/t2.json"
step 90000
is "one image that is tagged there writes two responses and five files of the page" \
	"$(jq -r '"\(.site.written) \(.site.removed)"' "$T/export")" "7 0"
for i in {3..60}; do
	echo "{\"id\":\"t$i\",\"image_id\":\"image-$i\",\"tag_id\":\"$([ "$i" -lt 40 ] && echo U || echo V)\"}"
done >"$T/data/t.ndjson"
step 100000
ok "once it has few, there is one file" not test -e "$T/site/audit/data/untagged/large.rest.js"
"$EXPORTER" publish --repo "$T/repo" --site "$T/new" --audit-page >/dev/null 2>&1
ok "the page is that of a new site" diff -r "$T/site/audit" "$T/new/audit"

# --- the report: order, ages, words ------------------------------------------------------

report
"$EXPORTER" audit --repo "$T/repo" --at main --json | jq -c '[.albums[] | .album as $album | .untagged_images[] |
	{since, created: (.created_at // "" | if . == "" then . else (.[:11] + (.[11:13] | tonumber + 8 | tostring) + .[13:19]) end),
	row: [.image, $album]}] | sort_by(.since, .created, .row[0]) | .[].row' >"$T/want"
ok "the report lists all untagged images" browse "$report" lang:fr-CH "go:$report" "$READY" "$ALL" "$IDS" \
	"eval:[...document.querySelectorAll('#tag-table .space .row')].map((row) => row.firstChild.textContent)" \
	lang:de-AT "go:about:blank" "go:$report" "$READY" "eval:[...document.querySelectorAll('#tag-table .space .row')].map((row) => row.firstChild.textContent)" \
	"eval:[...document.querySelectorAll('#tag-table .gauge i')].map((bar) => bar.style.getPropertyValue('--share'))"
sed -n 1p "$T/out" | jq -c '.[]' >"$T/got"
same "those first that have been untagged for longest" "$T/got" "$T/want"
cp "$T/want" "$T/want-all"
printf '%s\n' '["Grue", "{not JSON", "Bateau"]' '["Kran", "{not JSON", "Boat"]' >"$T/want"
sed -n 2,3p "$T/out" >"$T/got"
same "tags are called in the reader's language, else in English, else as the first is" "$T/got" "$T/want"
is "and have bars, the longest for the most" "$(sed -n 4p "$T/out" | jq -c 'map(tonumber * 37 | round)')" '[37,21,2]'

ok "an album in a report" browse "$report#album=album-5" "$READY" "wait:document.querySelector('#image-table:not([hidden]) .space .row')" \
	"eval:[...Array(page.images.list.length).keys()].map((i) => page.images.list.row(i)).map((image) => [image.id, image.album])"
grep '"album-5"' "$T/want-all" >"$T/want"
jq -c '.[]' "$T/out" >"$T/got"
same "has its own images, in the same order" "$T/got" "$T/want"

ok "a row" browse "$report" size:1280x900 "$READY" \
	"eval:(page.untagged.table.scroll.scrollTop = 0, document.querySelector('#untagged-table .since').textContent)" \
	"eval:[document.body.textContent.includes('thumb-') && [...document.querySelectorAll('body :not(script)')].some((e) => !e.children.length && e.textContent.includes('thumb-'))]" \
	'eval:document.querySelector("#untagged-table .name").focus()' key:ArrowDown key:Enter \
	"wait:document.querySelector('#untagged-table .detail')" \
	"eval:document.activeElement.getAttribute('aria-expanded')" "$(text '#untagged-table .detail .address:last-child')" \
	"eval:[...document.querySelectorAll('#untagged-table .detail dt')].map((e) => e.textContent)" \
	key:ArrowDown "eval:document.querySelector('#untagged-table .expanded').dataset !== undefined && document.activeElement.getAttribute('aria-expanded')" \
	key:ArrowUp key:Enter "wait:!document.querySelector('#untagged-table .detail')"
is "opens with its details, the address of the thumbnail among them, and nowhere else" "$(sed -n 2p "$T/out") $(sed -n 4p "$T/out")" '[false] "true"'
is "in this order" "$(sed -n 6p "$T/out" | jq -c .)" "$(sed -n 6p "$T/out" | grep -o 'Title' >/dev/null &&
	echo '["Title","Image","Album","Created","Observed","Thumbnail"]' || echo '["Image","Album","Created","Observed","Thumbnail"]')"

# --- signed by whom ----------------------------------------------------------------------

ssh-keygen -q -t ed25519 -N '' -C '' -f "$T/key"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$T/other"
echo "keeper@museum $(<"$T/key.pub")" >"$T/signers"
echo "keeper@museum $(<"$T/other.pub")" >"$T/others"
key=$(ssh-keygen -lf "$T/key.pub" | cut -d' ' -f2)
exits "an unsigned snapshot is refused with --signers" 1 "$EXPORTER" audit --repo "$T/repo" --format html --signers "$T/signers"
is "and nothing is printed" "$(wc -c <"$T/out")" 0
echo '{"id":"t70","image_id":"image-70","tag_id":"T"}' >"$T/data/t70.json"
step 200000 --sign "$T/key"
signature() { # URL
	browse "$1" "$READY" "eval:[...document.querySelectorAll('#origin div')].find((e) => e.firstChild.textContent === 'Signature').lastChild.textContent" \
		'eval:document.querySelector("#check-words").textContent'
	sed -n 1p "$T/out" | jq -r .
}
report
is "a report without --signers names the key" "$(signature "$report")" "Signed with key $key, not verified here: verify with albumen-exporter verify"
ok "and says how to verify" grep -q 'albumen-exporter verify --repo REPO --signers FILE' "$T/out"
is "so does the page of a site" "$(signature "$site")" "Signed with key $key, not verified here: verify with albumen-exporter verify"
exits "a report with --signers" 0 report --signers "$T/signers"
is "names the signer" "$(signature "$report")" "Signed by keeper@museum, verified when this report was made; key $key"
exits "another's signature is refused" 1 "$EXPORTER" audit --repo "$T/repo" --format html --signers "$T/others"
is "and nothing is printed then" "$(wc -c <"$T/out")" 0
ok "the message says why" grep -q "is not signed by a signer of '$T/others'" "$T/err"
exits "ALBUMEN_SIGNERS stands in for --signers" 1 env ALBUMEN_SIGNERS="$T/others" "$EXPORTER" audit --repo "$T/repo"

# --- labels and incidents ------------------------------------------------------------------

for i in {1..8}; do
	[ "$i" != 3 ] || echo '{"public_id":' >"$T/data/broken.json"
	echo "{\"id\":\"t8$i\",\"image_id\":\"image-8$i\",\"tag_id\":\"T\"}" >"$T/data/t8$i.json"
	step $((200000 + i * 86400 * 40)) --sign "$T/key"
done
"$EXPORTER" snapshot --repo "$T/repo" --label audit-2026 --reason Review --at HEAD~5 --sign "$T/key" >/dev/null 2>&1
git -C "$T/repo" tag '<img/src=x/onerror=pwned=1>' HEAD~2
echo '{"id":"t90","image_id":"image-90","tag_id":"T"}' >"$T/data/t90.json"
step 30000000 --sign "$T/key"
report
for url in "$report" "$site"; do
	ok "${url##*/}: labels and incidents" browse "$url" size:1280x900 "$READY" "$(text '#mark-summary')" \
		"wait:[document.querySelector('#mark-details').open = true]" "wait:document.querySelector('#marks .space .row')" \
		"eval:[...document.querySelectorAll('#marks .space .row')].map((row) => row.children[0].textContent + ' ' + row.children[2].textContent)" \
		"eval:['flag', 'incident'].map((kind) => document.querySelectorAll('#plot path.' + kind).length)" \
		"eval:[...document.querySelectorAll('#plot text')].map((e) => e.textContent).filter((e) => e.includes('-')).every((e) => /^\\d{4}-\\d\\d\$|^audit-2026\$/.test(e))" \
		"eval:document.querySelector('#plot').focus()" key:End key:ArrowLeft key:ArrowLeft key:ArrowLeft \
		"$(text '#readout')" 'eval:[typeof pwned, document.images.length]'
	printf '%s\n' '"Labels and incidents: 3"' '["11 Label <img/src=x/onerror=pwned=1>", "8 Label audit-2026", "8 Rejected metadata: 1"]' |
		sed 's/"8 Label audit-2026", "8 Rejected metadata: 1"/"8 Label audit-2026. Rejected metadata: 1"/; s/: 3/: 2/' >"$T/want"
	sed -n 1,2p "$T/out" >"$T/got"
	same "${url##*/}: stand in a table" "$T/got" "$T/want"
	is "${url##*/}: and on the plot, with ticks at the beginning of months" "$(sed -n 3,4p "$T/out" | tr '\n' ' ')" '[2, 1] true '
	ok "${url##*/}: the plot tells them in words, too" grep -q 'Label <img/src=x/onerror=pwned=1>"$' "$T/out"
	is "${url##*/}: a hostile label is text" "$(tail -n 1 "$T/out") $(<"$T/console")" '["undefined", 0] '
done
git -C "$T/repo" tag later HEAD
exits "a label that was made since is no damage" 0 "$EXPORTER" publish --repo "$T/repo" --site "$T/site" --audit-page --check
git clone -q --depth 4 "file://$T/repo" "$T/clone"
"$EXPORTER" audit --repo "$T/clone" --format html --at HEAD >"$T/report.html" 2>"$T/err"
ok "a history that begins late" browse "$report" "$READY" "$(text '#plot-words')" "$(text '#untagged-table .space .since')"
ok "says so" grep -q 'The history that is kept begins with snapshot 11' "$T/out"
ok "and since when at least images have been untagged" grep -q '"at least .* dayssince [-0-9]* or earlier"' "$T/out"

# --- a filter without a match, paper, a narrow window --------------------------------------

report
ok "a filter without a match" browse "$report#filter=%3Cb%3E" "$READY" "$(text '#no-albums')" "$(text '#count')" \
	'eval:document.querySelector("#album-table").offsetParent'
is "has its own words" "$(<"$T/out")" '"No album id contains “<b>”. Upper and lower case are the same here."
"0 of 38 albums"
null'
ok "on paper" browse "$report#album=large" size:1280x900 "$READY" key:Tab \
	'eval:document.querySelector("#plot").focus()' media:print \
	"wait:document.querySelectorAll('#untagged-table .space .row').length > 100" \
	"eval:[document.querySelectorAll('#untagged-table .space .row').length === page.untagged.list.length, document.querySelectorAll('#tag-table .space .row').length]" \
	"eval:['outlineStyle'].map((name) => getComputedStyle(document.activeElement)[name])" \
	"eval:Math.round(document.querySelector('#plot svg').getBoundingClientRect().width) === Math.round(document.querySelector('#history').getBoundingClientRect().width)" \
	media:screen "wait:document.querySelectorAll('#untagged-table .space .row').length < 100" "eval:'screen'"
printf '%s\n' null null '[true, 3]' '["none"]' true '"screen"' | tail -n +2 >"$T/want"
same "on paper: all rows, the tags, no ring, the plot across the page" "$T/out" "$T/want"

long=an-album-with-a-name-that-is-longer-than-any-window-is-wide-and-has-no-space-in-it
echo "{\"public_id\":\"l\",\"album_id\":\"$long\",\"title\":\"$long\",\"created_at\":\"2020-01-01T00:00:00Z\"}" >"$T/data/long.json"
step 31000000 --sign "$T/key"
report
for url in "$report" "$site"; do
	ok "${url##*/}: in a narrow window" browse "$url" size:400x800 "$READY" \
		"eval:[...document.querySelectorAll('#album-table .row a, #untagged-table .row bdi')].filter((e) => e.textContent === '$long').map((e) => e.getBoundingClientRect().height > 30 && e.scrollWidth <= e.clientWidth)" \
		"eval:document.documentElement.scrollWidth" \
		"eval:document.querySelectorAll('#untagged-table .space .row').length" "click:#untagged-table .more button" \
		"eval:document.querySelectorAll('#untagged-table .space .row').length" \
		'wait:[document.querySelector("#album-table .row a").click()]' "wait:document.querySelector('#image-table:not([hidden]) .space .row')" \
		"eval:[document.querySelector('#album').getBoundingClientRect().top < 100, document.activeElement.id]" "$(text '#album-id')"
	is "${url##*/}: names wrap, and nothing is wider" "$(sed -n 1,2p "$T/out" | jq -c '. == 400 or all' | tr '\n' ' ')" 'true true '
	is "${url##*/}: more rows are shown when asked for" "$(sed -n 3,4p "$T/out" | tr '\n' ' ')" '10 60 '
	is "${url##*/}: an opened album comes into view" "$(tail -n 2 "$T/out" | jq -c . | tr '\n' ' ')" '[true,"album-title"] "large" '
done
done_testing
