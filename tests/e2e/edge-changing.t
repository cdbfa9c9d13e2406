#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The edge joins responses of a site that changes meanwhile: each body is whole, and none is of
# more than two snapshots.
. "$(dirname "$0")/lib.sh"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

SITE=$T/site
PORT=$(free_port)
URL=http://127.0.0.1:$PORT
SNAPSHOTS=8
IMAGES=40

chmod 755 "$T"
mkdir "$T/data" "$T/run"
for ((i = 0; i < IMAGES; i++)); do
	printf '{"public_id":"i%s","album_id":"A"}\n{"id":"t%s","image_id":"i%s","tag_id":"T"}\n' "$i" "$i" "$i"
done >"$T/data/images.ndjson"
make_snapshot() { # NUMBER: a snapshot in which every response has this number
	echo "{\"id\":\"T\",\"name\":\"t\",\"label\":\"$1\",\"updated_at\":\"2024-01-01T00:00:0$1Z\"}" >"$T/data/tag.json"
	scan >/dev/null && "$EXPORTER" export --index "$T/index" --repo "$T/repo" >/dev/null
}
publish() { # NUMBER
	"$EXPORTER" publish --at "HEAD~$((SNAPSHOTS - $1))" --repo "$T/repo" --site "$SITE" >/dev/null
}
for ((i = 1; i <= SNAPSHOTS; i++)); do
	make_snapshot "$i" || echo "$i" >>"$T/failed"
done
ok "a site is made" publish 1
"$EXPORTER" edge --site "$SITE" --listen "$PORT" >"$T/nginx.conf"
spawn nginx nginx -p "$T/run" -c "$T/nginx.conf" -g 'daemon off;'
ok "nginx runs" wait_until 10 curl -s "$URL/"

# One snapshot after the other, and back.
cat >"$T/read.py" <<'END'
import http.client, json, os, sys

port, images, end = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
connection, seen = http.client.HTTPConnection("127.0.0.1", port), set()
request = "/api/v1/tag_images?" + "&".join(f"image_ids[]=i{i}" for i in range(images))
while True:
    over = os.path.exists(end)
    connection.request("GET", request)
    response = connection.getresponse()
    body = json.loads(response.read())
    if response.status != 200:
        sys.exit(f"{response.status} {body}")
    if [element["image"]["public_id"] for element in body] != [f"i{i}" for i in range(images)]:
        sys.exit(f"not whole: {body}")
    labels = {int(element["tag"]["label"]) for element in body}
    if max(labels) - min(labels) > 1:
        sys.exit(f"of several snapshots: {sorted(labels)}")
    seen |= labels
    if over:
        break
print("several" if len(seen) > 2 else seen)
END
spawn reader "$PYTHON" "$T/read.py" "$PORT" "$IMAGES" "$T/end"
for ((i = 2; i <= SNAPSHOTS; i++)); do
	publish "$i" || echo "$i" >>"$T/failed"
done
for ((i = SNAPSHOTS - 1; i > 0; i--)); do
	publish "$i" || echo "$i" >>"$T/failed"
done
is "all snapshots were published" "$(cat "$T/failed" 2>/dev/null)" ""
touch "$T/end"
gone() {
	! alive reader
}
ok "a client read the same images all the time" wait_until 20 gone
is "each answer was whole, and of two adjacent snapshots at most" "$(<"$T/reader.log")" several

# Snapshots that follow each other faster than an answer is read.
for i in 1 2 3 4; do
	{
		printf '["'
		head -c $((8 << 20)) /dev/zero | tr '\0' "$i"
		printf '"]'
	} >"$SITE/api/v1/tag_images/big$i.json"
done
query='/api/v1/tag_images?image_ids[]=big1&image_ids[]=big2&image_ids[]=big3&image_ids[]=big4'
change() {
	while :; do
		cp "$SITE/snapshot.json" "$SITE/tmp"
		mv "$SITE/tmp" "$SITE/snapshot.json"
	done
}
export SITE
export -f change
is "a large answer is read" "$(ask "$query" -I)" 200
spawn change bash -c change
is "not while snapshots follow each other faster than that" "$(ask "$query") $(<"$T/body")" \
	'503 {"error":"the site changes faster than these images are read; try again, or ask for fewer at a time"}'
is "with when to try again" "$(header Retry-After), $(header Content-Type), $(header Cache-Control)" \
	"1, application/json; charset=utf-8, no-store"
is "a single image is" "$(ask "/api/v1/tag_images?image_ids[]=big1" -I)" 200
stop change
is "and then it is read again" "$(ask "$query" -I)" 200
done_testing
