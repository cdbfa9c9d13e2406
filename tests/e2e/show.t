#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What did the API answer then? `show` on a clone, against what a real nginx answered from the
# site of that time, byte for byte.
. "$(dirname "$0")/lib.sh"

# nginx's workers outlive a master that is killed, so it is stopped, not killed.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

PORT=$(free_port)
URL=http://127.0.0.1:$PORT
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org

show() {
	"$EXPORTER" show --repo "$T/clone" "$@"
}
start_nginx() {
	mkdir "$T/run"
	"$EXPORTER" edge --site "$T/site" --listen "$PORT" >"$T/nginx.conf" || return 1
	spawn nginx nginx -p "$T/run" -c "$T/nginx.conf" -g 'daemon off;'
	wait_until 10 curl -s "$URL/"
}
snapshot_at() { # TIME: makes a snapshot of $T/data
	scan >/dev/null && SOURCE_DATE_EPOCH=$(date -d "$1" +%s) export_all --collections >/dev/null
}
# Asks the edge, and keeps the answers under NAME.
answered() { # NAME URL...
	local name=$1 number=0 url
	shift
	mkdir "$T/$name"
	for url in "$@"; do
		number=$((number + 1))
		printf '%s' "$url" >"$T/$name/$number.url"
		curl -s -g --path-as-is -o "$T/$name/$number.body" -w '%{http_code}' "$URL$url" \
			>"$T/$name/$number.status"
	done
}
# Passes if show prints every answer that is kept under NAME.
shows() { # NAME WHEN
	local file url status
	for file in "$T/$1"/*.url; do
		url=$(<"$file")
		status=$(<"${file%.url}.status")
		if [ "$status" = 200 ]; then
			show --at "$2" "$url" >"$T/got" && cmp "$T/got" "${file%.url}.body"
		else
			show --at "$2" "$url" >"$T/got" 2>"$T/err"
			[ $? = 1 ] && [ ! -s "$T/got" ]
		fi || {
			echo "status $status of: $url"
			return 1
		}
	done
}

mkdir "$T/data"
cp "$ROOT/data/samples/tag-images-of-an-image.json" \
	"$ROOT/data/samples/untagged-images-of-an-album.json" "$T/data"
long=$(printf '%200s' '' | tr ' ' L)
albums=(00324000004TXjIAAW a/b .. .hid a%2Fb 'x y' 'é' a+b x.json "$long")
for album in "${albums[@]}"; do
	printf '{"public_id":"in %s","album_id":"%s"}\n' "${album:0:15}" "$album"
done >"$T/data/albums.ndjson"
{
	echo '{"id":"T","name":"t","label":"<&>"}'
	for i in {1..9}; do
		printf '{"public_id":"i%s","album_id":"many","created_at":"2026-01-0%sT00:00:00Z"}\n' \
			"$i" "$((10 - i))"
		printf '{"id":"t%s","image_id":"i%s","tag_id":"T","created_at":"2026-01-0%sT00:00:00Z"}\n' \
			"$i" "$i" "$((10 - i))"
	done
	echo '{"public_id":"x y","album_id":"many"}{"id":"tx","image_id":"x y","tag_id":"T"}' |
		sed 's/}{/}\n{/'
} >"$T/data/many.ndjson"

encode() { # every byte
	printf %s "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' %
}
requests=(
	/api/v1/tag_images /api/v1/tag_images.json '/api/v1/tag_images?' '/api/v1/tag_images?image_ids=i1'
	'/api/v1/tag_images?image_ids[]=885999a5-58a5-406a-bc8e-2ac5420d60a3'
	'/api/v1/tag_images.json?image_ids%5B%5D=i1&page=2'
	'/api/v1/tag_images?image_ids[]=i2&image_ids%5b%5D=none&IMAGE_IDS[]=i1&image_ids[]=i2'
	'/api/v1/tag_images?image_ids[]=in+a%2Fb&image_ids[]=i9&image_ids[]=x+y'
	'/api/v1/tag_images?image_ids[]=i1&image_ids[]=in+a%2Fb&image_ids[]=none&image_ids[]=i3'
	'/api/v1/tag_images?image_ids[]=x%20y&image_ids[]' '/api/v1/tag_images?image_ids[]=x+y'
	'/api/v1/tag_images?image_ids[]=x%2By' '/api/v1/tag_images?image_ids[]=i1,i2'
	'/api/v1/tag_images?image_ids[]=' '/api/v1/tag_images?image_ids[]=%zz&image_ids[]=i3'
	'/api/v1/tag_images?image_ids[]=%ff' '/api/v1/tag_images?image_ids[]=none'
	'/api/v1/tag_images?image_ids[]=i1&image_ids[]=i1' '/api/v1/tag_images?image_ids[]=I1'
	'/api/v1/tag_images?image_ids[=i1&image_ids]=i2&image_ids[0]=i3' '/api/v1/tag_images/i1.json'
	/api/v1/tag_images/ /api/v1/albums /api/v1/albums/many /api/v1/albums/many/images/
	/api/v1/albums/many/images/tag /api/v1/albums/none/images /api/v1/albums//images
	/api/v1/albums/many/images/untag.json.json /api/v1/albums/MANY/images //api/v1/albums/many/images
	/api/v1/albums/a/b/images /api/v1/albums/%ff/images /api/v1/albums/%zz/images
	'/api/v1/albums/x+y/images' '/api/v1/albums/many/images.json?x=/&y' /nope / /api/v1/../v1/albums/many/images
	"/api/v1/tag_images?$(printf 'image_ids[]=i%s&' {1..500})"
	"/api/v1/tag_images?$(printf '&image_ids[]=i%s' {1..501})"
	"/api/v1/tag_images?$(printf '&%.0s' {1..999})" "/api/v1/tag_images?$(printf '&%.0s' {1..1000})"
)
for album in many "${albums[@]}"; do
	requests+=("/api/v1/albums/$(encode "$album")/images"
		"/api/v1/albums/$(encode "$album")/images/untag" "/api/v1/albums/$(sed 's/ /%20/; s/\//%2f/' <<<"$album")/images.json")
done
for i in {1..9}; do
	requests+=("/api/v1/tag_images?image_ids[]=i$i")
done

# Three snapshots, and the answers of the edge when each was the last one.
ok "a site is made" snapshot_at 2026-01-10T10:00:00Z
ok "nginx runs" start_nginx || done_testing
answered first "${requests[@]}"
sed -i '/"i[24]"/d; s/"<&>"/"other"/; /i7/s/many/a\/b/' "$T/data/many.ndjson"
rm "$T/data/tag-images-of-an-image.json"
ok "a second snapshot has many changes" snapshot_at 2026-01-12T10:00:00Z
answered second "${requests[@]}"
echo '{"public_id":"lone","album_id":"lone"}' >"$T/data/albums.ndjson"
echo '{"id":"T","name":"t","label":"alone"}' >"$T/data/many.ndjson"
ok "a third has few records left" snapshot_at 2026-01-14T10:00:00Z
answered third "${requests[@]}"
stop nginx
is "there are answers of every status" "$(sed 's/$/\n/' "$T/first"/*.status | grep . |
	sort -u | tr '\n' ' ')" '200 400 404 '
git -C "$T/repo" tag -a -m 'why' audit-1 HEAD~1
git clone -q --bare "$T/repo" "$T/clone"
mv "$T/data" "$T/index" "$T/site" "$T/repo" "$(mktemp -d -p "$T")"

ok "${#requests[@]} requests are answered as they were at first" shows first HEAD~2
ok "and as they were at the end" shows third HEAD
ok "and in between, with a label" shows second audit-1
ok "with a day" shows second 2026-01-13
ok "with the day of the snapshot" shows second 2026-01-12
ok "with an instant" shows first '2026-01-12 09:59'
ok "with a time ago" env SOURCE_DATE_EPOCH="$(date -d 2026-02-12T09:00:00Z +%s)" bash -c \
	"\"$EXPORTER\" show --repo \"$T/clone\" --at '1 month ago' /api/v1/albums/many/images |
		cmp - \"$T\"/first/$(grep -lx '/api/v1/albums/%6d%61%6e%79/images' "$T/first"/*.url |
		sed 's/.*\///; s/url/body/')"
show /api/v1/albums/lone/images/untag >"$T/got"
printf '[{"public_id":"lone","album_id":"lone"}]' >"$T/want"
same "without --at as they were at the end" "$T/got" "$T/want"
show https://api.example.org/api/v1/albums/lone/images/untag.json >"$T/got"
same "with a whole URL" "$T/got" "$T/want"
show api/v1/albums/lone/images/untag >"$T/got"
same "with the path alone" "$T/got" "$T/want"

exits "an album that did not exist yet has no answer" 1 show --at HEAD~2 /api/v1/albums/lone/images
is "the message names the snapshot" "$(<"$T/err")" "albumen-exporter: error: '/api/v1/albums/lone/images' had no answer in snapshot $(git -C "$T/clone" rev-parse HEAD~2) of 2026-01-10T10:00:00Z"
is "nothing is printed" "$(wc -c <"$T/out")" 0
exits "a time before the first snapshot is refused" 1 show --at 2026-01-09 /api/v1/albums/lone/images
ok "the message has the time of the first" grep -q 'the first one is from 2026-01-10T10:00:00Z' "$T/err"
exits "a wrong time is refused" 1 show --at '3 moons ago' /api/v1/albums/lone/images
exits "a missing request is exit status 2" 2 show
exits "so are two requests" 2 show /a /b
exits "too many ids have no answer" 1 show "/api/v1/tag_images?$(printf '&image_ids[]=%s' {1..501})"
ok "the message is that of the edge" grep -q 'more than 500 image_ids or 1000 parameters' "$T/err"
exits "a full standard output is exit status 75" 75 bash -c \
	"\"$EXPORTER\" show --repo \"$T/clone\" /api/v1/albums/lone/images >/dev/full"

# A lost body is an error, not a missing answer.
git clone -q --bare "$T/clone" "$T/damaged"
blob=$(git -C "$T/damaged" ls-tree -r HEAD | sed -n 's/.* blob \(.*\)\t.*lone.images.untag.json$/\1/p')
mv "$T/damaged/objects/pack" "$T/pack"
mkdir "$T/damaged/objects/pack"
for pack in "$T/pack"/*.pack; do
	git -C "$T/damaged" unpack-objects -q <"$pack"
done
rm -f "$T/damaged/objects/${blob:0:2}/${blob:2}"
exits "a lost body is an error" 1 "$EXPORTER" show --repo "$T/damaged" /api/v1/albums/lone/images/untag
ok "the message names the object" grep -q "cannot read object '$blob'" "$T/err"
done_testing
