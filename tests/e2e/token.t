#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Tokens: what the edge answers holders of a right one, and that it answers nobody else.
. "$(dirname "$0")/lib.sh"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

tokens=$ROOT/tests/model/tokens.py
seed=${ALBUMEN_SEED:-$RANDOM}
PORT=$(free_port)
URL=http://127.0.0.1:$PORT
KEYS=$T/keys.json
edge=("$EXPORTER" edge --site "$T/site" --listen "$PORT" --tokens "$KEYS")

message() { # NAME TEXT: the last command said so, and nothing else
	is "$1" "$(cat "$T/out" "$T/err")" "albumen-exporter: error: $2"
}
sign() { "$PYTHON" "$tokens" sign "$1"; }
browse() { # URL STEP...: output of the steps to $T/seen, of the console to $T/console
	timeout 300 "$PYTHON" "$ROOT/tests/e2e/browser.py" "$T/profile" "$@" >"$T/all" 2>&1
	local status=$?
	grep -v '^console: \|^request: ' "$T/all" >"$T/seen"
	sed -n 's/^console: //p' "$T/all" >"$T/console"
	return "$status"
}

ok "what a token allows is decided in one file" njs "$ROOT/tests/edge/token.js"

"$PYTHON" "$tokens" make "$T/data" "$KEYS"
scan >/dev/null
export_all --collections --audit-page >/dev/null
: >"$T/site/api/v1/tag_images/huge.oversize"
mkdir "$T/run"
exits "edge prints a configuration" 0 "${edge[@]}"
cp "$T/out" "$T/nginx.conf"
spawn nginx nginx -p "$T/run" -c "$T/nginx.conf" -g 'daemon off;'
wait_until 10 curl -s "$URL/"

ok "every kind of token, every damage, every request, and 10,000 more (seed $seed)" \
	"$PYTHON" "$tokens" ask --url "$URL" --site "$T/site" --seed "$seed" --strange 3000

audit=$(sign '{"abilities":{"albumen":{"Access":{"audit":true}}}}')
own=$(sign '{"abilities":{"own":{"Access":{"image_list":true}}}}')
call=/api/v1/albums/own/images
is "an album" "$(ask $call -H "Authorization: Token token=\"$own\"")" 200
is "an answer that is still right needs a token, too" "$(
	ask $call -H "If-None-Match: $(header ETag)"
) $(ask $call -H "If-None-Match: $(header ETag)" -H "Authorization: Bearer $own")" "401 200"

# The audit page, and all that it loads: an album's images among it.
ok "the audit page is shown with a token" browse "$URL/audit?token=$audit#album=own" \
	"wait:'ready' in document.documentElement.dataset && document.querySelector('#image-table [role=row]')" \
	"eval:document.querySelector('#count').textContent" "eval:location.pathname + location.hash"
is "with all of its data" "$(<"$T/seen") $(<"$T/console")" '"7 albums"
"/audit/#album=own" '

# The file is read at each request.
mv "$KEYS" "$T/away"
is "without the file everything is refused" \
	"$(ask "/snapshot.json?token=$audit") $(ask "$call?token=$own") $(ask /nope)" "401 401 401"
is "with no other answer than for a wrong token" "$(header X-message) $(wc -c <"$T/body")" "Access denied 0"
is "but not /healthz" "$(ask /healthz)" 503
for text in '' '{' '[]' 'null' '{"us":null}' '{"us":""}' '{"us":["s3cret"]}'; do
	echo "$text" >"$KEYS"
	is "nor is anybody answered with the keys '$text'" "$(ask "$call?token=$own")" 401
done
echo '{"us":"another"}' >"$KEYS"
is "a new key makes the tokens of the old one wrong" "$(ask "$call?token=$own")" 401
mv "$T/away" "$KEYS"
is "and the old one right again" "$(ask "$call?token=$own")" 200
mv "$KEYS" "$T/away"
mkfifo -m 640 "$KEYS"
is "a pipe is no file of keys, and nobody waits for it" \
	"$(for _ in 1 2 3 4; do ask "$call?token=$own" --max-time 10; done) $(ask /healthz --max-time 10)" \
	"401401401401 503"
rm "$KEYS"
{
	printf '{"large":"'
	head -c 2M /dev/zero | tr '\0' x
	printf '",'
	tail -c +2 "$T/away"
} >"$KEYS"
is "nor is what has no room for keys alone" "$(ask "$call?token=$own")" 401
mv "$T/away" "$KEYS"
is "the file is back" "$(ask "$call?token=$own")" 200
if [ "$EUID" != 0 ]; then
	chmod 0 "$KEYS"
	is "a file that may not be read" "$(ask "$call?token=$own")" 401
	chmod 600 "$KEYS"
fi

# Tokens in logs and messages: of refusals, errors, and what nginx cannot read.
ask "/audit?token=$audit" >"$T/out"
is "/audit leads to the page, with its token" "$(header Location)" "/audit/?token=$audit"
for path in "$call?token=$own" "/nope?token=$own" "/%zz?token=$own" "/audit/?token=$own" "/api/v1/tag_images?token=$own&image_ids[]=huge"; do
	ask "$path" >>"$T/answers"
	cat "$T/body" "$T/head" >>"$T/answers"
	ask "$path" -X POST >>"$T/answers"
	cat "$T/body" "$T/head" >>"$T/answers"
done
ask "$call" -H "Authorization: Bearer $own" -H "Authorization: Bearer $own" >>"$T/answers"
stop nginx
is "no answer and no log has a token" "$(cat "$T/answers" "$T/nginx.log" "$T"/run/*.log | grep -c "${own##*.}")" 0

# What is refused when the configuration is printed.
refused() { # TEXT LINE: REASON
	printf '%s' "$1" >"$KEYS"
	exits "keys are refused: ${2#*: }" 1 "${edge[@]}"
	message "with file and line" "the keys of tokens cannot be used: $KEYS:$2"
}
refused '' '1: there is no JSON value'
refused $'{"us":"x",\n"them":}' '2: expected a value'
refused '[]' '1: it must be an object of secrets, by their issuer: {"ISSUER":"SECRET"}'
refused '"x"' '1: it must be an object of secrets, by their issuer: {"ISSUER":"SECRET"}'
refused '{}' '1: it names no issuer, so no token would be right'
refused $'{"us":"x",\n"them":""}' '2: a secret is empty: anybody could sign with it'
refused '{"us":{"x":"y"}}' '1: a secret must be a string'
refused $'{"us":"x",\n"u\\u0073":"y"}' '2: an issuer stands twice'
refused '{"us":"x"}{}' '1: something follows the object'
echo '{"us":"x"}' >"$KEYS"
chmod 604 "$KEYS"
exits "a file that others may read is refused" 1 "${edge[@]}"
message "with what mends it" "'$KEYS' holds secrets, and others than its owner and its group may open it; chmod o= takes that away"
chmod 640 "$KEYS"
exits "one that the group may read is not" 0 "${edge[@]}"
rm "$KEYS"
exits "a missing file is refused" 1 "${edge[@]}"
message "by its name" "cannot open '$KEYS': No such file or directory"
mkfifo "$KEYS"
chmod 600 "$KEYS"
exits "and what is no file" 1 "${edge[@]}"
message "is said" "'$KEYS' is not a regular file"
rm "$KEYS"
echo '{"us":"x"}' >"$T/elsewhere"
chmod 600 "$T/elsewhere"
ln -s elsewhere "$KEYS"
cd "$T" || exit
exits "a link is followed, and the path may be relative" 0 "$EXPORTER" edge --site site --listen "$PORT" --tokens keys.json
ok "to be found from anywhere" grep -qF "albumen_tokens \"$KEYS\";" "$T/out"

# An album that would be mistaken for all that belongs to none.
echo '{"public_id":"x","album_id":"albumen"}' >"$T/data/albumen.json"
scan >/dev/null
export_all --collections --audit-page >/dev/null
exits "a site with an album 'albumen' is refused" 1 "${edge[@]}"
ok "and the message says so" grep -q "has an album 'albumen'" "$T/err"
exits "but not without tokens" 0 "$EXPORTER" edge --site "$T/site" --listen "$PORT"
done_testing
