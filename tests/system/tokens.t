#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whom the workers of an nginx run as that root starts: somebody who can read the keys of tokens.
. "$(dirname "$0")/lib.sh"

trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

tokens=$ROOT/tests/model/tokens.py
KEYS=$T/keys.json
PORT=$(free_port)
URL=http://127.0.0.1:$PORT
edge=("$EXPORTER" edge --site "$T/site" --listen "$PORT" --tokens "$KEYS")

user() { sed -n 's/^user \(.*\);$/\1/p' "$T/out"; }
print() { # NAME USER: edge prints a configuration with that user, and it works
	exits "$1: edge prints a configuration" 0 "${edge[@]}"
	is "$1: the user and the group" "$(user)" "$2"
	cp "$T/out" "$T/nginx.conf"
	rm -rf "$T/run" && mkdir "$T/run"
	spawn nginx nginx -p "$T/run" -c "$T/nginx.conf" -g 'daemon off;'
	wait_until 10 curl -s "$URL/"
	is "$1: nginx reads the keys" "$(ask "/api/v1/albums/own/images?token=$own")" 200
	is "$1: and refuses others" "$(ask /api/v1/albums/own/images)" 401
	chmod 0 "$T/site/api/v1/tag_images/t-0.json"
	is "$1: what cannot be decided is refused" "$(ask "/api/v1/tag_images?image_ids[]=t-0&token=$own")" 401
	chmod 644 "$T/site/api/v1/tag_images/t-0.json"
	is "$1: and answered when it can" "$(ask "/api/v1/tag_images?image_ids[]=t-0&token=$own")" 200
	stop nginx
}

chmod 755 "$T"
"$PYTHON" "$tokens" make "$T/data" "$KEYS"
own=$("$PYTHON" "$tokens" sign '{"abilities":{"own":{"Access":{"image_list":true}}}}')
scan >/dev/null
export_all >/dev/null

exits "a file that only root can read is refused" 1 "${edge[@]}"
is "with what mends it" "$(<"$T/err")" "albumen-exporter: error: nginx's workers, which run as nobody, cannot read '$KEYS'; give the file to a group that is for it alone, with chgrp and chmod 640, in a folder that all may search"
chgrp www-data "$KEYS" && chmod 640 "$KEYS"
print "a file of a group" "nobody www-data"
chown www-data:root "$KEYS" && chmod 600 "$KEYS"
print "a file of a user" "www-data www-data"
chown root:root "$KEYS" && chmod 640 "$KEYS"
exits "nobody is put into the group root" 1 "${edge[@]}"
chown nobody:root "$KEYS" && chmod 600 "$KEYS"
print "a file of nobody" "nobody nogroup"

# A folder that is closed counts, and so does a site that is.
mkdir -m 700 "$T/closed"
mv "$KEYS" "$T/closed/keys.json"
chgrp www-data "$T/closed/keys.json" && chmod 640 "$T/closed/keys.json"
KEYS=$T/closed/keys.json
edge=("$EXPORTER" edge --site "$T/site" --listen "$PORT" --tokens "$KEYS")
exits "a file in a folder that is closed is refused" 1 "${edge[@]}"
chmod 711 "$T/closed"
chown -R www-data:www-data "$T/site" && chmod 700 "$T/site"
chown root:irc "$KEYS"
print "a site of one user, keys of a group" "www-data irc"
chown root:root "$KEYS"
exits "a site and keys that nobody can read both are refused" 1 "${edge[@]}"
ok "for the user who can read the site" grep -q 'which run as www-data, cannot read' "$T/err"
done_testing
