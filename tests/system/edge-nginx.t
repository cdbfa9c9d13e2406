#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `edge --for nginx-server` prints, in Debian's own nginx: beside other sites at the same
# address, with TLS, with a log, and with lines of the operator's own.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/edge/lib.sh"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); unmount_all' EXIT

SITE=$T/site
PORT=$(free_port)
URL=https://127.0.0.1:$PORT
NAME=photos.example.org
LOG=/var/log/nginx/$NAME.access.log
print() { # NAME SITE [OPTION]...
	"$EXPORTER" edge --for nginx-server --site "$2" --listen "$PORT" --server-name "$1" "${@:3}" \
		--tls-certificate "$T/cert.pem" --tls-key "$T/key.pem" >"/etc/nginx/sites-available/$1" &&
		ln -sf "/etc/nginx/sites-available/$1" /etc/nginx/sites-enabled/
}
of() { # NAME PATH [CURL-OPTION]...: what that server answers
	local name=$1 path=$2
	shift 2
	curl -s -g --path-as-is --cacert "$T/cert.pem" --resolve "$name:$PORT:127.0.0.1" "$@" \
		"https://$name:$PORT$path"
}

ok "a site is made" edge_site "$SITE"
certificate "$NAME" old.example.org closed.example.org other.example.org

debian_nginx "$PORT"
ok "its configuration is printed" print "$NAME" "$SITE"
# Another library in the same nginx.
mkdir -p "$T/old/api/v1/albums/con"
echo '{"commit":"old"}' >"$T/old/snapshot.json"
echo '["old"]' >"$T/old/api/v1/albums/con/images.json"
ok "so is that of another library" print old.example.org "$T/old"
# And the first one once more, for holders of a token.
echo '{"us":"s3cret"}' >"$T/keys.json"
chown root:www-data "$T/keys.json"
chmod 640 "$T/keys.json"
ok "and one with tokens" print closed.example.org "$SITE" --tokens "$T/keys.json"
ok "nginx has nothing to say against them" nginx -t
is "not even a warning" "$(grep -c 'warn\|emerg' "$T/.ok")" 0
spawn nginx nginx -g 'daemon off;'
ok "nginx runs" wait_until 10 of other.example.org /

edge_cases nginx-server "$URL" --host "$NAME" --ca "$T/cert.pem"
edge_states nginx-server "https://$NAME:$PORT" --cacert "$T/cert.pem" --resolve "$NAME:$PORT:127.0.0.1"

is "the other site is as it was" "$(of other.example.org /)" other
is "it has its own errors" "$(of other.example.org /api/v1/tags | grep -c '<title>404')" 1
is "the other library has its own site" "$(of old.example.org /api/v1/albums/con/images)" '["old"]'
is "its joins are bounded apart" "$(of old.example.org '/api/v1/tag_images?image_ids[]=a&image_ids[]=b')" '[]'

closed() { # PATH [CURL-OPTION]...: the status
	of closed.example.org "$@" -o "$T/body" -w '%{http_code}'
}
token=$("$PYTHON" "$ROOT/tests/model/tokens.py" sign '{"abilities":{"con":{"Access":{"image_list":true}}}}')
is "with tokens, there is nothing without one" "$(closed /api/v1/albums/con/images) $(closed /nope) $(closed /healthz)" \
	"401 401 200"
is "a right one opens its album" "$(closed /api/v1/albums/con/images -H "Authorization: Token token=\"$token\"") $(<"$T/body")" \
	"200 $(<"$SITE/api/v1/albums/con/images.json")"
is "also in the URL" "$(closed "/api/v1/albums/con/images?token=$token&x=y") $(closed "/api/v1/albums/case/images?token=$token")" "200 401"
ok "it is not logged" grep -qF '"GET /api/v1/albums/con/images?token=...&x=y HTTP/1.1" 200 ' /var/log/nginx/closed.example.org.access.log
is "in no log" "$(grep -rlF "${token:0:40}" /var/log/nginx)" ""

# The log.
of "$NAME" '/api/v1/tag_images?image_ids[]=m1&token=SESAME&x=y' -o /dev/null
of "$NAME" '/healthz?token=SESAME' -H 'Authorization: Token token="SESAME"' -o /dev/null
of "$NAME" '/nope?a=b&TOKEN=SESAME;1' -H "Referer: https://$NAME/audit/?token=SESAME" -o /dev/null
of "$NAME" '/api/v1/albums/%00/images?token=SESAME' -o /dev/null
of "$NAME" '/two?token=SESAME1&x&token=SESAME2' -o /dev/null
of "$NAME" '/escaped?tok%65n=SESAME' -o /dev/null
of "$NAME" '/api/v1/albums/con/images?t=1&x%20y' -X POST --data SESAME -o /dev/null
of "$NAME" "/long/$(printf 'x%.0s' {1..5000})?$(printf 'y%.0s' {1..90000})&token=SESAME" -o /dev/null
of "$NAME" '/misplaced?token[]=eyJ0.eyJpc3MiOiJTESAME.SESAME' -o /dev/null -u 'eyJ0.eyJpc3M.SESAME:' -e 'https://x/eyJ0.eyJpc3M.SESAME'
curl -s -g "http://127.0.0.1:$PORT/plain?token=SESAME" -H "Host: $NAME" -o /dev/null
curl -s -g -k "https://127.0.0.1:$PORT/elsewhere?x=SILLY" -o /dev/null
logged() { # TEXT
	grep -qF -- "$1" "$LOG"
}
ok "requests are logged" logged '"GET /api/v1/tag_images?image_ids[]=m1&token=...&x=y HTTP/1.1" 200 '
ok "whatever their end" logged '"GET /nope?a=b&TOKEN=... HTTP/1.1" 404 21 "https://photos.example.org/audit/?..." "curl/'
ok "without a query, where it may have more tokens" logged '"GET /two?... HTTP/1.1" 404 '
ok "or escaped ones" logged '"GET /escaped?... HTTP/1.1" 404 '
ok "however long the URL is" logged 'yyy&token=... HTTP/1.1" 404 '
ok "nor is a token where none belongs" logged ' - ... ['
ok "of which the path is left" logged '"GET /misplaced?... HTTP/1.1" 404 21 "..." "curl/'
ok "a request without TLS is an error like the others" logged '"GET /plain?token=... HTTP/1.1" 400 23 '
ok "and as they were, where it has none" logged '"POST /api/v1/albums/con/images?t=1&x%20y HTTP/1.1" 405 '
is "no token is in any log" "$(grep -rl SESAME /var/log/nginx)" ""
ok "what is not for this server is in the log of the default one" grep -q SILLY /var/log/nginx/access.log

# The operator's own lines.
mkdir -p "/etc/nginx/albumen/$NAME"
echo 'location = /own { return 200 own; }' >"/etc/nginx/albumen/$NAME/own.conf"
ok "it is printed again" print "$NAME" "$SITE"
ok "nginx reads it again" nginx -s reload
own() { [ "$(of "$NAME" /own)" = own ]; }
ok "the operator's lines are in effect" wait_until 20 own
is "for this server alone" "$(of old.example.org /own)" '{"error":"not found"}'
is "nothing else has changed" "$(of "$NAME" /api/v1/albums/con/images)" \
	"$(<"$SITE/api/v1/albums/con/images.json")"

# Tokens: for one server, then for both, each with keys of its own.
sign() { "$PYTHON" "$ROOT/tests/model/tokens.py" sign '{"abilities":{"con":{"Access":{"image_list":true}}}}'; }
status() { # NAME [CURL-OPTION]...: that of the images of an album
	of "$1" /api/v1/albums/con/images -o "$T/body" -w '%{http_code}' "${@:2}"
}
both() { # HEADER: what both servers answer
	echo "$(status "$NAME" -H "$1") $(status old.example.org -H "$1")"
}
is_both() { [ "$(both "$1")" = "$2" ]; }
mkdir -m 711 "$T/keys"
echo '{"us":"s3cret"}' >"$T/keys/one"
echo '{"us":"another"}' >"$T/keys/two"
chmod 600 "$T"/keys/*
print "$NAME" "$SITE" --tokens "$T/keys/one" 2>"$T/err"
ok "keys that Debian's nginx cannot read are warned of" grep -q "warning: .*, cannot read '$T/keys/one'" "$T/err"
chgrp www-data "$T"/keys/* && chmod 640 "$T"/keys/*
bearer="Authorization: Bearer $(sign)"
ok "it is printed with tokens" print "$NAME" "$SITE" --tokens "$T/keys/one" 2>"$T/err"
is "without a warning" "$(<"$T/err")" ""
ok "nginx reads it again" nginx -s reload
ok "a server with tokens refuses, another one does not" wait_until 20 is_both X:x "401 200"
is "with a token both answer" "$(both "$bearer")" "200 200"
is "the operator's lines need one, too" "$(of "$NAME" /own -o "$T/body" -w '%{http_code}')" 401
ok "the other is printed with other keys" print old.example.org "$T/old" --tokens "$T/keys/two"
ok "nginx reads it again" nginx -s reload
ok "then both refuse" wait_until 20 is_both X:x "401 401"
is "and each has its own keys" "$(both "$bearer")" "200 401"
is "no token is in any log" "$(grep -rlF "${bearer##*.}" /var/log/nginx)" ""
done_testing
