#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `edge --for caddy` prints, in Debian's own Caddy: beside another site at the same address,
# with TLS, with a log, and with lines of the operator's own.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/edge/lib.sh"

SITE="$T/a site; #'x'"
PORT=$(free_port)
ADMIN=$(free_port)
URL=https://127.0.0.1:$PORT
NAME=photos.example.org
print() { # NAME SITE [OPTION]...
	local name=$1 site=$2
	shift 2
	"$EXPORTER" edge --for caddy --site "$site" --server-name "$name" "$@" >"/etc/caddy/$name.caddy"
}
of() { # NAME PATH [CURL-OPTION]...: what that site answers
	local name=$1 path=$2
	shift 2
	curl -s -g --path-as-is --cacert "$T/cert.pem" --resolve "$name:$PORT:127.0.0.1" "$@" \
		"https://$name:$PORT$path"
}
tls=(--tls-certificate "$T/cert.pem" --tls-key "$T/key.pem")

ok "a site is made" edge_site "$SITE"
certificate "$NAME" other.example.org

mkdir "$T/etc" "$T/www"
mount --bind "$T/etc" /etc/caddy
echo other >"$T/www/index.html"
cat >/etc/caddy/Caddyfile <<-END
	{
		admin 127.0.0.1:$ADMIN
		auto_https off
	}
	https://other.example.org:$PORT {
		bind 127.0.0.1
		tls $T/cert.pem $T/key.pem
		root * $T/www
		file_server
	}
	import $NAME.caddy
END
ok "the site is printed" print "$NAME" "$SITE" --listen "$PORT" "${tls[@]}"
ok "Caddy has nothing to say against it" caddy validate --adapter caddyfile --config /etc/caddy/Caddyfile
spawn caddy caddy run --adapter caddyfile --config /etc/caddy/Caddyfile
ok "Caddy runs" wait_until 30 of other.example.org / -f || diag <"$T/caddy.log"

edge_cases caddy "$URL" --host "$NAME" --ca "$T/cert.pem"
edge_states caddy "https://$NAME:$PORT" --cacert "$T/cert.pem" --resolve "$NAME:$PORT:127.0.0.1"

is "the other site is as it was" "$(of other.example.org /)" other
is "it has its own errors" "$(of other.example.org /api/v1/tags -o /dev/null -w '%{http_code} %{size_download}')" "404 0"
joined='/api/v1/tag_images?image_ids[]=m1&image_ids[]=m2'
for i in {3..20}; do joined+="&image_ids[]=m$i"; done
is "a join is compressed, too" "$(of "$NAME" "$joined" --compressed -D "$T/head")" "$(of "$NAME" "$joined")"
ok "for who accepts it" grep -qi '^content-encoding: gzip' "$T/head"

# Responses are text, even if they look like a part of a template.
printf '[{"id":"<%% httpError 500 %%>","x":"{{env \"HOME\"}}"}]' >"$T/odd"
sed 's/</\\u003c/g; s/>/\\u003e/g' "$T/odd" >"$SITE/api/v1/tag_images/%3C.json"
is "a response that looks like a template is text" "$(of "$NAME" '/api/v1/tag_images?image_ids[]=%3C')" \
	"$(<"$SITE/api/v1/tag_images/%3C.json")"

# No log, and the operator's own lines.
of "$NAME" "$joined&token=SESAME" -H 'Authorization: Token token="SESAME"' -o /dev/null
of "$NAME" '/nope?token=SESAME' -X POST -o /dev/null
of "$NAME" '/api/v1/tag_images?image_ids[]=huge&token=SESAME' -o /dev/null
is "no token is in any log" "$(grep -c SESAME "$T/caddy.log")" 0
mkdir -p "/etc/caddy/albumen/$NAME"
echo 'header X-Own own' >"/etc/caddy/albumen/$NAME/own.conf"
ok "it is printed again" print "$NAME" "$SITE" --listen "$PORT" "${tls[@]}"
ok "Caddy reads it again" caddy reload --adapter caddyfile --config /etc/caddy/Caddyfile --address "127.0.0.1:$ADMIN"
own() { of "$NAME" /healthz -D - -o /dev/null | grep -qi '^x-own: own'; }
ok "the operator's lines are in effect" wait_until 20 own
is "for this site alone" "$(of other.example.org / -D - | grep -ci '^x-own')" 0

# Without --listen and a certificate, Caddy takes the ports and gets a certificate by itself.
print "$NAME" "$SITE"
ok "without --listen it is good, too" caddy validate --adapter caddyfile --config "/etc/caddy/$NAME.caddy"
ok "and for the name alone" grep -qx "$NAME {" "/etc/caddy/$NAME.caddy"
done_testing
