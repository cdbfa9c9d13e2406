#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `edge --for apache` prints, in Debian's own Apache: beside another host at the same
# address, with TLS, with a log, and with lines of the operator's own.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/edge/lib.sh"

# Apache is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/apache.pid" ] && stop apache; (exit "$status"); unmount_all' EXIT

SITE="$T/a \"site\" {;} #'x'"
PORT=$(free_port)
URL=https://127.0.0.1:$PORT
NAME=photos.example.org
export APACHE_RUN_USER=www-data APACHE_RUN_GROUP=www-data APACHE_PID_FILE=$T/httpd.pid \
	APACHE_RUN_DIR=$T/run APACHE_LOCK_DIR=$T/run APACHE_LOG_DIR=$T/log
print() { # NAME SITE [OPTION]...
	local name=$1 site=$2
	shift 2
	"$EXPORTER" edge --for apache --site "$site" --server-name "$name" \
		--tls-certificate "$T/cert.pem" --tls-key "$T/key.pem" "$@" \
		>"/etc/apache2/sites-available/$name.conf" && a2ensite -q "$name"
}
of() { # NAME PATH [CURL-OPTION]...: what that host answers
	local name=$1 path=$2
	shift 2
	curl -s -g --path-as-is --cacert "$T/cert.pem" --resolve "$name:$PORT:127.0.0.1" "$@" \
		"https://$name:$PORT$path"
}

ok "a site is made" edge_site "$SITE"
certificate "$NAME" other.example.org

# Debian's files, with those hosts alone.
cp -a /etc/apache2 "$T/etc"
mkdir "$T/log" "$T/run" "$T/www"
mount --bind "$T/etc" /etc/apache2
rm -f /etc/apache2/sites-enabled/*
: >/etc/apache2/ports.conf
echo other >"$T/www/index.html"
cat >/etc/apache2/sites-enabled/0-other.conf <<-END
	ServerTokens Prod
	LimitRequestLine 330000
	ServerName other.example.org
	<VirtualHost 127.0.0.1:$PORT>
		ServerName other.example.org
		DocumentRoot $T/www
		SSLEngine on
		SSLCertificateFile $T/cert.pem
		SSLCertificateKeyFile $T/key.pem
		<Directory $T/www>
			Require all granted
		</Directory>
	</VirtualHost>
END
# A build in a home folder, and a site that was published with umask 077.
mkdir -m 700 "$T/home" "$T/closed"
cp -r "$EXPORTER" "$(dirname "$EXPORTER")/edge" "$T/home"
echo '{}' >"$T/closed/snapshot.json"
"$T/home/albumen-exporter" edge --for apache --site "$T/closed" --server-name "$NAME" >"$T/out" 2>"$T/err"
is "what Apache cannot read is warned of" \
	"$(sed -n "s/.*warning: .* answered: www-data, .*Apache.*, cannot read '\(.*\)'; .*/\1/p" "$T/err")" \
	"$T/closed/snapshot.json
$T/home/edge/albumen.lua"
ok "the host is printed" print "$NAME" "$SITE" --listen "$PORT" 2>"$T/err"
is "without a warning" "$(<"$T/err")" ""
read -ra modules < <(sed -n 's/^#.*a2enmod //p' "/etc/apache2/sites-available/$NAME.conf")
ok "the modules are there" a2enmod -q "${modules[@]}"
ok "Apache has nothing to say against them" apache2 -t
is "not even a warning" "$(<"$T/.ok")" "Syntax OK"
spawn apache apache2 -D FOREGROUND
ok "Apache runs" wait_until 10 of other.example.org / -f || diag <"$T/apache.log"

edge_cases apache "$URL" --host "$NAME" --ca "$T/cert.pem"
edge_states apache "https://$NAME:$PORT" --cacert "$T/cert.pem" --resolve "$NAME:$PORT:127.0.0.1"

is "the other host is as it was" "$(of other.example.org /)" other
is "it has its own errors" "$(of other.example.org /api/v1/tags | grep -c '<title>404')" 1
joined='/api/v1/tag_images?image_ids[]=m1&image_ids[]=m2'
is "a join is compressed, too" "$(of "$NAME" "$joined" --compressed -D "$T/head")" "$(of "$NAME" "$joined")"
ok "for who accepts it" grep -qi '^content-encoding: gzip' "$T/head"

# The log.
of "$NAME" "$joined&token=SESAME" -H 'Authorization: Token token="SESAME"' -o /dev/null
of "$NAME" '/nope?token=SESAME' -H "Referer: https://$NAME/?token=SESAME" -X POST -o /dev/null
of "$NAME" '/api/v1/albums/%zz/images?token=SESAME' -o /dev/null
logged() { # TEXT
	grep -qF -- "$1" "$T/log/$NAME.access.log"
}
ok "requests are logged" logged '"GET /api/v1/tag_images HTTP/1.1" 200 '
ok "whatever their end" logged '"POST /nope HTTP/1.1" 405 '
is "no token is in any log" "$(grep -rl SESAME "$T/log")" ""

# The operator's own lines.
mkdir -p "/etc/apache2/albumen/$NAME"
echo 'Header always set X-Own own' >"/etc/apache2/albumen/$NAME/own.conf"
a2enmod -q headers
ok "it is printed again" print "$NAME" "$SITE" --listen "$PORT"
ok "Apache reads it again" apache2 -k graceful
own() { of "$NAME" /healthz -D - -o /dev/null | grep -qi '^x-own: own'; }
ok "the operator's lines are in effect" wait_until 20 own
is "for this host alone" "$(of other.example.org / -D - | grep -ci '^x-own')" 0

# Without --listen, it is for port 443, on which ports.conf listens.
print "$NAME" "$SITE" >/dev/null
ok "without --listen it is good, too" apache2 -t
ok "and for port 443" grep -qx '<VirtualHost \*:443>' "/etc/apache2/sites-available/$NAME.conf"
done_testing
