#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Worker, under workerd: who may see what. tests/model/tokens.py knows it from the manual.
. "$(dirname "$0")/../e2e/lib.sh"
. "$ROOT/tests/worker/lib.sh"

tokens=$ROOT/tests/model/tokens.py
seed=${ALBUMEN_SEED:-$RANDOM}
"$PYTHON" "$tokens" make "$T/data" "$T/keys.json"
scan >/dev/null
export_all --collections --audit-page >/dev/null
: >"$T/site/api/v1/tag_images/huge.oversize"
KEYS=$(<"$T/keys.json")
own=$("$PYTHON" "$tokens" sign '{"abilities":{"own":{"Access":{"image_list":true}}}}')
call=/api/v1/albums/own/images
ok "a Worker that wants tokens runs" worker tokens --site "$T/site" --tokens "$T/keys.json" -- \
	ALBUMEN_DISK="$T/site" ALBUMEN_TOKEN_KEYS="$KEYS"
is "no secret is in it" "$(grep -c s3cret "$T/tokens.js")" 0
ok "every kind of token, every damage, every request, and 10,000 more (seed $seed)" \
	"$PYTHON" "$tokens" ask --url "$URL" --site "$T/site" --seed "$seed" --as-sent
etag=$(ask "$call?token=$own" >/dev/null && header ETag)
is "an answer that is still right needs a token, too" "$(ask $call -H "If-None-Match: $etag") $(
	ask $call -H "If-None-Match: $etag" -H "Authorization: Bearer $own")" "401 304"
ask "/audit?token=$own" >"$T/out"
for path in "$call?token=$own" "/nope?token=$own" "/%zz?token=$own" "/api/v1/tag_images?token=$own&image_ids[]=huge"; do
	ask "$path" >>"$T/answers"
	cat "$T/body" "$T/head" >>"$T/answers"
done
is "no answer and no log has a token" "$(cat "$T/answers" "$T/tokens.log" | grep -c "${own##*.}")" 0
stop tokens
ok "the secret alone makes a Worker want tokens" worker secret --site "$T/site" -- \
	ALBUMEN_DISK="$T/site" ALBUMEN_TOKEN_KEYS="$KEYS"
is "without one everything is refused" "$(ask $call) $(ask /nope) $(ask "$call?token=$own")" "401 401 200"
stop secret
ok "a Worker without its secret runs" worker bare --site "$T/site" --tokens "$T/keys.json" -- ALBUMEN_DISK="$T/site"
is "and refuses everything" "$(ask "$call?token=$own") $(ask /nope)" "401 401"
is "with no other answer than for a wrong token" "$(header X-message) $(wc -c <"$T/body")" "Access denied 0"
is "but not /healthz" "$(ask /healthz)" 503
ok "the log says why" wait_until 10 grep -q 'the secret ALBUMEN_TOKEN_KEYS is missing or no JSON object: all requests are refused' "$T/bare.log"
stop bare
for text in '' '{' '[]' 'null' '{"us":null}' '{"us":""}' '{"us":["s3cret"]}'; do
	worker odd --site "$T/site" -- ALBUMEN_DISK="$T/site" ALBUMEN_TOKEN_KEYS="$text"
	is "nobody is answered with the secret '$text'" "$(ask "$call?token=$own") $(ask $call)" "401 401"
	case $text in
	'{"'*) ;;
	*) ok "and the log says why" wait_until 10 grep -q 'ALBUMEN_TOKEN_KEYS is missing or no JSON object' "$T/odd.log" ;;
	esac
	stop odd
done

# A response that is too large to be kept, and whose album has to be found out first: its file is
# read again once that is known.
cp -r "$T/site" "$T/wide"
"$PYTHON" - "$T/wide/api/v1/tag_images" <<-'EOF'
	import sys
	tag_image = '{"id":"%d","image":{"id":"%s","album_id":"%s"},"note":"' + "x" * 1000 + '"}'
	for image, album in ("mine", "own"), ("yours", "other"):
	    with open(f"{sys.argv[1]}/{image}.json", "w") as file:
	        file.write("[" + ",".join(tag_image % (n, image, album) for n in range(6000)) + "]")
EOF
ok "a Worker over it runs" worker wide --site "$T/wide" -- ALBUMEN_DISK="$T/wide" ALBUMEN_TOKEN_KEYS="$KEYS"
is "a large response of an allowed album" "$(ask "$(query mine)&token=$own")" 200
ok "its bytes are right" cmp "$T/body" "$T/wide/api/v1/tag_images/mine.json"
is "joined" "$(ask "$(query t-0 mine)&token=$own")" 200
joined "$T/wide" t-0 mine >"$T/want"
ok "its bytes are right, too" cmp "$T/body" "$T/want"
is "and of another" "$(ask "$(query yours)&token=$own") $(ask "$(query mine yours)&token=$own")" "401 401"
stop wide
done_testing
