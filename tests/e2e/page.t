#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The audit page: a site at a snapshot has the same files whichever snapshots it had before;
# a browser shows them, from a disk and from nginx, and loads nothing else.
. "$(dirname "$0")/lib.sh"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

READY="wait:'ready' in document.documentElement.dataset"
IMAGES="wait:document.querySelector('#image-table:not([hidden]) .space .row')"
mkdir "$T/data" "$T/run"

browse() { # URL STEP...: output of the steps to $T/out, of the console to $T/console
	timeout 300 "$PYTHON" "$ROOT/tests/e2e/browser.py" "$T/profile" "$@" >"$T/all" 2>&1
	local status=$?
	grep -v '^console: \|^request: ' "$T/all" >"$T/out"
	sed -n 's/^console: //p' "$T/all" >"$T/console"
	sed -n 's/^request: //p' "$T/all" >"$T/requests"
	[ "$status" = 0 ] || diag <"$T/all"
	return "$status"
}
encode() { # ID: percent-encoded for a link
	"$PYTHON" -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=""))' "$1"
}
hostile_albums() { # NAME URL: opens all hostile albums, one after the other, in one page
	local steps=() id
	for id in "${hostile[@]}"; do
		steps+=("go:$2#album=$(encode "$id")"
			"wait:document.querySelector('#album-id').textContent === $(jq -n --arg id "$id" '$id')" "$IMAGES"
			"$(text '#image-table .space .title')")
	done
	browse "$2" size:1280x900 "$READY" "${steps[@]}" 'eval:typeof pwned'
	{
		for id in "${hostile[@]}"; do
			jq -n --arg id "$id" '$id'
		done
		echo '"undefined"'
	} | jq -c . >"$T/want"
	jq -c . "$T/out" >"$T/got"
	same "$1: hostile ids are shown as text" "$T/got" "$T/want"
	is "$1: the console is empty" "$(<"$T/console")" ""
}
text() { # CSS: the step that prints the text of an element
	echo "eval:document.querySelector('$1').textContent"
}
step() { # SECONDS: exports $T/data, at that time after the start
	scan >"$T/log" 2>&1 || diag <"$T/log"
	SOURCE_DATE_EPOCH=$((1780000000 + $1)) export_all --audit-page --json >"$T/export" || return 1
}
agrees() { # NAME [REV]: the page of $T/site equals that of a new site
	rm -rf "$T/new"
	"$EXPORTER" publish --repo "$T/repo" --site "$T/new" --audit-page --rev "${2:-HEAD}" >"$T/log" 2>&1
	diff -r "$T/new/audit" "$T/site/audit" >"$T/diff" 2>&1
	result $? "$1" || diag <"$T/diff"
}
wrote() { # how many files of the site the last export wrote and removed
	jq -r '"\(.site.written) written, \(.site.removed) removed"' "$T/export"
}

# --- the files --------------------------------------------------------------------

hostile=('</script><script>pwned=1</script>' '"quoted" '\''twice'\' $'line\u2028end' $'\u202eturned' __proto__
	'<img src=x onerror=pwned=1>' '../../etc/passwd' '%41' 'שלום' '${pwned=1}')
{
	echo '{"id":"T","name":"boat","label":"Boats <b>& ships</b>"}'
	for i in "${!hostile[@]}"; do
		jq -cn --arg album "${hostile[i]}" --arg id "h$i" '
			{public_id: $id, album_id: $album, created_at: "2020-01-02T00:00:00Z",
			 thumbnails: {mini: "javascript:pwned=1"}}'
		jq -cn --arg album "${hostile[i]}" '{public_id: $album, album_id: $album,
			created_at: "2020-01-01T00:00:00Z", thumbnails: {mini: $album}}'
	done
	for i in {1..40}; do
		echo "{\"public_id\":\"i$i\",\"album_id\":\"album-$((i % 7))\",\"created_at\":\"2021-03-04T00:00:00Z\",\"thumbnails\":{\"mini\":\"http://127.0.0.1:9/thumb-$i.png\"}}"
	done
	for i in {1..20}; do
		echo "{\"id\":\"t$i\",\"image_id\":\"i$i\",\"tag_id\":\"T\",\"user\":\"<i>mara</i>\",\"created_at\":\"2022-01-01T00:00:00Z\"}"
	done
} >"$T/data/first.ndjson"
ok "export --audit-page makes a site" step 0
agrees "a second site has the same page"

echo '{"id":"t21","image_id":"i21","tag_id":"T"}' >"$T/data/t21.json"
step 100
agrees "same page after one image was tagged"
is "one tagged image writes two responses and four files of the page" "$(wrote)" "6 written, 0 removed"
step 150
is "without changes nothing is written" "$(wrote)" "0 written, 0 removed"
{
	echo '{"public_id":"only","album_id":"new album"}'
	echo '{"public_id":"i22","album_id":"elsewhere","updated_at":"2025-01-01T00:00:00Z"}'
} >"$T/data/new.ndjson"
step 200
agrees "same page after new albums, and an image that moved"
echo '{"id":"to","image_id":"only","tag_id":"T"}' >"$T/data/to.json"
step 300
agrees "same page after the last untagged image of an album was tagged"
ok "that album has no file of untagged images any more" not test -e "$T/site/audit/data/untagged/new%20album.js"
rm "$T/data/new.ndjson"
step 400
agrees "same page after albums were removed"
shard=$(grep -l '"album-1"' "$T"/site/audit/data/albums/*.js)
echo 'albumen.albums(0,[["x",1]]);' >"$shard"
echo '{"id":"t22","image_id":"i22","tag_id":"T"}' >"$T/data/t22.json"
step 500
agrees "same page after somebody overwrote a file of albums"
echo "$(git -C "$T/repo" rev-parse HEAD~1)" >"$T/site/.albumen/pending"
rm "$T/site/audit/data/summary.js" "$shard"
step 600
agrees "same page after an interrupted publish"
for i in {1..130}; do
	echo "{\"id\":\"n$i\",\"image_id\":\"i$((i % 40 + 1))\",\"tag_id\":\"T\"}" >"$T/data/n.json"
	step $((1000 + i * 3600)) || break
done
agrees "same page after 130 more snapshots"
is "the history is in two files then" "$(ls "$T/site/audit/data/history" | tr '\n' ' ')" "0.js 1.js "
for rev in HEAD~9 HEAD~3 HEAD~134 HEAD~5 HEAD; do
	"$EXPORTER" publish --repo "$T/repo" --site "$T/site" --audit-page --rev "$rev" >"$T/log"
	agrees "same page at $rev, from another snapshot" "$rev"
done
cp -r "$T/site" "$T/off"
echo mine >"$T/off/audit/mine"
"$EXPORTER" publish --repo "$T/repo" --site "$T/off" >"$T/log"
is "publish without --audit-page removes the page, and no other files" "$(find "$T/off/audit" -type f)" "$T/off/audit/mine"
is "snapshot.json then has no audit_page" "$(jq -r .audit_page "$T/off/snapshot.json")" null
"$EXPORTER" publish --repo "$T/repo" --site "$T/off" --audit-page >"$T/log"
rm "$T/off/audit/mine"
ok "publish --audit-page makes the page again" diff -r "$T/off/audit" "$T/site/audit"
rm -rf "$T/off"
"$EXPORTER" publish --repo "$T/repo" --site "$T/off" >"$T/log"
ok "a site without the page has no folder audit" not test -e "$T/off/audit"

# --- in a browser, from a disk ------------------------------------------------------

untagged=$(git -C "$T/repo" log -1 --format='%(trailers:key=Albumen-Untagged,valueonly)')
page=file://$T/site/audit/index.html
album=$(encode "${hostile[0]}")

ok "the page works from a disk" browse "$page" size:1280x900 "$READY" "$(text '#figures dd')" "$(text '#count')" \
	"$(text '#plot-words')" "eval:document.querySelectorAll('#album-table [role=row]').length" \
	"shot:$T/wide.png" media:dark "shot:$T/dark.png" size:390x800 "shot:$T/narrow.png" "eval:document.documentElement.scrollWidth"
is "from a disk: the console is empty" "$(<"$T/console")" ""
is "it shows the counts and all albums" "$(head -n 2 "$T/out" | jq -sc .)" "[\"${untagged%$'\n'}\",\"17 albums\"]"
ok "it describes the history in words" grep -q '136 snapshots from 2026-05-28' "$T/out"
is "it loads only its own files" "$(grep -v "^file://$T/site/audit/\|^data:" "$T/requests")" ""
is "it loads the list of each album that has untagged images, and no pictures" \
	"$(grep -c untagged/ "$T/requests") $(grep -c thumb- "$T/requests")" \
	"$(ls "$T/site/audit/data/untagged" | wc -l) 0"

ok "a deep link opens an album" browse "$page#album=$album" size:1280x900 "$READY" "$IMAGES" "$(text '#album-id')" \
	"eval:[...document.querySelectorAll('#image-table .space .row')].map((row) => row.firstChild.textContent)" \
	"eval:[document.activeElement.id, document.title, typeof pwned, document.images.length]" \
	"eval:document.querySelector('#image-thumbnails').hidden"
is "deep link: the console is empty" "$(<"$T/console")" ""
is "a hostile id, and those of its images, are shown as text" "$(sed -n 1,2p "$T/out" | jq -sc .)" \
	"$(jq -cn --arg id "${hostile[0]}" '[$id, [$id, "h0"]]')"
is "hostile texts do not run, nor load pictures" "$(sed -n 3,4p "$T/out")" \
	'["album-title", "Untagged images", "undefined", 0]
true'
hostile_albums "from a disk" "$page"
browse "$page#album=none" "$READY" "$(text '#album-words')"
is "a deep link to an unknown album" "$(<"$T/out") $(<"$T/console")" '"The snapshot has no album with this id." '
browse "$page#album=%E0%A4%A&filter" "$READY" "$(text '#count')"
is "a deep link that was cut off" "$(<"$T/out") $(<"$T/console")" '"17 albums" '

ok "the keyboard reaches everything" browse "$page" size:1280x900 "$READY" \
	'eval:document.querySelector("#filter").focus()' type:ALBUM "$(text '#count')" 'eval:location.hash' \
	key:ArrowDown key:ArrowDown key:End 'eval:document.activeElement.textContent' \
	'eval:document.querySelectorAll("#album-table a[tabindex=\"0\"]").length' \
	key:Enter "$IMAGES" 'eval:location.hash' 'eval:document.activeElement.id' \
	key:Escape 'eval:[location.hash, document.activeElement.textContent, document.querySelector("#album").hidden]' \
	'eval:document.querySelector("#plot").focus()' key:Home \
	'eval:document.querySelector("#plot").getAttribute("aria-valuetext").slice(0, 10)' key:ArrowRight \
	'eval:document.querySelector("#plot").getAttribute("aria-valuenow")'
last=$(sed -n 4p "$T/out")
printf '%s\n' null '"7 of 17 albums"' '"#filter=ALBUM"' "$last" 1 "\"#album=${last//\"/}&filter=ALBUM\"" \
	'"album-title"' "[\"#filter=ALBUM\", $last, true]" null '"Snapshot 1"' '"2"' >"$T/want"
same "keyboard: filter, list, album, back, and plot" "$T/out" "$T/want"
is "keyboard: the console is empty" "$(<"$T/console")" ""

ok "a click on a column sorts by it" browse "$page" size:1280x900 "$READY" \
	"eval:document.querySelector('#album-table [aria-sort]').textContent" \
	'click:#album-table .head .cell:first-child button' \
	"eval:['aria-sort', document.querySelector('#album-table .head .cell').getAttribute('aria-sort'), document.querySelector('#album-table .space .row a').textContent]"
is "the albums are sorted by id, and aria-sort says so" "$(<"$T/out")" '"Untagged"
["aria-sort", "ascending", "\"quoted\" '\''twice'\''"]'

# --- thumbnails ---------------------------------------------------------------------

album=$(grep -l thumb- "$T"/site/audit/data/untagged/album-*.js | head -n 1)
album=$(basename "$album" .js)
ok "a row shows the address of its thumbnail once it is opened" browse "$page#album=$album" size:1280x900 "$READY" "$IMAGES" \
	'eval:document.querySelector("#image-table").textContent.includes("thumb-")' 'click:#image-table .name' \
	'wait:document.querySelector("#image-table .detail")' "$(text '#image-table .detail .address')" \
	'eval:document.images.length' 'eval:new Promise((done) => setTimeout(done))'
is "before, no address is on the page" "$(head -n 1 "$T/out")" false
ok "the addresses are text" grep -q 'http://127.0.0.1:9/thumb-' "$T/out"
is "no thumbnail is loaded" "$(grep thumb- "$T/requests")" ""
ok "a click loads the thumbnails" browse "$page#album=$album" size:1280x900 "$READY" "$IMAGES" click:#image-thumbnails \
	'wait:document.querySelector("#image-table").textContent.includes("No picture")' \
	'eval:document.querySelector("#image-thumbnails").getAttribute("aria-pressed")'
ok "then they are requested" grep -q '^http://127.0.0.1:9/thumb-' "$T/requests"

# --- what the policy forbids ----------------------------------------------------------

browse "$page" "$READY" 'eval:document.body.append(Object.assign(document.createElement("script"), {textContent: "pwned = 1"}))' \
	'eval:document.body.setAttribute("style", "color: red")' 'eval:document.body.setAttribute("onclick", "pwned = 1")' \
	'eval:document.body.click()' 'eval:fetch("https://example.org/").then(() => 1, () => "refused")' 'eval:typeof pwned'
is "the policy blocks foreign scripts, styles and connections" \
	"$(tail -n 2 "$T/out" | tr '\n' ' ')$(grep -c '^security: ' "$T/console")" '"refused" "undefined" 4'

# --- from nginx -----------------------------------------------------------------------

PORT=$(free_port)
"$EXPORTER" edge --site "$T/site" --listen "$PORT" >"$T/nginx.conf"
spawn nginx nginx -p "$T/run" -c "$T/nginx.conf" -g 'daemon off;'
wait_until 10 curl -s "http://127.0.0.1:$PORT/"
URL=http://127.0.0.1:$PORT
ok "the page works from nginx" browse "$URL/audit/#album=$album" size:1280x900 "$READY" "$IMAGES" "$(text '#count')"
is "from nginx: all albums, and the console is empty" "$(<"$T/out") $(<"$T/console")" '"17 albums" '
is "from nginx: it loads only its own files" "$(grep -v "^$URL/audit/\|^data:" "$T/requests")" ""
hostile_albums "from nginx" "$URL/audit/"
head() { # PATH HEADER
	curl -sI --path-as-is "$URL$1" | tr -d '\r' | sed -n "s/^$2: //Ip"
}
is "nginx: the type of the page" "$(head /audit/ Content-Type)" "text/html; charset=utf-8"
is "nginx: the type of the data" "$(head /audit/data/summary.js Content-Type)" "text/javascript; charset=utf-8"
is "nginx: browsers must revalidate the data" "$(head /audit/data/summary.js Cache-Control)" no-cache
is "nginx: the page matches its ETag" "$(curl -s -o "$T/got" -w '%{http_code}' -H "If-None-Match: $(head /audit/ ETag)" "$URL/audit/")" 304
is "nginx: /audit redirects to /audit/" "$(curl -s -o "$T/got" -w '%{http_code} %{redirect_url}' "$URL/audit")" "301 $URL/audit/"
for path in /audit/data /audit/data/ /audit/nope.js /audit/..%2f.albumen/lock /audit/../.albumen/lock /audit/.albumen/lock; do
	is "nginx: $path is not found" "$(curl -s --path-as-is "$URL$path")" '{"error":"not found"}'
done
stop nginx

# --- the report -----------------------------------------------------------------------

mkdir "$T/away"
"$EXPORTER" audit --repo "$T/repo" --format html >"$T/away/report.html"
report=file://$T/away/report.html
ok "the report works" browse "$report#album=$album" size:1280x900 "$READY" "$IMAGES" "$(text '#figures dd')" \
	"$(text '#count')" "$(text '#album-figures')" "$(text '#image-table .space .since')" "shot:$T/report.png" \
	"pdf:$T/album.pdf" 'eval:document.querySelectorAll("#image-table .space .row").length'
is "the report has the same counts" "$(sed -n 1,2p "$T/out" | jq -sc .)" "[\"${untagged%$'\n'}\",\"17 albums\"]"
ok "the report shows labels as text" grep -q 'Boats <b>& ships</b>' "$T/out"
since=$("$EXPORTER" audit --repo "$T/repo" --format json | jq -r --arg album "$album" \
	'.albums[] | select(.album == $album) | .untagged_images[0].since[:10]')
ok "the report shows for how long images are untagged" grep -q '^"[0-9,]* days\?since ' "$T/out"
is "report: the console is empty" "$(<"$T/console")" ""
is "the report loads no other file" "$(grep -v '^data:' "$T/requests")" "$report"
ok "the report can be printed" grep -aq '^%PDF' "$T/album.pdf"
hostile_albums "report" "$report"
"$EXPORTER" audit --repo "$T/repo" --format html --album "$album" >"$T/away/one.html"
browse "file://$T/away/one.html" "$READY" "$IMAGES" "$(text '#album-id')" "$(text '#count')"
is "a report of one album opens it" "$(<"$T/out") $(<"$T/console")" "\"$album\"
\"1 album\" "

# --- 100,000 albums ---------------------------------------------------------------------

mkdir -p "$T/large/data/albums"
cp "$T/site/audit/index.html" "$T/large"
"$PYTHON" - "$T/large/data" <<'END'
import os, sys
os.mkdir(f'{sys.argv[1]}/untagged')
for shard in range(256):
    rows = ',\n'.join(f'["album-{n:06d}",{n % 50 + 1},{n % 50 // 2},{n // 10000}]' for n in range(shard, 100000, 256))
    with open(f'{sys.argv[1]}/albums/{shard:02x}.js', 'w') as out:
        out.write(f'albumen.albums({shard},[\n{rows}]);\n')
for n in range(1000):
    rows = ',\n'.join(f'["image-{n:06d}-{i}",{n // 10000 + 100 * i},null,null]' for i in range(n % 50 // 2))
    with open(f'{sys.argv[1]}/untagged/album-{n:06d}.js', 'w') as out:
        out.write(f'albumen.untagged("album-{n:06d}",[\n{rows}]);\n')
with open(f'{sys.argv[1]}/labels.js', 'w') as out:
    out.write('albumen.labels([]);\n')
with open(f'{sys.argv[1]}/summary.js', 'w') as out:
    out.write('albumen.summary({"commit":"%s","time":1,"number":1,"images":2550000,"untagged":1200000,'
              '"albums":100000,"first":0,"chunk":128,"head":256,"shards":"%s"});\n' % ('0' * 40, 'f' * 64))
END
ok "100,000 albums are shown" browse "file://$T/large/index.html" size:1280x900 "$READY" "$(text '#count')" \
	"eval:document.querySelector('#album-table [role=table]').getAttribute('aria-rowcount')" \
	"eval:document.querySelectorAll('*').length < 1500" \
	click:#filter type:99 "$(text '#count')" type:999 "$(text '#count')" \
	"eval:document.querySelector('#album-table .space .row a').textContent" key:ArrowDown key:End key:PageUp \
	"eval:document.activeElement.textContent" \
	"eval:(document.querySelector('#filter').value = '', document.querySelector('#filter').dispatchEvent(new Event('input')), document.querySelector('#album-table .scroll').scrollTop = 1e9)" \
	"wait:document.querySelector('#album-table .row[aria-rowindex=\"100001\"]')" \
	"eval:document.querySelectorAll('*').length < 1500" "pdf:$T/large.pdf"
printf '%s\n' '"100,000 albums"' '"100001"' true '"3,691 of 100,000 albums"' '"1 of 100,000 albums"' \
	'"album-099999"' '"album-099999"' 1000000000 true >"$T/want"
same "100,000 albums: filter, keyboard and scrolling, with few elements" "$T/out" "$T/want"
ok "100,000 albums: few of their lists are loaded" test "$(grep -c untagged/ "$T/requests")" -le 208
is "100,000 albums: the console is empty" "$(<"$T/console")" ""
ok "100,000 albums: they can be printed" grep -aq '^%PDF' "$T/large.pdf"
done_testing
