#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Worker, under workerd, over Ceph's S3: what every edge answers; what it asks the store; a
# store that fails.
. "$(dirname "$0")/../system/lib.sh"
. "$ROOT/tests/edge/lib.sh"
. "$ROOT/tests/worker/lib.sh"

answers() { # NAME PATH STATUS BODY
	is "$1" "$(ask "$2") $(<"$T/body")" "$3 $4"
}
asked() { # NAME PATH WANT: what the Worker asks the store for that path
	proxy
	ask "$2" "${@:4}" >"$T/out"
	proxy_idle
	is "$1" "$(requests | sort | sed "s|$PREFIX/||")" "$3"
}
over_store() { # NAME SECRET OPTION...: a Worker with this secret
	local name=$1 secret=$2
	shift 2
	worker "$name" --site "s3://$BUCKET/$PREFIX" "$@" -- AWS_ENDPOINT_URL_S3="$AWS_ENDPOINT_URL/" \
		AWS_REGION="$AWS_REGION" AWS_ACCESS_KEY_ID="$AWS_ACCESS_KEY_ID" AWS_SECRET_ACCESS_KEY="$secret"
}

SITE=$T/site
PREFIX="a library/é+(1)"
ok "a site is made" edge_site "$SITE"
find "$SITE" -type l -delete
ok "Ceph runs" store ceph
ok "the site lies in a bucket" s3 upload "$SITE" "$PREFIX"
ok "the Worker runs" over_store cases "$AWS_SECRET_ACCESS_KEY"
edge_cases worker "$URL"
is "nothing was logged" "$(<"$T/cases.log")" ''
for path in .albumen/lock %2ealbumen/lock audit/..%2f.albumen/lock audit/../.albumen/lock; do
	answers "/$path is not found" "/$path" 404 '{"error":"not found"}'
done
stop cases

# --- what it asks -------------------------------------------------------------------------

proxy
ok "a Worker with a proxy before the store runs" over_store counted "$AWS_SECRET_ACCESS_KEY"
M=api/v1/tag_images
asked "one image: one request" "/$M?image_ids[]=m1" "GET 200 $M/m1.json"
asked "HEAD: no more" "/$M?image_ids[]=m1" "GET 200 $M/m1.json" -I
asked "an album: one" /api/v1/albums/con/images "GET 200 api/v1/albums/con/images.json"
asked "an unknown image: two more" "/$M?image_ids[]=nobodys" \
	"GET 200 snapshot.json
GET 404 $M/nobodys.json
GET 404 $M/nobodys.oversize"
asked "several images: one each, and at which snapshot the site is, before and after" \
	"/$M?image_ids[]=m1&image_ids[]=x&image_ids[]=m2&image_ids[]=y&image_ids[]=m1" \
	"GET 200 $M/m1.json
GET 200 $M/m2.json
GET 200 snapshot.json
GET 200 snapshot.json
GET 404 $M/x.json
GET 404 $M/x.oversize
GET 404 $M/y.json
GET 404 $M/y.oversize"
asked "what no site has: none" /nope ''
asked "nor for a method that is not allowed" "/$M?image_ids[]=m1" '' -X POST
# No key has a dot at the beginning, whatever is asked.
for path in .albumen/lock /audit/.albumen/lock /api/v1/albums/.albumen/images; do
	ask "/$path" >"$T/out"
done
is "nothing below .albumen/ was asked for" "$(requests | grep -c '\.albumen')" 0

# --- a store that fails ---------------------------------------------------------------------

proxy 'GET * 1-2 status 503'
is "what passes is not noticed" "$(ask "/$M?image_ids[]=m1")" 200
ok "the bytes are right" cmp "$T/body" "$SITE/$M/m1.json"
proxy 'GET * 1 drop' 'GET * 2 drop-after'
is "nor is a lost connection" "$(ask "/$M?image_ids[]=m1")" 200
proxy 'GET * * status 500'
answers "what stays is said" "/$M?image_ids[]=m1" 502 '{"error":"the site cannot be read; try again"}'
is "by an error as any other" "$(header Cache-Control)" no-store
is "after three tries" "$(requests | wc -l)" 3
ok "the log says what it was" wait_until 10 grep -q "m1.json' cannot be read: 500, 3 times" "$T/counted.log"
proxy 'GET *m2.json * status 500'
is "one of several that fails is not left out" "$(ask "/$M?image_ids[]=m1&image_ids[]=m2")" 502
proxy 'GET *snapshot.json * status 500'
is "nor is an unknown one unknown, if that is not certain" "$(ask "/$M?image_ids[]=nobodys")" 502
proxy 'GET *m1.json * truncate'
ask "/$M?image_ids[]=m1" >"$T/out"
is "half a body does not look whole" $? 18
is "nor does a join of it" "$(ask "/$M?image_ids[]=m1&image_ids[]=m2")" 502
proxy
stop counted
ok "a Worker with a wrong secret runs" over_store denied wrong
is "and says that the site cannot be read" "$(ask "/$M?image_ids[]=m1")" 502
ok "and in its log, why" wait_until 10 grep -q "403 SignatureDoesNotMatch" "$T/denied.log"
is "without the secret" "$(grep -c wrong "$T/denied.log")" 0
stop denied

# --- a site that changes ----------------------------------------------------------------------

PREFIX=live
mkdir "$T/data"
record() { # TITLE
	for i in 1 2 3; do
		printf '{"public_id":"i%d","album_id":"a","title":"%s"}\n{"id":"t%d","image_id":"i%d","tag_id":"T"}\n' $i "$1" $i $i
	done >"$T/data/r.ndjson"
	echo '{"id":"T","name":"t","label":"t"}' >>"$T/data/r.ndjson"
}
publish() {
	scan >/dev/null 2>&1 && "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "s3://$BUCKET/live" >/dev/null
}
record one
ok "a site is exported to a bucket" publish
ok "a Worker runs over it" over_store live "$AWS_SECRET_ACCESS_KEY"
is "a join" "$(ask "$(query i1 i2 i3)") $(jq -c '[.[].image.title]' "$T/body")" '200 ["one","one","one"]'
etag=$(ask "$(query i1)" >/dev/null && header ETag)
is "what has not changed" "$(ask "$(query i1)" -H "If-None-Match: $etag")" 304
record two
ok "another snapshot is exported" publish
is "what has changed is seen at once" "$(ask "$(query i1)" -H "If-None-Match: $etag") $(jq -c '[.[].image.title]' "$T/body")" '200 ["two"]'
is "in a join, too" "$(ask "$(query i1 i2 i3)") $(jq -c '[.[].image.title]' "$T/body")" '200 ["two","two","two"]'
is "and in snapshot.json" "$(ask /snapshot.json) $(jq -r .commit "$T/body")" "200 $(git -C "$T/repo" rev-parse main)"
ok "the publication's own file is there" s3 get live/.albumen/publication.json
answers "and not served" /.albumen/publication.json 404 '{"error":"not found"}'
answers "whatever is asked" /audit/..%2f.albumen/publication.json 404 '{"error":"not found"}'
# A snapshot that comes while a join is read: a hook in the proxy publishes it.
proxy_of_live() { # RULE...
	stop live
	proxy "$@"
	over_store live "$AWS_SECRET_ACCESS_KEY"
	proxy "$@"
}
cat >"$T/next" <<-END
	#!/bin/bash
	n=\$(cat "$T/n" 2>/dev/null); n=\$((n + 1)); echo \$n >"$T/n"
	sed -i "s/\"title\":\"[^\"]*\"/\"title\":\"next \$n\"/" "$T/data/r.ndjson"
	"$INDEXER" scan --data "$T/data" --index "$T/index" >/dev/null 2>&1 &&
		AWS_ENDPOINT_URL=$STORE_URL "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "s3://$BUCKET/live" >/dev/null
END
chmod +x "$T/next"
ok "a Worker whose store changes runs" proxy_of_live "GET live/api/v1/tag_images/i3.json 1 before $T/next"
is "a join that a snapshot came into is read again" \
	"$(ask "$(query i1 i2 i3)") $(jq -c '[.[].image.title]' "$T/body") $(requests | grep -c i1.json)" \
	'200 ["next 1","next 1","next 1"] 2'
proxy "GET live/api/v1/tag_images/i3.json * before $T/next"
answers "one that a snapshot always comes into is given up" "$(query i1 i2 i3)" 503 \
	'{"error":"the site changes faster than these images are read; try again, or ask for fewer at a time"}'
is "for now" "$(header Retry-After)" 1
proxy
ok "follow runs" start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "s3://$BUCKET/live"
is "then /healthz says so" "$(ask /healthz) $(jq -c .healthy "$T/body")" '200 true'
stop follow
stop live

PREFIX="a library/é+(1)"
s3 rm "$PREFIX/snapshot.json"
ok "a Worker without snapshot.json runs" over_store away "$AWS_SECRET_ACCESS_KEY"
answers "what is not there may be missing" "/$M?image_ids[]=nobodys" 503 \
	'{"error":"there is no complete site in this folder"}'
stop away
done_testing
