#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rig of the tests of object stores, without the program: the servers are shared and do what
# their tests rely on, the proxy makes the faults that it is told, and the reader notices.
. "$(dirname "$0")/lib.sh"

code() { s3 "$@" 2>&1 >/dev/null | sed -n 's/.*<Code>\(.*\)<\/Code>.*/\1/p'; }
# METHOD KEY: the status of an unsigned request through the proxy (411: a PUT without a body), and
# what curl says
plain() { curl -s -o /dev/null -w '%{http_code} %{exitcode}' -m 30 -X "$1" "$AWS_ENDPOINT_URL/$BUCKET/$2"; }
through() { STORE_URL=$AWS_ENDPOINT_URL s3 "$@"; }

ok "Ceph starts, and takes a bucket" store ceph
first=$AWS_ENDPOINT_URL
is "what a second user gets is the same Ceph" \
	"$("$ROOT/tests/system/servers.py" ceph $$ "$(the_run)" | head -n 1)" "AWS_ENDPOINT_URL=$first"
"$ROOT/tests/system/servers.py" swift $$ "$(the_run)" >"$T/swift" &
swift=$!

# --- what the tests rely on
echo one >"$T/one"
etag=$(s3 put a/k "$T/one")
is "the ETag is the MD5" "$etag" "\"$(md5sum <"$T/one" | cut -d' ' -f1)\""
is "a key is read back" "$(s3 get a/k)" one
is "If-None-Match: * on a key that is there" "$(code put a/k "$T/one" 'If-None-Match:*')" PreconditionFailed
is "If-Match with an ETag that it has not" "$(code put a/k "$T/one" 'If-Match:0123')" PreconditionFailed
ok "If-Match with the one that it has" s3 put a/k "$T/one" "If-Match:${etag//\"/}"
is "a wrong secret" "$(AWS_SECRET_ACCESS_KEY=wrong code ls)" SignatureDoesNotMatch
is "another user" "$(AWS_ACCESS_KEY_ID=AKOTHER AWS_SECRET_ACCESS_KEY=SKOTHER code put a/k "$T/one")" AccessDenied
mkdir -p "$T/many"
for i in {1..30}; do printf '%s' "$i" >"$T/many/a%2F$i é+.json"; done
ok "a folder is written to a prefix" s3 upload "$T/many" many
is "a listing has each key" "$(s3 ls many/ | sort -k3 | sed -n '1p;$p' | cut -d' ' -f1,3-)" \
	"1 many/a%2F1 é+.json
1 many/a%2F9 é+.json"
ok "a folder and a prefix are compared" store_holds many "$T/many"
echo other >"$T/many/more"
ok "and differ" not store_holds many "$T/many"

# --- the proxy
ok "the proxy starts" proxy
is "signatures hold through it" "$(through get a/k)" one
is "it keeps a record" "$(requests)" "GET 200 a/k"
proxy 'PUT a/k 2 drop' 'PUT a/k 4 drop-after' 'PUT b* 1-2 status 503' 'PUT b* * status-after 500' \
	'GET a/* %2 truncate' 'GET many/* 1 trickle' 'GET c * status 403 RequestTimeTooSkewed' \
	"GET d * answer $T/one" "HEAD a/k 1 before touch $T/before" "HEAD a/k 2 after touch $T/after"
for i in 1 2 3 4; do
	plain PUT a/k >"$T/put.$i"
done
is "the second of four is dropped, and the fourth's answer" "$(cat "$T"/put.?)" \
	'411 0000 52411 0000 52'
is "the first two of some are refused, the rest are done and said to have failed" \
	"$(for i in 1 2 3; do plain PUT b1; done)" '503 0503 0500 0'
is "each second answer is truncated" "$(plain GET a/k; plain GET a/k)" '403 0403 18'
is "a byte at a time" "$(through get 'many/a%2F3 é+.json')" 3
is "a code is sent" "$(through get c 2>&1 | grep -o '<Code>.*</Code>')" '<Code>RequestTimeTooSkewed</Code>'
is "anything is answered" "$(through get d)" one
through head a/k >"$T/out"
through head a/k >"$T/out"
ok "commands are run before and after" test -e "$T/before" -a -e "$T/after"
requests >"$T/got"
cat >"$T/want" <<'EOF'
PUT 411 a/k
PUT - a/k drop
PUT 411 a/k
PUT 411 a/k drop-after
PUT - b1 status
PUT - b1 status
PUT 411 b1 status-after
GET 403 a/k
GET 403 a/k truncate
GET 200 many/a%2F3 é+.json trickle
GET - c status
GET - d answer
HEAD 200 a/k before
HEAD 200 a/k after
EOF
same "all of this is in the record" "$T/got" "$T/want"
proxy 'GET * * hang-after' "PUT * 1 before : >$T/there; until [ -e $T/go ]; do read -rt 0.02 _ <> <(:); done"
spawn held curl -s -X PUT "$AWS_ENDPOINT_URL/$BUCKET/held"
ok "a request is held" wait_until 60 test -e "$T/there"
is "one that hangs ends when the client gives up" \
	"$(curl -s -o /dev/null -w '%{exitcode}' -m 1 "$AWS_ENDPOINT_URL/$BUCKET/a/k")" 28
is "two were under way at once" "$(curl -s "$AWS_ENDPOINT_URL/-/most")" 2
: >"$T/go"
ok "then none is" proxy_idle
is "and both were asked of the store" "$(requests)" "PUT 411 held before
GET 403 a/k hang-after"

# --- the reader
for site in 1 2; do
	mkdir -p "$T/site$site"
	for key in a b c; do
		echo "$key of $site" >"$T/site$site/$key"
	done
	echo "$site" >"$T/site$site/snapshot.json"
done
rm "$T/site1/c" "$T/site2/b"
publish() { # TO KEY...: as a program would that takes this order
	local to=$1 key
	shift
	for key; do
		if [ -e "$T/site$to/$key" ]; then s3 put "p/$key" "$T/site$to/$key"; else s3 rm "p/$key"; fi
	done
}
begin() { spawn reader "$PYTHON" "$ROOT/tests/system/s3.py" read p "$@"; }
says() { grep -q "^$1" "$T/reader.log"; }
begin "$T/site1" "$T/site2" "$T/site1"
ok "it reads nothing" wait_until 60 says reading
publish 1 a b c snapshot.json >"$T/out"
ok "then the first site" wait_until 60 says 'at 1'
publish 2 c a b snapshot.json >"$T/out"
ok "the second" wait_until 60 says 'at 2'
publish 1 b a c snapshot.json >"$T/out"
ok "and the first again" wait_until 60 says 'at 3'
ok "it finds nothing wrong" stop reader
ok "and says so" says '[0-9]* rounds, nothing wrong'
begin "$T/site1" "$T/site2"
ok "it begins at a site" wait_until 60 says reading
publish 2 a b snapshot.json >"$T/out"
ok "a snapshot.json before the last key is noticed" wait_until 60 says 'wrong: c: '
ok "as its status" not stop reader
publish 2 c >"$T/out"
begin "$T/site2" "$T/site1"
ok "it begins at the other" wait_until 60 says reading
printf 'a of' | s3 put p/a >"$T/out"
ok "half a body is noticed" wait_until 60 says "wrong: a: b'a of'"

# --- Swift
wait "$swift"
result $? "Swift starts" || diag <"$T/swift"
s3 rb
ok "another store can be asked" store swift
is "it refuses conditions" "$(code put a "$T/one" 'If-None-Match:*')" NotImplemented
ok "and takes keys" s3 put a "$T/one"
done_testing
