#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every view of the audit page, in a browser: axe-core finds nothing, and the page is no wider than
# the window. Run by `make page-check`, which fetches axe-core and gives its path in AXE. With
# SHOTS=FOLDER there is a picture of each view in that folder.
. "$(dirname "$0")/../e2e/lib.sh"

[ -f "${AXE:-}" ] || {
	echo 'Bail out! AXE names no file: run `make page-check`'
	exit 1
}
shots=${SHOTS:-}
[ -z "$shots" ] || mkdir -p "$shots"
READY="wait:'ready' in document.documentElement.dataset"

# --- libraries ---------------------------------------------------------------------

library() { # NAME: $T/NAME.repo and so on, of $T/data
	"$INDEXER" scan --data "$T/data" --index "$T/index" >/dev/null 2>&1
	SOURCE_DATE_EPOCH=$now "$EXPORTER" export --index "$T/index" --repo "$T/$1.repo" --site "$T/$1.site" --audit-page \
		--name 'Maritime Museum' --sign "$T/key" >/dev/null 2>"$T/log" || diag <"$T/log"
}
report() { # NAME OPTION...
	local name=$1
	shift
	"$EXPORTER" audit --repo "$T/$name.repo" --format html --at main "$@" >"$T/$name.html"
}
now=1780000000
mkdir "$T/data"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$T/key"
echo "keeper@museum $(<"$T/key.pub")" >"$T/signers"
echo '{"id":"T","name":"boat","label":"{\"en\":\"Boat\",\"fr\":\"Bateau\"}"}' >"$T/data/tag.json"
library empty
report empty
for i in {1..40}; do
	printf '{"public_id":"image-%d","album_id":"album-%d","title":"%s %d","created_at":"2024-%02d-01T00:00:00Z","thumbnails":{"mini":"https://images.example/%d.jpg"}}\n' \
		"$i" $((i % 6)) "$([ $((i % 5)) = 0 ] && echo 'A title that is much longer than titles of photographs usually are, and goes on, number' || echo Photograph)" \
		"$i" $((i % 12 + 1)) "$i"
done >"$T/data/images.ndjson"
echo '{"public_id":"unknown","album_id":"an-album-with-a-name-that-is-longer-than-any-window-is-wide-and-has-no-space"}' >"$T/data/more.json"
rm -rf "$T/index"
library single
report single
cp -r "$T/single.repo" "$T/full.repo"
for i in {1..12}; do
	now=$((now + 30 * 86400))
	echo "{\"id\":\"t$i\",\"image_id\":\"image-$i\",\"tag_id\":\"T\",\"user\":\"mara\",\"created_at\":\"2026-01-01T00:00:00Z\"}" >"$T/data/t$i.json"
	[ "$i" != 4 ] || echo '{"public_id":' >"$T/data/broken.json"
	library full
	rm -f "$T/data/broken.json"
done
"$EXPORTER" snapshot --repo "$T/full.repo" --label audit-2026 --reason Review --at HEAD~4 --sign "$T/key" >/dev/null 2>&1
now=$((now + 86400))
echo '{"id":"t13","image_id":"image-13","tag_id":"T"}' >"$T/data/t13.json"
library full
report full --signers "$T/signers"
cp -r "$T/full.repo" "$T/tagged.repo"
for i in {1..40}; do
	echo "{\"id\":\"u$i\",\"image_id\":\"image-$i\",\"tag_id\":\"T\"}"
done >"$T/data/tagged.ndjson"
echo '{"id":"u","image_id":"unknown","tag_id":"T"}' >"$T/data/u.json"
now=$((now + 86400))
library tagged
report tagged

# --- views -----------------------------------------------------------------------

check() { # NAME URL STEP...: the view after these steps, in all forms
	local name=$1 url=$2 form steps=() status
	shift 2
	for form in wide-light wide-dark narrow-light narrow-dark printed; do
		case $form in
		*dark) steps+=("media:dark") ;;
		*) steps+=("media:light") ;;
		esac
		case $form in
		narrow*) steps+=("size:400x800") ;;
		*) steps+=("size:1280x900") ;;
		esac
		steps+=("go:about:blank" "go:$url" "$READY" "$@")
		[ "$form" != printed ] || steps+=("media:print")
		steps+=("eval:new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done('$form'))))"
			"axe:$AXE" "eval:document.documentElement.scrollWidth <= window.innerWidth")
		[ -z "$shots" ] || steps+=("whole:$shots/$name-$form.png")
		[ "$form" != printed ] || steps+=("media:screen")
		[ "$form" != printed ] || [ -z "$shots" ] || steps+=("pdf:$shots/$name.pdf")
	done
	timeout 300 "$PYTHON" "$ROOT/tests/e2e/browser.py" "$T/profile" "$url" "${steps[@]}" >"$T/all" 2>&1
	status=$?
	grep -v '^console: \|^request: ' "$T/all" >"$T/got"
	for form in wide-light wide-dark narrow-light narrow-dark printed; do
		printf '"%s"\n[]\ntrue\n' "$form"
	done >"$T/want"
	same "$name: nothing is wrong, and it fits, in all forms" "$T/got" "$T/want"
	is "$name: the console is empty" "$(sed -n 's/^console: //p' "$T/all")" ""
	[ "$status" = 0 ] || diag <"$T/all"
}
IMAGES="wait:document.querySelector('#image-table:not([hidden]) .space .row')"
OPEN_ROW="wait:document.querySelector('#untagged-table .detail') || document.querySelector('#untagged-table .name').click()"
TABLES="wait:[document.querySelectorAll('details:not([hidden])').forEach((details) => { details.open = true; })]"
NONE="wait:Object.assign(document.querySelector('#filter'), { value: 'nothing like it' }).dispatchEvent(new Event('input'))"
site=file://$T/full.site/audit/index.html
check report "file://$T/full.html"
check report-details "file://$T/full.html" "$OPEN_ROW" "$TABLES"
check report-album "file://$T/full.html#album=album-1" "$IMAGES"
check report-no-match "file://$T/full.html" "$NONE"
check site "$site"
check site-details "$site" "$OPEN_ROW" "$TABLES"
check site-album "$site#album=album-1" "$IMAGES"
check single "file://$T/single.html"
check empty "file://$T/empty.html"
check empty-site "file://$T/empty.site/audit/index.html"
check tagged "file://$T/tagged.html"
done_testing
