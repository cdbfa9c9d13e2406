#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The client of S3 servers (exporter/s3) at a real one: by itself, through faults, through TLS, and
# without libcurl.
. "$(dirname "$0")/lib.sh"

# The client's own tests, at a prefix; they say what failed.
client() {
	ALBUMEN_TEST_S3=s3://$BUCKET/$1 "$BUILD/tests/unit/exporter/test_s3" >"$T/client" 2>&1 ||
		{ grep -v '^ok' "$T/client" && false; }
}

ok "a store" store ceph
ok "the client does what its manual says" client plain
ok "and has asked the store" grep -q '^ok .* keys_of_every_kind_come_back$' "$T/client"

# Each tenth request or so fails in one of these ways, and one hangs until the client gives up.
proxy 'PUT */many/0500 1 hang' '* * %41 drop' '* * %43 drop-after' '* * %47 status 503' \
	'* * %53 status-after 500' '* * %59 status 429' 'GET * %31 truncate' 'GET * %37 trickle'
export ALBUMEN_TEST_S3_FAULTS=1
ok "and through faults" client faults
unset ALBUMEN_TEST_S3_FAULTS
requests >"$T/requests"
for fault in hang drop drop-after status status-after truncate trickle; do
	ok "of which there were some: $fault" grep -q " $fault\$" "$T/requests"
done

# --- TLS
mkdir -p "$T/tls/logs"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout "$T/tls/key" -out "$T/tls/certificate" 2>"$T/tls/log"
port=$(free_port)
cat >"$T/tls/nginx.conf" <<END
pid $T/tls/pid;
error_log $T/tls/log;
events {}
http {
	access_log off;
	client_body_temp_path $T/tls/body;
	proxy_temp_path $T/tls/proxy;
	fastcgi_temp_path $T/tls/fastcgi;
	uwsgi_temp_path $T/tls/uwsgi;
	scgi_temp_path $T/tls/scgi;
	client_max_body_size 0;
	server {
		listen 127.0.0.1:$port ssl;
		ssl_certificate $T/tls/certificate;
		ssl_certificate_key $T/tls/key;
		location / {
			proxy_pass $STORE_URL;
			proxy_set_header Host \$http_host;
		}
	}
}
END
spawn nginx nginx -p "$T/tls" -c "$T/tls/nginx.conf" -g 'daemon off;'
export AWS_ENDPOINT_URL=https://localhost:$port
ok "nginx is there" wait_until 60 curl -sk -o /dev/null "$AWS_ENDPOINT_URL"
cp -r "$ROOT/data/samples" "$T/data"
"$INDEXER" scan --data "$T/data" --index "$T/index" >"$T/out"
export_tls() { "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "s3://$BUCKET/tls"; }
exits "a certificate that nobody vouches for is refused" 1 export_tls
ok "and it is said what mends it" grep -q AWS_CA_BUNDLE "$T/err"
export AWS_CA_BUNDLE=$T/tls/certificate
exits "with the certificate it holds" 0 export_tls

# --- libcurl is loaded when a store is asked for, not before
: >"$T/empty"
mount --bind "$T/empty" "$(ldconfig -p | sed -n 's/.*libcurl\.so\.4 .*=> //p' | head -n 1)"
exits "without libcurl there are no object stores" 1 export_tls
ok "and it is said what to install" grep -q 'install the package libcurl4' "$T/err"
exits "all else is as with it" 0 "$EXPORTER" publish --repo "$T/repo" --site "$T/site"
done_testing
