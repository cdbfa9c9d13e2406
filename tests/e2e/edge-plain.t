#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The edge answers requests with ids of plain characters without a script, and as the script
# would.
. "$(dirname "$0")/lib.sh"

# nginx is stopped, not killed: its workers would survive.
stop_all() {
	local name
	for name in plain script again; do
		[ -f "$T/$name/nginx.pid" ] && stop "$name"
	done
}
trap 'status=$?; stop_all; (exit "$status"); cleanup' EXIT

SITE=$T/site
A=$SITE/api/v1/albums
TAGGED=$SITE/api/v1/tag_images
SEED=${SEED-$RANDOM}

run_nginx() { # NAME SED: runs nginx with a configuration that is changed by SED; its port is in $PORT
	PORT=$(free_port)
	mkdir "$T/$1"
	"$EXPORTER" edge --site "$SITE" --listen "$PORT" >"$T/printed.conf" || return 1
	sed -E "$2" "$T/printed.conf" >"$T/$1.conf"
	! cmp -s "$T/printed.conf" "$T/$1.conf" || return 1
	spawn "$1" nginx -p "$T/$1" -c "$T/$1.conf" -g 'daemon off;'
	wait_until 10 curl -s "http://127.0.0.1:$PORT/"
}
answers() { # NAME PATH STATUS BODY
	is "$1" "$(ask "$2") $(<"$T/body")" "$3 $4"
}

chmod 755 "$T"
n240=$(printf '%240s' '' | tr ' ' n)
for id in A a-_9 "$n240" "${n240}n" a%2Fb %2Ehid x%2Ejson images untag large; do
	mkdir -p "$A/$id/images"
	echo -n "[\"${id:0:9} untagged\"]" >"$A/$id/images/untag.json"
	echo -n "[\"${id:0:9} all\"]" >"$A/$id/images.json"
	mkdir -p "$TAGGED"
	echo -n "[\"${id:0:9} tagged\"]" >"$TAGGED/$id.json"
done
: >"$TAGGED/huge.oversize"
: >"$A/A/huge.oversize"
mkdir "$TAGGED/folder.json" "$A/A2" "$A/A2/images.json"
echo -n '["secret"]' >"$T/secret.json"
ln -s "$T/secret.json" "$TAGGED/link.json"
ln -s "$T/secret.json" "$A/A2/images2.json"
mkdir -p "$A/L/images"
ln -s "$T/secret.json" "$A/L/images.json"
ln -s "$T/secret.json" "$A/L/images/untag.json"
echo '{}' >"$SITE/snapshot.json"

# Without a script.
ok "nginx runs without scripts" run_nginx plain \
	'/js_import|js_set|js_content/d; s/^(\tmap .request_uri .albumen_place)/\tmap $uri $albumen_route { default script; }\n\tmap $uri $albumen_missing { default script; }\n\1/' ||
	diag <"$T/plain.log"
URL=http://127.0.0.1:$PORT
for id in A a-_9 "$n240"; do
	answers "${id:0:9}: untagged images" "/api/v1/albums/$id/images/untag" 200 "[\"${id:0:9} untagged\"]"
	answers "${id:0:9}: with .json" "/api/v1/albums/$id/images/untag.json" 200 "[\"${id:0:9} untagged\"]"
	answers "${id:0:9}: images" "/api/v1/albums/$id/images" 200 "[\"${id:0:9} all\"]"
	answers "${id:0:9}: with .json and a query" "/api/v1/albums/$id/images.json?x=a%2Fb" 200 "[\"${id:0:9} all\"]"
	for brackets in '[]' %5B%5D %5b%5d '[%5D'; do
		answers "${id:0:9}: tag images, $brackets" "/api/v1/tag_images?image_ids$brackets=$id" 200 "[\"${id:0:9} tagged\"]"
	done
	answers "${id:0:9}: with .json and a token" "/api/v1/tag_images.json?image_ids[]=$id&token=a.b-c" 200 \
		"[\"${id:0:9} tagged\"]"
done
stop plain

# As the script does.
ok "nginx runs with the script for everything" run_nginx script 's/rewrite \^ \$albumen_place last/rewrite ^ $albumen_route last/'
script=$PORT
ok "and as printed" run_nginx again 's/^worker_processes .*/worker_processes 1;/'
again=$PORT
cat >"$T/compare.py" <<'END'
import http.client, random, sys

ports, random_ = [int(port) for port in sys.argv[2:]], random.Random(int(sys.argv[1]))
pieces = ["A", "a-_9", "n" * 240, "n" * 241, "a%2Fb", "%2Ehid", ".hid", "x.json", "x%2ejson", "images", "untag", "large",
          "huge", "folder", "link", "L", "A2", "none", "%41", "", ".", "..", "%2e%2e", "%ff", "\xe9", "a+b", "A%0a", "%5F", "huge", "huge", "%zz", "%00"]
paths = ["/api/v1/albums/{}/images", "/api/v1/albums/{}/images/untag", "/api/v1/tag_images", "/api/v1/tag_images/{}",
         "/api/v1/tags", "/api/v1/tags/{}/tag_images", "/api/v1/albums/{}", "/api/v1//albums/{}/images",
         "//api/v1/albums/{}/images/untag", "/x/../api/v1/albums/{}/images", "/api/v1/Albums/{}/images", "/{}"]
keys = ["image_ids[]", "image_ids%5B%5D", "image_ids%5b]", "image_ids", "Image_IDs[]", "image_ids[0]", "token", "x", ""]


def url():
    text = random_.choice(paths[:3] if random_.random() < .7 else paths).format(random_.choice(pieces))
    text += random_.choice(["", "", ".json", ".JSON", "/", "#", ".json.json", "%2Ejson"])
    if random_.random() < .7:
        pair = lambda: random_.choice(keys[:3] if random_.random() < .6 else keys) + \
            random_.choice(["=", "=", "=", "", "=="]) + random_.choice(pieces)
        text += random_.choice(["?", "?", "?", "??"]) + "&".join(pair() for _ in range(random_.choice([1, 1, 1, 2, 3])))
        text += random_.choice(["", "", "", "#", "&", "#x?y", "&token=a.b"])
    return text


def answer(connection, method, target):
    connection.putrequest(method, "", skip_accept_encoding=True)
    connection._buffer[0] = f"{method} {target} HTTP/1.1".encode("latin-1")
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    headers = [(name, value) for name, value in response.getheaders() if name not in ("Date", "X-Request-Id", "X-Runtime", "Location")]
    return response.status, headers, body


servers = [http.client.HTTPConnection("127.0.0.1", port) for port in ports]
seen = {}
for _ in range(3000):
    target, method = url(), random_.choice(["GET", "GET", "GET", "HEAD", "POST"])
    one, other = (answer(server, method, target) for server in servers)
    seen[one[0]] = seen.get(one[0], 0) + 1
    if one != other:
        sys.exit(f"{method} {target}\n{one}\n{other}")
    if b"secret" in one[2]:
        sys.exit(f"{method} {target}: {one}")
print(*sorted(seen))
END
is "what both answer is the same: SEED=$SEED" "$("$PYTHON" "$T/compare.py" "$SEED" "$script" "$again" 2>&1)" \
	"200 400 404 405 503"
stop script
stop again
done_testing
