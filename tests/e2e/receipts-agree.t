#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The receipts of `receipt` are those that albumen(7) describes: check-receipt, which was
# written from that page, accepts them, and make_receipt.py, which was, too, makes the same bytes.
. "$(dirname "$0")/lib.sh"
CHECK=$ROOT/tests/check-receipt
MAKE=$ROOT/tests/model/make_receipt.py

for type in ed25519 ecdsa rsa; do
	ssh-keygen -q -t "$type" -N '' -C '' -f "$T/$type" || exit 1
	printf '%s@example.org namespaces="git" %s\n' "$type" "$(cat "$T/$type.pub")"
done >"$T/allowed"

# Each id is an image and an album.
ids=(one "a/b.$'&" x%41 .. "$(printf 'x%.0s' {1..200})" "$(printf '.%.0s' {1..80})"
	"{<\"\\>}" $'\u00e9\u2028\U0001f4f7' $'e\u0301' "+ +" 5 "?&=#")
mkdir "$T/data"
for id in "${ids[@]}" wide; do
	jq -cn --arg id "$id" '{id: $id, public_id: "other", album_id: $id,
		text: "\u007f\u0085\u0001\n\t<&>\u2028\"\\/\u00e9"}, {id: $id, image_id: $id, tag_id: "g"}'
done >"$T/data/odd.ndjson"
{
	for n in {1..500}; do
		echo "{\"public_id\":\"i$n\",\"album_id\":\"wide\"}"
		[ $((n % 3)) = 0 ] || echo "{\"id\":\"t$n\",\"image_id\":\"i$n\",\"tag_id\":\"g\"}"
	done
	echo '{"id":"g","name":"n","label":"l <&>"}'
	deep=$(printf '[%.0s' {1..511})
	echo "{\"public_id\":\"deep\",\"album_id\":\"deep\",\"deep\":$deep${deep//\[/]}}"
	echo "{\"public_id\":\"number\",\"album_id\":\"deep\",\"id\":5,\"n\":[0.0,1e999,$(printf '9%.0s' {1..6000})]}"
	echo '{"public_id":"twice","album_id":"deep","deeper":{"a":1,"a":2}}'
	for id in deep number twice; do
		echo "{\"id\":\"t-$id\",\"image_id\":\"$id\",\"tag_id\":\"g\"}"
	done
} >"$T/data/more.ndjson"

encode() { # an id as jq encodes it: with lower case letters, or less than needed, it is the same
	jq -rn --arg id "$1" '$id | @uri'
}
requests=()
every=
for id in "${ids[@]}" deep number twice i3 nobody; do
	name=$(encode "$id")
	requests+=("/api/v1/tag_images?image_ids[]=$name" "/api/v1/albums/$name/images"
		"/api/v1/albums/$name/images/untag")
	every+="&image_ids[]=$name"
done
requests+=("/api/v1/tag_images?${every:1}" "/api/v1/tag_images?${every:1}$every"
	"/api/v1/albums/wide/images" "/api/v1/albums/wide/images/untag")
many=$(printf '&image_ids[]=i%s' {500..1})
requests+=("/api/v1/tag_images?${many:1}")

agree() { # NAME COMMIT SIGNER: all receipts of a commit
	local request n=0
	for request in "${requests[@]}"; do
		n=$((n + 1))
		"$EXPORTER" receipt --repo "$T/repo" --at "$2" "$request" >"$T/r" || return 1
		"$CHECK" "$T/r" "$T/allowed" >"$T/said" || return 1
		grep -q "signed by $3@example.org in commit $2" "$T/said" || return 1
		cat "$T/r" >>"$T/$1"
	done
	"$PYTHON" "$MAKE" again "$T/repo" "$2" <"$T/$1" >"$T/canonical" &&
		[ "$(wc -l <"$T/canonical")" = "$n" ]
}
tip() { git -C "$T/repo" rev-parse main; }

scan >"$T/log"
export_all --sign "$T/ed25519" >>"$T/log" 2>&1
first=$(tip)
ok "the receipts of a snapshot" agree first "$first" ed25519

rm "$T/data/odd.ndjson"
scan --accept-withdrawal >>"$T/log"
export_all --sign "$T/rsa" >>"$T/log" 2>&1
second=$(tip)
ok "what it had is unknown in the next, which RSA signs" agree second "$second" rsa
ok "the first still has its own" agree again "$first" ed25519
same "with the same bytes" "$T/again" "$T/first"
ok "the bytes of the second are others" not cmp -s "$T/first" "$T/second"

jq -cn '{public_id: "new", album_id: "one"}' >"$T/data/new.json"
eval "$(ssh-agent -s)" >/dev/null
echo "$SSH_AGENT_PID" >"$T/agent.pid"
ssh-add -q "$T/ecdsa"
mv "$T/ecdsa" "$T/away"
scan >>"$T/log"
export_all --sign "$T/ecdsa.pub" >>"$T/log" 2>&1
third=$(tip)
ok "an agent signs the third, with ECDSA" agree third "$third" ecdsa
kill "$SSH_AGENT_PID"

"$EXPORTER" receipt --repo "$T/repo" "${requests[0]}" >"$T/r"
is "without --at it is the last" "$(jq -r .commit "$T/r")" "$third"
exits "a key that is not allowed proves nothing" 1 "$CHECK" "$T/r" <(grep ^rsa "$T/allowed")
done_testing
