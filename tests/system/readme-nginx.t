#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# README.md's walk to Debian's nginx, as it is written there, with TLS and tokens beside another
# site. Only names, the port and systemd are others here.
. "$(dirname "$0")/lib.sh"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); unmount_all' EXIT

PORT=$(free_port)
NAME=photos.example.org
mkdir -p "$T/build/mine"
ln -s "$ROOT/data" "$T/data"
cp "$EXPORTER" "$T/build/" && cp -r "$(dirname "$EXPORTER")/edge" "$T/build/"
chmod a+x "$T"
cd "$T" || exit 1
cp -r "$ROOT/data/samples" "$T/metadata"
ok "the samples are indexed" "$INDEXER" scan --data metadata --index index
ok "and exported" "$EXPORTER" export --index index --repo build/mine/repo
certificate "$NAME"

debian_nginx "$PORT"
spawn nginx nginx -g 'daemon off;'
of() { # URL [CURL-OPTION]...
	curl -sS --cacert "$T/cert.pem" --connect-to "::127.0.0.1:$PORT" "$@"
}
ok "nginx runs" wait_until 10 of "https://$NAME/" -o /dev/null

readme_script token nginx | sed "s|/var/lib/albumen|$T/state|g; s|/etc/albumen|$T/keys|g
	s|/etc/ssl/certs/photos.pem|$T/cert.pem|; s|/etc/ssl/private/photos.key|$T/key.pem|
	s|0.0.0.0:443|127.0.0.1:$PORT|; s|systemctl reload nginx|nginx -s reload|; /^apt-get/d" >walk
ok "every command of the walk works" bash -euo pipefail -c "$(grep -v '^curl' walk)
	echo \"\$token\" >token"
token=$(<token)
export token
answers() { # runs the request of the walk
	eval "$(sed -n 's/^curl/of -o answer/p' walk)"
}
ok "the holder of the token gets an answer" wait_until 10 answers
same "which is the site's" answer "$T/state/photos/site/api/v1/albums/harbour-1931/images/untag.json"
is "nobody else does" "$(of "https://$NAME/api/v1/albums/harbour-1931/images/untag" -o /dev/null -w '%{http_code}')" 401
is "the other site is as it was" "$(of https://other.example.org/ -k)" other
done_testing
