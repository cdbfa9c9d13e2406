#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Worker, under workerd, over a folder: what every edge answers; several libraries; large joins;
# a site that is not whole.
. "$(dirname "$0")/../e2e/lib.sh"
. "$ROOT/tests/edge/lib.sh"
. "$ROOT/tests/worker/lib.sh"

answers() { # NAME PATH STATUS BODY
	is "$1" "$(ask "$2") $(<"$T/body")" "$3 $4"
}
NOT_FOUND='{"error":"not found"}'

# --- every case ------------------------------------------------------------------------

SITE=$T/site
ok "a site is made" edge_site "$SITE"
# workerd's `disk` follows them, which the manual says; stores have none.
find "$SITE" -type l -delete
ok "the Worker runs" worker cases --site "$SITE" -- ALBUMEN_DISK="$SITE"
edge_cases worker "$URL"
is "it is one file" "$(grep -cE '^import|\bimport\(|require\(' "$T/cases.js")" 0
is "nothing was logged" "$(<"$T/cases.log")" ''
for path in .albumen/lock %2ealbumen/lock audit/..%2f.albumen/lock audit/.albumen/lock \
	audit/%2e%2e/.albumen/lock audit/../.albumen/lock; do
	answers "/$path is not found" "/$path" 404 "$NOT_FOUND"
done
is "an ETag changes with its file" "$(
	ask '/api/v1/albums/con/images' >/dev/null && before=$(header ETag)
	file=$SITE/api/v1/albums/con/images.json
	cp -p "$file" "$T/kept"
	touch -d '@2000000000' "$file"
	ask '/api/v1/albums/con/images' -H "If-None-Match: $before"
	[ "$(header ETag)" = "$before" ] || echo ' changed'
	mv "$T/kept" "$file"
)" '200 changed'
stop cases

# --- without a whole site ---------------------------------------------------------------

E=$T/empty
mkdir -p "$E"
ok "a Worker over an empty folder runs" worker empty --site "$E" --max-age 60 -- ALBUMEN_DISK="$E"
AWAY='{"error":"there is no complete site in this folder"}'
answers "an album" /api/v1/albums/con/images 503 "$AWAY"
answers "an image" "$(query a)" 503 "$AWAY"
answers "several images" "$(query a b)" 503 "$AWAY"
answers "an id that is none" "$(query %ff)" 503 "$AWAY"
answers "snapshot.json" /snapshot.json 404 "$NOT_FOUND"
is "/healthz" "$(ask /healthz) $(jq -r .error "$T/body")" \
	'503 there is no health.json, which albumen-exporter follow writes'
at() { # SECONDS AGO
	echo "{\"version\":1,\"sequence\":1,\"commit\":\"c\",\"checked\":\"$(date -u -d "@$(($(date +%s) - $1))" +%FT%TZ)\"}" >"$E/health.json"
}
at 0
is "/healthz of one that is kept up" "$(ask /healthz) $(jq -c '[.healthy,.sequence,.error]' "$T/body")" '200 [true,1,null]'
at 61
is "/healthz of one that is not" "$(ask /healthz) $(jq -r .error "$T/body" | sed 's/was [0-9]* s/was N s/')" \
	'503 the last check was N s ago, not less than 60'
stop empty
ok "one without a store runs" worker none --site s3://bucket
is "and says that it has none" "$(ask /api/v1/tags) $(<"$T/body")" '502 {"error":"the site cannot be read; try again"}'
ok "and in its log, why" wait_until 10 grep -q 'neither ALBUMEN_BUCKET, nor ALBUMEN_DISK, nor AWS_ACCESS_KEY_ID' "$T/none.log"
stop none

# --- large joins -------------------------------------------------------------------------

L=$T/large
mkdir -p "$L/api/v1/tag_images"
echo '{}' >"$L/snapshot.json"
make_file() { # NAME BYTES: an array of one string, of so many bytes in all
	{
		printf '["'
		head -c $(($2 - 4)) /dev/zero | tr '\0' "${1: -1}"
		printf '"]'
	} >"$T/made"
	mv "$T/made" "$L/api/v1/tag_images/$1.json"
}
MIB=1048576
for i in {1..8}; do
	make_file "big$i" $((8 * MIB))
done
make_file fits 8
make_file over 9
printf '["é"]' >"$L/api/v1/tag_images/small.json"
printf '[]' >"$L/api/v1/tag_images/none.json"
ok "a Worker over large files runs" worker large --site "$L" -- ALBUMEN_DISK="$L"
joined "$L" small big{1..2} none big3 >"$T/want"
is "what is kept in memory and what is not are joined in order" \
	"$(ask "$(query small big{1..2} small none big3)")" 200
ok "its bytes are right" cmp "$T/body" "$T/want"
is "its length is right" "$(header Content-Length)" "$(wc -c <"$T/body")"
joined "$L" big{1..8} fits >"$T/want"
is "an answer of 64 MiB is joined" "$(ask "$(query big{1..8} fits)")" 200
ok "its bytes are right" cmp "$T/body" "$T/want"
is "its length is right" "$(header Content-Length)" $((64 * MIB))
is "HEAD has it, too" "$(ask "$(query big{1..8} fits)" -I) $(header Content-Length)" "200 $((64 * MIB))"
answers "a byte more is refused" "$(query big{1..8} over)" 413 \
	'{"error":"the tag images of these images are larger than 64 MiB; ask for fewer at a time"}'
memory() { awk '/^VmHWM/ { print $2 }' "/proc/$(<"$T/large.pid")/status"; }
for i in {1..4}; do
	curl -s -g -o /dev/null "$URL$(query big{1..8} fits)" &
	clients[i]=$!
done
wait "${clients[@]}"
ok "several at once take no memory for each" test "$(memory)" -lt $((400 * 1024))
# A file that changes while its client waits: the answer must not look whole.
mkfifo "$T/fifo"
curl -s -g -o "$T/torn" -w '%{http_code} %{exitcode}' "$URL$(query big{1..8} fits)" --limit-rate 1M >"$T/code" &
client=$!
wait_until 30 test -s "$T/torn"
for i in {1..8}; do
	make_file "big$i" $((8 * MIB - 1))
done
ok "a client that is served from files that change" wait_until 120 not kill -0 $client
is "sees that its answer was cut" "$(<"$T/code")" '200 18'
ok "the log says so" wait_until 10 grep -q 'changed while it was read' "$T/large.log"
stop large

# --- several libraries --------------------------------------------------------------------

many=$T/many
library() { # NAME ALBUM
	mkdir -p "$T/$1-data"
	printf '{"public_id":"%s-image","album_id":"%s"}\n{"id":"%s-tag","name":"t","label":"t"}\n' "$1" "$2" "$1" >"$T/$1-data/r.ndjson"
	printf '{"id":"%s-1","image_id":"%s-image","tag_id":"%s-tag"}\n' "$1" "$1" "$1" >>"$T/$1-data/r.ndjson"
	"$INDEXER" scan --data "$T/$1-data" --index "$T/$1-index" >/dev/null &&
		"$EXPORTER" export --index "$T/$1-index" --repo "$T/$1-repo" --site "$many/in/$1" --collections --audit-page >/dev/null
}
file() { cat "$many/in/$1"; }
library 'museum/a b' harbour && library fleet '__proto__' &&
	library fleet/old sunk && library api apis || echo 'not ok - libraries'
echo '{"harbour":"museum/a b","__proto__":"fleet","none":"fleet","sunk":"fleet/old","apis":"api"}' >"$T/map.json"
ok "a Worker for several libraries runs" worker several --site "s3://x/in" --libraries "$T/map.json" -- ALBUMEN_DISK="$many"
answers "an album of the first" /api/v1/albums/harbour/images 200 "$(file 'museum/a b/api/v1/albums/harbour/images.json')"
answers "an album of the second" /api/v1/albums/__proto__/images 200 "$(file fleet/api/v1/albums/__proto__/images.json)"
answers "an album that its library does not have" /api/v1/albums/none/images 404 "$NOT_FOUND"
answers "an album that is in no library" /api/v1/albums/constructor/images 404 "$NOT_FOUND"
first=$(file 'museum/a b/api/v1/tag_images/museum%2Fa%20b-image.json')
second=$(file fleet/api/v1/tag_images/fleet-image.json)
answers "an image of the first" "$(query museum%2Fa%20b-image)" 200 "$first"
answers "an image of the second" "$(query fleet-image)" 200 "$second"
answers "images of both" "$(query fleet-image nobodys museum%2Fa%20b-image)" 200 "${second%]},${first#[}"
answers "an image of neither" "$(query nobodys)" 200 '[]'
answers "collections are of one library" /api/v1/tags 404 "$NOT_FOUND"
answers "and so is snapshot.json" /snapshot.json 404 "$NOT_FOUND"
answers "below its prefix" /fleet/api/v1/tags 200 "$(file fleet/api/v1/tags.json)"
answers "with all else" /museum/a%20b/snapshot.json 200 "$(file 'museum/a b/snapshot.json')"
answers "as a page" /fleet/audit/ 200 "$(file fleet/audit/index.html)"
answers "also where one lies below another" /fleet/old/snapshot.json 200 "$(file fleet/old/snapshot.json)"
answers "which has its album" /api/v1/albums/sunk/images 200 "$(file fleet/old/api/v1/albums/sunk/images.json)"
answers "a library called api hides no request" /api/v1/albums/apis/images 200 "$(file api/api/v1/albums/apis/images.json)"
answers "and has all of its own" /api/api/v1/tags 200 "$(file api/api/v1/tags.json)"
is "a page without its slash" "$(ask '/fleet/audit?x') $(header Location)" '301 /fleet/audit/?x'
answers "an album of another library is not there" /fleet/api/v1/albums/harbour/images 404 "$NOT_FOUND"
answers "nor is anything else" /other/snapshot.json 404 "$NOT_FOUND"
is "/healthz names the library that is not kept up" "$(ask /healthz) $(jq -r .error "$T/body")" \
	'503 museum/a b: there is no health.json, which albumen-exporter follow writes'
mv "$many/in/fleet/snapshot.json" "$T"
answers "while one library is away, an unknown image may be in it" "$(query nobodys)" 503 "$AWAY"
stop several
done_testing
