#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# data/recipes/mirror-live-api copies a live API, and albumen answers as it did.
. "$(dirname "$0")/lib.sh"

mirror() { "$ROOT/data/recipes/mirror-live-api" --token "$T/token" "http://127.0.0.1:$port" "$T/data" "$@"; }
control() { printf '%s\n' "$1" >"$T/api/control.json"; }
asked() { grep -c "^/api/v1/$1" "$T/api/requests"; }
files() { (cd "$T/data" && sha256sum -- *.json); }
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

port=$(free_port)
mkdir "$T/api"
control '{}'
spawn api "$PYTHON" "$ROOT/tests/e2e/live_api.py" "$port" "$T/api"
ok "the API listens" wait_until 30 listening
(umask 077 && echo 'abc.DEF-123_x' >"$T/token")

# --- all of it ---------------------------------------------------------------------------

exits "all albums are fetched" 0 mirror
is "and counted" "$(<"$T/out")" 'albums: 8 fetched, 8 of them changed, 0 not fetched'
is "nothing else is said" "$(<"$T/err")" ''
is "each request has the token" "$(grep -vc ' Token token="abc.DEF-123_x"$' "$T/api/requests")" 0
is "which is not written down" "$(grep -rl 'abc.DEF-123_x' "$T/data")" ''
is "an album's file is named like its answers" "$(cd "$T/data" && ls -d of*)" \
	'of%205%20%25%20%26%20%28a%2Fb%29%27s.json'
is "all pages of a listing are there" \
	"$(jq -c '[.[] | .public_id // .id]' "$T/data/linked.json" "$T/data/numbered.json")" \
	'["linked-0","linked-1","linked-2","linked-3","linked-4","t-linked-1","t-linked-4"]
["numbered-0","numbered-1","numbered-2","numbered-3","numbered-4","t-numbered-3"]'
is "many ids are several requests" "$([ "$(asked tag_images)" -gt 8 ]; echo $?)" 0
exits "nothing of it is rejected" 0 scan
ok "it is exported" export_all
recorded() { # FILE: the recorded body, as Rails wrote it
	sed -n '/#### Body/,$p' "$ROOT/tests/fixtures/recorded/$1" |
		sed -z 's/.*<pre>//; s/<.pre>.*//; s/\n *//g; s/\([{,]"[a-z0-9_]*":\) /\1/g; s/&/\\u0026/g'
}
is "the recorded answers are given again: untagged images" \
	"$(<"$T/site/api/v1/albums/00324000005TXjIAAW/images/untag.json")" "$(recorded untag.md)"
is "and tag images" "$(<"$T/site/api/v1/tag_images/885999a5-58a5-406a-bc8e-2ac5420d60a3.json")" \
	"$(recorded tag-images.md)"
is "the images of all albums are there" "$("$INDEXER" status --index "$T/index" --json | jq .images)" 56

# --- again -------------------------------------------------------------------------------

files >"$T/before"
exits "a second run" 0 mirror
is "changes nothing" "$(<"$T/out")" 'albums: 8 fetched, 0 of them changed, 0 not fetched'
control '{"removed": ["linked-3"], "unlisted": ["empty"]}'
exits "an image and an album are gone" 0 mirror
is "the image goes from its file" "$(jq '[.[] | select(.public_id == "linked-3")] | length' "$T/data/linked.json")" 0
is "the album is named" "$(<"$T/err")" \
	'mirror-live-api: album empty is no longer listed, but its file stays: --delete removes it'
echo '[]' >"$T/data/mine.json"
exits "with --delete" 0 mirror --delete
is "its file goes" "$([ -e "$T/data/empty.json" ]; echo $?)" 1
is "and nobody else's" "$(<"$T/data/mine.json") $(<"$T/err")" \
	'[] mirror-live-api: album empty is no longer listed: its file is removed'
rm "$T/data/mine.json"

# --- failures ----------------------------------------------------------------------------

control '{"faults": {"/api/v1/albums/linked/images": [503, "cut"], "/api/v1/tag_images": [[429, {"Retry-After": "1"}], "drop"]}}'
exits "what fails for a while is tried again" 0 mirror
is "and all is as before" "$(files)" "$(<"$T/before")"

late='[503, {"Retry-After": "86400"}]'
control "$(jq -nc --argjson late "$late" '{removed: ["wide-" + "0" * 189 + "7"], counts: {numbered: 6}, faults: {
	"/api/v1/albums/00324000004ijWS/images": [$late],
	"/api/v1/albums/00324000005TXjIAAW/images": [403],
	"/api/v1/albums/linked/images": ["<html>"],
	"/api/v1/albums/empty/images": [[302, {"Location": "http://127.0.0.1/"}]],
	"/api/v1/albums/of%205%20%25%20%26%20%28a%2Fb%29%27s/images": [[200, {"Link": "<http://other.example.org/>; rel=next"}]],
	"/api/v1/tag_images": [404, 404]}}')"
exits "albums that cannot be fetched" 3 mirror
sort "$T/err" >"$T/reasons"
cat >"$T/want" <<'END'
mirror-live-api: album 00324000004ijWS is not fetched: the API answers 503
mirror-live-api: album 00324000005TXjIAAW is not fetched: the API answers 403
mirror-live-api: album empty is not fetched: the API answers 302: give the URL that it redirects to
mirror-live-api: album linked is not fetched: the answer is no JSON array
mirror-live-api: album numbered is not fetched: 5 images of the 6 that the list of albums counts (to take them as they are, name the album)
mirror-live-api: album of%205%20%25%20%26%20%28a%2Fb%29%27s is not fetched: the next page is on another server
mirror-live-api: album strict is not fetched: the API answers 404
mirror-live-api: album wide is not fetched: the API answers 404
END
same "are named, with the reasons" "$T/reasons" "$T/want"
is "are counted" "$(<"$T/out")" 'albums: 0 fetched, 0 of them changed, 8 not fetched'
is "and keep their files" "$(files)" "$(<"$T/before")"
exits "an album that is named is taken as it is" 0 mirror numbered
is "alone" "$(<"$T/out")" 'albums: 1 fetched, 0 of them changed, 0 not fetched'
exits "also where there is no second page" 0 mirror strict

control "$(jq -nc '{faults: {"/api/v1/albums/empty/images": ["bomb"],
	"/api/v1/albums/linked/images": [range(100) | [200, {Link: "<?from=\(.)>; rel=next"}, "[]"]]}}')"
exits "albums without an end" 3 mirror
sort "$T/err" >"$T/reasons"
cat >"$T/want" <<'END'
mirror-live-api: album empty is not fetched: an answer is larger than 256 MiB
mirror-live-api: album linked is not fetched: a hundred pages in a row have nothing new
END
same "are named, too" "$T/reasons" "$T/want"
is "and keep their files, too" "$(files)" "$(<"$T/before")"

control '{"faults": {"/api/v1/albums": ["[]"]}}'
exits "an empty list of albums" 1 mirror --delete
is "removes nothing" "$(files)" "$(<"$T/before")"
control '{"faults": {"/api/v1/albums": ["{\"error\": \"no\"}"]}}'
exits "a list of albums that is none" 1 mirror
control '{"faults": {"/api/v1/albums": ["[{\"public_id\": \"linked\"}, {\"public_id\": \"\"}]"]}}'
exits "a list with an album without a name" 1 mirror --delete
is "removes nothing, either" "$(files)" "$(<"$T/before")"
control '{"faults": {"/api/v1/albums/linked/images": ["[{\"id\": \"\"}]", "[]"]}, "counts": {"linked": 1}}'
exits "an image without a name is taken as it is" 0 mirror
is "and does not end the run" "$(<"$T/out")" 'albums: 8 fetched, 1 of them changed, 0 not fetched'
control '{}'
exits "and goes with the next one" 0 mirror
is "which has all as before" "$(files)" "$(<"$T/before")"
control "{\"faults\": {\"/api/v1/albums\": [$late]}}"
exits "an API that does not answer" 75 mirror

# --- stopped -----------------------------------------------------------------------------

rm -rf "$T/data"
control "$(jq -nc --argjson late "$late" '{faults: {
	"/api/v1/albums/empty/images": [$late],
	"/api/v1/albums/linked/images": [$late],
	"/api/v1/albums/numbered/images": [$late]}}')"
exits "an API that answers no more ends the run" 75 mirror
is "with what it has" "$(files | wc -l)" 2
: >"$T/api/requests"
control '{}'
exits "the next run goes on" 0 mirror
is "where the first was" "$(<"$T/out")" 'albums: 6 fetched, 6 of them changed, 0 not fetched'
is "without a request for what is there" "$(asked 'albums/00324000')" 0
is "and all is there" "$(files)" "$(<"$T/before")"

rm -rf "$T/data"
control '{"faults": {"/api/v1/albums/numbered/images": [[503, {"Retry-After": "60"}]]}}'
spawn killed "$ROOT/data/recipes/mirror-live-api" --token "$T/token" "http://127.0.0.1:$port" "$T/data"
ok "a run has some albums" wait_until 60 grep -qx linked "$T/data/.mirror/done"
kill -KILL -- "-$(<"$T/killed.pid")"
stop killed KILL
is "and is killed" "$([ -e "$T/data/numbered.json" ]; echo $?)" 1
control '{}'
exits "the next one goes on" 0 mirror
is "with the others" "$(<"$T/out")" 'albums: 4 fetched, 4 of them changed, 0 not fetched'
is "and all is there" "$(files)" "$(<"$T/before")"

control '{"faults": {"/api/v1/albums/linked/images": [401]}}'
exits "a token that the API refuses ends the run" 1 mirror
is "with a reason" "$(tail -n 1 "$T/err")" 'mirror-live-api: the API refuses the token (401): an expired one?'
mkfifo "$T/hold"
flock "$T/data/.mirror/lock" cat "$T/hold" &
exec 5>"$T/hold" # opens when flock has the lock
exits "another run at work" 75 mirror
exec 5>&-
wait $!
exits "and then no longer" 0 mirror

# --- refused -----------------------------------------------------------------------------

chmod 644 "$T/token"
exits "a token that everybody may read" 1 mirror
chmod 600 "$T/token"
mkdir "$T/other" && touch "$T/other/mine.json"
refused() { # NAME STATUS ARGUMENT...
	exits "$1" "$2" "$ROOT/data/recipes/mirror-live-api" "${@:3}"
}
refused "a folder of other things" 1 --token "$T/token" "http://127.0.0.1:$port" "$T/other"
is "in which nothing is changed" "$(ls -A "$T/other")" mine.json
refused "a token over plain http" 2 --token "$T/token" http://api.example.org "$T/new"
refused "a name and a password in the URL" 2 --token "$T/token" https://a:b@api.example.org "$T/new"
refused "no token" 2 "http://127.0.0.1:$port" "$T/new"
printf 'two tokens' >"$T/token"
refused "a file of something else" 1 --token "$T/token" "http://127.0.0.1:$port" "$T/new"
is "after all that nothing is left" "$([ -e "$T/new" ]; echo $?)" 1
done_testing
