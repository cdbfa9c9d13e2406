#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The edge: nginx, with the configuration that `edge` prints, answers requests from a site
# as the live API did (tests/fixtures/recorded).
. "$(dirname "$0")/lib.sh"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

# A path that has to be quoted in the configuration.
SITE="$T/a \"site\" {;} #'x'"
RUN=$T/run
PORT=$(free_port)
URL=http://127.0.0.1:$PORT
RECORDED=$ROOT/tests/fixtures/recorded

raw() { # TEXT: sends these bytes, prints the first line of the response
	local line
	exec 9<>"/dev/tcp/127.0.0.1/$PORT"
	printf "$1" >&9
	read -r line <&9
	exec 9>&-
	echo "${line%$'\r'}"
}
answers() { # NAME PATH STATUS BODY
	is "$1" "$(ask "$2") $(<"$T/body")" "$3 $4"
}
part() { # FILE HEADING: the text of <pre> under the last such heading
	awk -v heading="#### $2" '
		$0 == heading { text = ""; state = 1; next }
		state == 1 && sub(/<pre>/, "") { state = 2 }
		state == 2 {
			if (sub(/<\/pre>.*/, "")) { state = 0 }
			text = text $0 "\n"
		}
		END { printf "%s", text }' "$1" | sed 's/&quot;/"/g; s/&amp;/\&/g'
}
start_nginx() {
	"$EXPORTER" edge --site "$SITE" --listen "$PORT" >"$T/nginx.conf" || return 1
	spawn nginx nginx -p "$RUN" -c "$T/nginx.conf" -g 'daemon off;'
	wait_until 10 curl -s "$URL/"
}
publish() { # exports the changes in $T/data
	scan >/dev/null &&
		"$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$SITE" "$@" >/dev/null
}

mkdir -p "$T/data" "$RUN"
cp "$ROOT/data/samples/tag-images-of-an-image.json" \
	"$ROOT/data/samples/untagged-images-of-an-album.json" "$T/data"
long=$(printf '%200s' '' | tr ' ' L)
albums=(00324000004ijWs 00324000004IJWS a/b .. .hid a%2Fb 'x y' con 'é' a+b x.json "$long")
for album in "${albums[@]}"; do
	printf '{"public_id":"in %s","album_id":"%s"}\n' "${album:0:15}" "$album"
done >"$T/data/albums.ndjson"
{
	echo '{"id":"T","name":"t","label":"t"}'
	for i in {1..510}; do
		id=$(printf '00000000-0000-4000-8000-%012d' "$i")
		printf '{"public_id":"%s","album_id":"many"}\n' "$id"
		printf '{"id":"t%s","image_id":"%s","tag_id":"T"}\n' "$i" "$id"
	done
} >"$T/data/many.ndjson"

ok "export makes a site" publish
ok "nginx runs with the printed configuration" start_nginx || {
	diag <"$T/nginx.log"
	done_testing
}

# The recorded calls.
for call in tag-images untag; do
	route=$(part "$RECORDED/$call.md" Route)
	route=/${route#GET }
	is "$call: the recorded request is answered" "$(ask "${route/#\/\//\/}")" 200
	part "$RECORDED/$call.md" Headers | grep -v '^X-Request-Id\|^X-Runtime' >"$T/want"
	while read -r line; do
		is "$call: ${line%%:*}" "$(header "${line%%:*}")" "${line#*: }"
	done <"$T/want"
	is "$call: X-Request-Id and X-Runtime come from nginx" \
		"$(header X-Request-Id | grep -cx '[0-9a-f]\{32\}') $(header X-Runtime |
			grep -cx '[0-9]*\.[0-9]\{3\}')" "1 1"
	is "$call: no credentials" "$(header X-token)$(header Set-Cookie)" ""
	is "$call: the version of nginx is hidden" "$(header Server)" nginx
	cp "$T/body" "$T/plain"
	is "$call: Content-Length is right" "$(wc -c <"$T/body")" "$(header Content-Length)"

	ask "${route/#\/\//\/}" -H 'Accept-Encoding: gzip' --raw >"$T/out"
	is "$call: gzip if the client accepts it" "$(header Content-Encoding)" gzip
	is "$call: with gzip, Vary is there once" "$(header Vary)" Accept-Encoding
	is "$call: with gzip, the type is the same" "$(header Content-Type)" \
		"application/json; charset=utf-8"
	ask "${route/#\/\//\/}" --compressed >"$T/out"
	same "$call: with gzip, the bytes are the same" "$T/body" "$T/plain"

	ask "${route/#\/\//\/}" -I >"$T/out"
	is "$call: HEAD has the Content-Length" "$(header Content-Length)" "$(wc -c <"$T/plain")"
	while read -r line; do
		is "$call: HEAD: ${line%%:*}" "$(header "${line%%:*}")" "${line#*: }"
	done < <(grep '^Cache-Control\|^P3P' "$T/want")
done

# The routes.
untag='[{"public_id":"in a/b","album_id":"a/b"}]'
one=00000000-0000-4000-8000-000000000001
two=00000000-0000-4000-8000-000000000002
tagged() { # IMAGE NUMBER
	printf '{"id":"t%s","image":{"public_id":"%s","album_id":"many"},"tag":{"id":"T","name":"t","label":"t"}}' \
		"$2" "$1"
}
answers "the untagged images of an album" /api/v1/albums/a%2Fb/images/untag 200 "$untag"
answers "the untagged images of an album, with .json" /api/v1/albums/a%2Fb/images/untag.json 200 "$untag"
answers "the images of an album" /api/v1/albums/a%2fb/images 200 "$untag"
answers "the images of an album, with .json and a query" '/api/v1/albums/a%2Fb/images.json?x=/&y' 200 "$untag"
answers "an unknown album" /api/v1/albums/none/images 404 '{"error":"not found"}'
answers "an album whose images are all tagged" /api/v1/albums/many/images/untag 200 '[]'
answers "the tag images of one image" "/api/v1/tag_images?image_ids[]=$one" 200 "[$(tagged $one 1)]"
answers "the tag images of one image, with .json" "/api/v1/tag_images.json?image_ids[]=$one" 200 "[$(tagged $one 1)]"
answers "the tag images of an untagged image" '/api/v1/tag_images?image_ids[]=in%20con' 200 '[]'
is "a response without elements has its headers" "$(header Referrer-Policy)" \
	"origin-when-cross-origin, strict-origin-when-cross-origin"
answers "the tag images of an unknown image" '/api/v1/tag_images?image_ids[]=none' 200 '[]'
is "a response without a file has its headers" "$(header Cache-Control)" "no-cache, no-store"
answers "several images: in the order of the request, each once, unknown ones left out" \
	"/api/v1/tag_images?image_ids[]=$two&image_ids%5B%5D=none&image_ids%5b%5d=$one&x[]=1&image_ids[]=$two&image_ids[]=in+con" \
	200 "[$(tagged $two 2),$(tagged $one 1)]"
is "a joined response has its headers" "$(header Content-Type), $(header Cache-Control)" \
	"application/json; charset=utf-8, no-cache, no-store"
answers "several unknown images" '/api/v1/tag_images?image_ids[]=n&image_ids[]=m' 200 '[]'
answers "every character of an id in a query may be percent-encoded" \
	"/api/v1/tag_images?image_ids[]=${one//0/%30}" 200 "[$(tagged $one 1)]"
answers "a plus in a query means a space" '/api/v1/tag_images?image_ids[]=in+con' 200 '[]'
answers "empty ids are ignored" "/api/v1/tag_images?image_ids[]=&image_ids[]&image_ids[]=$one" \
	200 "[$(tagged $one 1)]"
answers "no image_ids[], and no collection in the site" '/api/v1/tag_images?image_ids=1' 404 \
	'{"error":"not found"}'

# Ids of every kind, percent-encoded in the URL.
encode() { # every byte
	printf %s "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' %
}
for album in "${albums[@]}"; do
	answers "album '${album:0:20}'" "/api/v1/albums/$(encode "$album")/images" 200 \
		"[{\"public_id\":\"in ${album:0:15}\",\"album_id\":\"$album\"}]"
done
for path in 'x%20y:x y' 'a+b:a+b' 'a%252Fb:a%2Fb' 'x.json:x.json' '%2Ehid:.hid' 'é:é' "$long:$long"; do
	album=${path#*:}
	answers "album ${path:0:20}" "/api/v1/albums/${path%%:*}/images/untag" 200 \
		"[{\"public_id\":\"in ${album:0:15}\",\"album_id\":\"$album\"}]"
done

# Many ids.
ids=$(printf '&image_ids%%5B%%5D=00000000-0000-4000-8000-%012d' {1..500})
for i in {1..500}; do
	tagged "$(printf '00000000-0000-4000-8000-%012d' "$i")" "$i"
	[ "$i" = 500 ] || echo -n ,
done >"$T/inner"
printf '[%s]' "$(<"$T/inner")" >"$T/want"
is "500 ids are accepted" "$(ask "/api/v1/tag_images?${ids:1}")" 200
same "500 ids: all their tag images" "$T/body" "$T/want"
answers "501 ids are refused" "/api/v1/tag_images?${ids:1}&image_ids[]=x" 400 \
	'{"error":"more than 500 image_ids or 1000 parameters"}'
{
	printf 'GET /api/v1/tag_images?image_ids[]=%s' "$one"
	for i in {101..599}; do
		printf '&image_ids%%%%5B%%%%5D=%s%s' "$(printf '%197s' '' | sed 's/ /%%41/g')" "$i"
	done
	printf ' HTTP/1.0\\r\\n\\r\\n'
} >"$T/request"
is "500 ids of 200 bytes, every byte encoded, are accepted" "$(raw "$(<"$T/request")")" "HTTP/1.1 200 OK"
answers "1001 parameters are refused" "/api/v1/tag_images?$(printf '&%.0s' {1..1001})" 400 \
	'{"error":"more than 500 image_ids or 1000 parameters"}'

# What is refused.
ln -s /etc "$SITE/api/v1/albums/link"
mkdir -p "$SITE/api/v1/albums/out"
ln -s /etc "$SITE/api/v1/albums/out/images"
echo '["secret"]' >"$T/secret.json"
ln -s "$T/secret.json" "$SITE/api/v1/tag_images/secret.json"
ln -s "$T/secret.json" "$SITE/api/v1/tag_images/secret2.json"
for path in / /nope /api /api/v1/ /api/v1/albums /api/v1/albums/ /api/v1/albums//images \
	/api/v1/albums/a%2Fb /api/v1/albums/a%2Fb/images/ /api/v1/albums/a%2Fb/images/tag \
	/api/v1/albums/a/b/images /api/v1/albums/a%2Fb//images //api/v1/albums/a%2Fb/images \
	/api/v1/albums/a%252Fb/images.json/ /api/v1/albums/link/images /api/v1/albums/out/images/untag \
	/api/v1/tag_images/$one.json //api/v1/tag_images/$one.json /%2fapi/v1/tag_images/$one.json \
	/api/v1/../v1/albums/con/images /api/v1/albums/../../../etc/passwd \
	/api/v1/albums/..%2f..%2fx/images /api/v1/albums/%ff/images \
	/api/v1/albums/$(printf '%3000s' '' | tr ' ' x)/images \
	/.albumen/lock /%2ealbumen/lock /api/../.albumen/lock /x/..%2f.albumen/lock \
	//error/500 /error/404 /edge/albumen.js /nginx.conf; do
	answers "${path:0:60} is not found" "$path" 404 '{"error":"not found"}'
done
for path in /%00 /api/v1/albums/%00/images /api/v1/albums/%zz/images /../etc/passwd \
	/%2e%2e/%2e%2e/etc/passwd /api/v1/albums/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e/images; do
	answers "$path is a bad request" "$path" 400 '{"error":"bad request"}'
done
answers "one image: a link is not followed" '/api/v1/tag_images?image_ids[]=secret' 200 '[]'
answers "several images: links are not followed" '/api/v1/tag_images?image_ids[]=secret&image_ids[]=secret2' 200 '[]'
answers "an id cannot name a file outside the site" '/api/v1/tag_images?image_ids[]=../../../../etc/passwd&image_ids[]=%00' 200 '[]'
is "errors are JSON" "$(ask /nope) $(header Content-Type)" "404 application/json; charset=utf-8"
is "errors are not cached" "$(header Cache-Control)" "no-store"
is "a URL that is too long" "$(raw "GET /$(printf '%400000s' '' | tr ' ' x) HTTP/1.0\\r\\n\\r\\n")" \
	"HTTP/1.1 414 Request-URI Too Large"
is "a request that is not HTTP" "$(raw 'NONSENSE\r\n\r\n')" "HTTP/1.1 400 Bad Request"
is "nor with the method HEAD" "$(raw 'HEAD nope HTTP/1.1\r\n\r\n')" "HTTP/1.1 400 Bad Request"
is "a version of HTTP that does not exist" "$(raw 'GET / HTTP/9.9\r\nHost: x\r\n\r\n')" "HTTP/1.1 400 Bad Request"
is "a request with a huge body" \
	"$(raw 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n')" \
	"HTTP/1.1 405 Not Allowed"

for method in POST PUT PATCH DELETE OPTIONS TRACE BREW; do
	is "$method is not allowed" \
		"$(ask "/api/v1/tag_images?image_ids[]=$one" -X $method) $(header Allow) $(<"$T/body")" \
		'405 GET, HEAD {"error":"method not allowed"}'
done
is "HEAD of an error" "$(ask /nope -I) $(header Content-Length)" "404 21"

# snapshot.json and collected responses.
is "snapshot.json is served" "$(ask /snapshot.json) $(header Cache-Control)" "200 no-cache"
same "snapshot.json is served unchanged" "$T/body" "$SITE/snapshot.json"
answers "the collection of tag images, if it was not exported" /api/v1/tag_images 404 '{"error":"not found"}'
answers "the collection of tags, if it was not exported" /api/v1/tags 404 '{"error":"not found"}'
etag=$(ask "/api/v1/tag_images?image_ids[]=$one" >/dev/null && header ETag)
is "an unchanged file matches its ETag" \
	"$(ask "/api/v1/tag_images?image_ids[]=$one" -H "If-None-Match: $etag")" 304
echo '{"id":"T","name":"t","label":"u","updated_at":"2020-01-01T00:00:00Z"}' >"$T/data/tag.json"
ok "export --collections" publish --collections
is "a change of equal length has another ETag" \
	"$(ask "/api/v1/tag_images?image_ids[]=$one" -H "If-None-Match: $etag") $(jq -r '.[].tag.label' "$T/body")" "200 u"
is "the collection is served" "$(ask /api/v1/tag_images) $(jq length "$T/body")" "200 511"
same "the collection is served unchanged" "$T/body" "$SITE/api/v1/tag_images.json"
is "the collection is served with .json, too" "$(ask /api/v1/tag_images.json)" 200

is "all tags are served" "$(ask /api/v1/tags) $(jq -c 'map(.id)' "$T/body")" '200 ["T","7aab9384-1ed7-45f6-a166-afcde50f8c59"]'
same "the tags are served unchanged" "$T/body" "$SITE/api/v1/tags.json"
is "show prints the same tags" "$("$EXPORTER" show --repo "$T/repo" /api/v1/tags)" "$(<"$T/body")"
id=$(jq -r '.[1].id' "$T/body")
is "the tag images of a tag are served" "$(ask "/api/v1/tags/$id/tag_images")" 200
same "the tag images of a tag are served unchanged" "$T/body" "$SITE/api/v1/tags/$id/tag_images.json"
is "they are all tag images of that tag" "$(jq -c 'map(.id)' "$T/body")" \
	"$(jq -c --arg id "$id" 'map(select(.tag.id == $id).id)' "$SITE/api/v1/tag_images.json")"
is "show prints the same tag images" "$("$EXPORTER" show --repo "$T/repo" "/api/v1/tags/$id/tag_images")" "$(<"$T/body")"
answers "the tag images of an unknown tag" /api/v1/tags/nope/tag_images 404 '{"error":"not found"}'
exits "show of an unknown tag exits 1" 1 "$EXPORTER" show --repo "$T/repo" /api/v1/tags/nope/tag_images
is "tags are JSON" "$(header Content-Type)" "application/json; charset=utf-8"

# One table of responses, and what repeats it.
table() { # MEMBER: its values in exporter/snapshot/response.c
	sed -n "s/.*\.$1 = \"\([^\"]*\)\",.*/\1/p" "$ROOT/exporter/snapshot/response.c" | sort -u
}
is "the edge knows the requests of the table" \
	"$(sed -n "/^const REQUESTS/,/^]/s/.*'\(.*\)'.*/\1/p" "$ROOT/exporter/edge/requests.js" | sort)" \
	"$(table request)"
is "so does the script for Apache" \
	"$(sed -n "/^local REQUESTS/,/^}/s/.*{ '\(.*\)', .*/\1/p" "$ROOT/exporter/edge/albumen.lua" | sort)" \
	"$(table request)"
is "the model has the paths of the table" \
	"$(sed -n '/^PATHS/,/^}/s/.*: "\(.*\)",/\1/p' "$ROOT/tests/model/model.py" | sort)" "$(table path)"

# Where nginx writes, and what.
ask "/api/v1/tag_images?image_ids[]=$one&token=SESAME" -H 'Authorization: Token SESAME' >"$T/out"
ask "/nope?token=SESAME" -X POST --data-binary "SESAME$(printf '%100000s' '')" >"$T/out"
ask "/api/v1/albums/SESAME%00/images" >"$T/out"
stop nginx
is "no request is written down" "$(grep -rl 'SESAME\|tag_images\|nope' "$RUN" "$T/nginx.log")" ""
is "everything that nginx wrote is in its folder" \
	"$(cd "$RUN" && find . -type f | sort | tr '\n' ' ')" "./error.log "

# The command line.
exits "an address that is none is refused" 2 "$EXPORTER" edge --site "$SITE" --listen localhost
exits "so is a site that is none" 1 "$EXPORTER" edge --site "$T/none" --listen 8080
exits "so is a kind of server that is none" 2 "$EXPORTER" edge --site "$SITE" --listen 8080 --for lighttpd
ok "which says what there is" grep -q 'nginx nginx-server apache caddy worker' "$T/err"
# What a server would take for a part of its own language.
for odd in 'nginx-server:a$b' 'apache:a${b}' 'apache:a[b]' 'caddy:a{b}' 'caddy:a\b' $'caddy:a\nb'; do
	mkdir -p "$T/${odd#*:}"
	exits "a path that ${odd%%:*} cannot take is refused: $(printf %q "${odd#*:}")" 2 "$EXPORTER" edge --for "${odd%%:*}" \
		--server-name a.example --site "$T/${odd#*:}"
	is "and nothing is printed" "$(<"$T/out")" ""
done
"$EXPORTER" edge --site "$SITE" --listen '[::1]:8080' >"$T/out"
is "IPv6 addresses are taken" "$(grep -c 'listen \[::1\]:8080;' "$T/out")" 1
done_testing
