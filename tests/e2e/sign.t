#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Signed snapshots and labels: plain git verifies them, an independent script computes the same
# SHA-256, maintenance keeps them, and a key that does not work changes nothing.
. "$(dirname "$0")/lib.sh"

image() { # NUMBER TITLE
	printf '{"public_id":"i%s","album_id":"a%s","title":"%s"}\n' "$1" "$(($1 % 7))" "$2" >"$T/data/$1.json"
}
sign_all() { # exports, and signs with $KEY
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" --sign "$KEY" "$@"
}
label() {
	"$EXPORTER" snapshot --repo "$T/repo" "$@"
}
signed_git() {
	git -C "$T/repo" -c gpg.ssh.allowedSignersFile="$T/allowed" "$@"
}
fsck() {
	git -C "$T/repo" fsck --strict --no-progress 2>&1
}
said() { # REV: prints the SHA-256 in its message
	git -C "$T/repo" log -1 --format='%(trailers:key=Albumen-Tree-SHA256,valueonly,separator=)' "$1"
}
refs() {
	git -C "$T/repo" for-each-ref --format='%(objectname) %(refname)'
	git -C "$T/repo" count-objects -v | grep -E '^(count|in-pack|garbage)'
}

ssh-keygen -q -t ed25519 -N '' -C exporter -f "$T/key"
ssh-keygen -q -t ed25519 -N secret -C locked -f "$T/locked"
ssh-keygen -q -t ecdsa -N '' -C other -f "$T/other"
for who in key locked other; do
	echo "$who@example.org namespaces=\"git\" $(cat "$T/$who.pub")"
done >"$T/allowed"
KEY=$T/key

# A line of snapshots; the first is not signed.
mkdir "$T/data"
for i in {0..19}; do
	image "$i" new
done
scan >"$T/out" && export_all >"$T/out"
ok "a snapshot without a key has no signature" not signed_git verify-commit main
ok "and the exporter keeps no digests" [ ! -e "$T/repo/albumen-exporter.digests" ]
for n in {1..50}; do
	image $((n % 20)) "change $n"
	[ "$n" = 25 ] && rm "$T/data/3.json"
	scan >"$T/out" && sign_all >"$T/out"
	[ "$n" = 10 ] && label --label early --reason "Kept: the tenth" --sign "$KEY" >"$T/label"
done
is "snapshot prints the commit of the label" "$(cat "$T/label")" "label early: snapshot $(git -C "$T/repo" rev-parse main~40)"
mapfile -t revs < <(git -C "$T/repo" rev-list main~50..main)
ok "git verifies every signed snapshot" signed_git verify-commit "${revs[@]}"
is "git log shows who signed" "$(signed_git log -1 --show-signature --format=%s main 2>&1 | sed 's/ED25519.*//')" \
	"Good \"git\" signature for key@example.org with 
$(git -C "$T/repo" log -1 --format=%s main)"
bad=0
for rev in main main~1 main~24 main~25 main~26 main~49; do
	[ "$("$ROOT/tests/tree-sha256" "$T/repo" "$rev")" = "$(said "$rev")" ] || bad=$rev
done
is "the script computes the SHA-256 of each message" "$bad" 0

# Labels.
exits "an older snapshot can be labelled" 0 label --label 2026/q1 --reason "First quarter" --at main~30 --sign "$T/other" --json
is "--json prints the label" "$(jq -c '[.label, .signed, .commit]' "$T/out")" \
	"[\"2026/q1\",true,\"$(git -C "$T/repo" rev-parse main~30)\"]"
SOURCE_DATE_EPOCH=4000000000 exits "a label need not be signed" 0 label --label plain --reason $'Why\n\nIn two paragraphs'
is "the git tag has the reason" "$(git -C "$T/repo" tag -n9 -l plain | tr '\n' '|')" \
	"plain           Why|    |    In two paragraphs|    |    Albumen-Snapshot: 51|"
is "and the time" "$(git -C "$T/repo" for-each-ref --format='%(taggerdate:unix)' refs/tags/plain)" 4000000000
ok "git verifies the signed labels" signed_git verify-tag early 2026/q1
is "a signed label has the SHA-256" "$(git -C "$T/repo" cat-file tag 2026/q1 | sed -n 's/^Albumen-Tree-SHA256: //p')" \
	"$("$ROOT/tests/tree-sha256" "$T/repo" main~30)"
refs >"$T/before"
exits "a label is never moved" 1 label --label early --reason "Another" --sign "$KEY"
ok "the message says why" grep -q "there is a label 'early' already" "$T/err"
exits "a name that git does not accept is refused" 2 label --label 'a..b' --reason "Why"
exits "so is one that --at would read as a time" 2 label --label 2026-01-31 --reason "Why"
exits "so is an empty reason" 2 label --label later --reason " "
refs >"$T/after"
same "nothing has changed" "$T/after" "$T/before"

# Maintenance keeps signatures and labels.
is "git fsck finds nothing in merged packs" "$(fsck)" ""
exits "maintain" 0 "$EXPORTER" maintain --repo "$T/repo"
is "git fsck finds nothing in one pack" "$(fsck)" ""
is "there are no loose objects and no garbage" "$(git -C "$T/repo" count-objects -v | grep -E '^(count|garbage):' | tr '\n' ' ')" \
	"count: 0 garbage: 0 "
ok "git verifies the labels after it" signed_git verify-tag early 2026/q1
is "the labels are where they were" "$(git -C "$T/repo" rev-parse 'early^{commit}')" "$(git -C "$T/repo" rev-parse main~40)"

# The branch is set back, and only labels keep what was there.
tree=$(git -C "$T/repo" rev-parse 'early^{tree}')
git -C "$T/repo" update-ref refs/heads/main "$(git -C "$T/repo" rev-parse main~50)"
rm -rf "$T/repo/albumen-exporter.digests"
exits "maintain after the branch was set back" 0 "$EXPORTER" maintain --repo "$T/repo"
is "what a label keeps is there" "$(git -C "$T/repo" rev-parse 'early^{tree}')$(fsck)" "$tree"
scan >"$T/out" && sign_all --accept history >"$T/out"
is "the next snapshot is signed like any other" "$("$ROOT/tests/tree-sha256" "$T/repo" main)" "$(said main)"

# Keys that do not work.
image 1 "not to be committed"
scan >"$T/out"
refs >"$T/before"
export SSH_ASKPASS=/bin/false SSH_ASKPASS_REQUIRE=force DISPLAY=:0
KEY=$T/locked
exits "a key with a passphrase and no agent is refused" 1 sign_all
ok "the message names it, and what to do" grep -q "the key '$T/locked' has a passphrase, and no agent holds it; run ssh-add" "$T/err"
exits "so it is at a terminal" 1 timeout 30 script -qec \
	"'$EXPORTER' export --index '$T/index' --repo '$T/repo' --sign '$KEY'" "$T/terminal" </dev/null
ok "and nobody is asked" not grep -qi "enter passphrase" "$T/terminal"
KEY=$T/nosuch
exits "a missing key is refused" 1 sign_all
ok "the message names it" grep -q "cannot read the key '$T/nosuch'" "$T/err"
cp "$T/locked.pub" "$T/alone.pub"
KEY=$T/alone.pub
exits "a public key that no agent holds is refused" 1 sign_all
ok "the message names it, too" grep -q "the key '$T/alone.pub'.*whose private half an agent holds" "$T/err"
exits "it cannot sign a label, either" 1 label --label never --reason Why --sign "$KEY"
KEY=$T/key
exits "without ssh-keygen no export is signed" 1 env PATH=/nonexistent "$EXPORTER" export --index "$T/index" --repo "$T/repo" --sign "$KEY" "$@"
ok "the message names ssh-keygen" grep -q "cannot run 'ssh-keygen'" "$T/err"
refs >"$T/after"
same "nothing was committed" "$T/after" "$T/before"
unset SSH_ASKPASS_REQUIRE

# An agent.
eval "$(ssh-agent -a "$T/agent")" >"$T/out"
echo "$SSH_AGENT_PID" >"$T/agent.pid"
printf '#!/bin/sh\necho secret\n' >"$T/ask"
chmod +x "$T/ask"
SSH_ASKPASS=$T/ask SSH_ASKPASS_REQUIRE=force ssh-add -q "$T/locked" </dev/null
KEY=$T/alone.pub
export ALBUMEN_SIGN=$KEY
exits "an agent signs for a public key that ALBUMEN_SIGN names" 0 \
	"$EXPORTER" export --index "$T/index" --repo "$T/repo"
unset ALBUMEN_SIGN
ok "git verifies the signature" signed_git verify-commit main
is "it is of that key" "$(signed_git log -1 --format=%GS main)" locked@example.org
image 1 "by the locked key's file"
scan >"$T/out"
KEY=$T/locked
exits "an agent signs for the file of the private key" 0 sign_all
is "it is of that key, too" "$(signed_git log -1 --format=%GS main)" locked@example.org
kill "$SSH_AGENT_PID"

# follow
KEY=$T/other
start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site" --sign "$KEY"
tip=$(git -C "$T/repo" rev-parse main)
moved() { [ "$(git -C "$T/repo" rev-parse main)" != "$tip" ]; }
image 1 "followed"
scan >"$T/out"
ok "follow makes a snapshot" wait_until 10 moved
ok "follow ends with status 0" stop follow
is "the snapshot is signed" "$(signed_git log -1 --format=%GS main)" other@example.org
is "and has its SHA-256" "$("$ROOT/tests/tree-sha256" "$T/repo" main)" "$(said main)"
is "git fsck finds nothing" "$(fsck)" ""

# A key is checked at the start, also where nothing is to be signed.
KEY=$T/other
sign_all >"$T/out"
exits "with a good key there is nothing to do" 0 sign_all
is "and nothing is signed to check it" "$(strace -f -qq -e trace=execve -o "$T/trace" \
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" --sign "$KEY" >"$T/out" 2>&1; grep -c -- '"-Y"' "$T/trace")" 0
is "it is one process" "$(grep -c 'execve.*ssh-keygen.* = 0' "$T/trace")" 1
refs >"$T/before"
mkdir "$T/folder"
echo "not a key" >"$T/garbage"
sed -n 's|^SetCredential=key:||p' "$ROOT/data/systemd/albumen-exporter@.service" >"$T/credential"
cp "$T/other" "$T/open" && chmod 644 "$T/open"
cp "$T/key.pub" "$T/lonely.pub"
cp "$T/locked" "$T/mixed" && cp "$T/key.pub" "$T/mixed.pub"
cp "$T/other" "$T/pair" && cp "$T/key.pub" "$T/pair.pub"
unset SSH_AUTH_SOCK
checks() { # KEY REASON COMMAND...
	local key=$1 reason=$2
	shift 2
	exits "$1: ${key##*/} is refused" 1 timeout 60 "$EXPORTER" "$@" --sign "$key"
	ok "$1: the reason" grep -q -- "$reason" "$T/err"
	is "$1: and no other" "$(wc -l <"$T/err")" 1
}
while read -r key reason; do
	key=$T/$key
	reason=${reason//KEY/$key}
	checks "$key" "$reason" export --index "$T/index" --repo "$T/repo"
	checks "$key" "$reason" export --index "$T/index" --repo "$T/new"
	checks "$key" "$reason" follow --index "$T/index" --repo "$T/repo"
	checks "$key" "$reason" snapshot --repo "$T/repo" --label never --reason why
done <<-EOF
	nosuch cannot sign: cannot read the key 'KEY': No such file
	folder cannot sign: the key 'KEY' is not a file
	garbage cannot sign with the key 'KEY': it is not an OpenSSH key; name the file
	credential cannot sign: there is no /etc/albumen/NAME.key, of which 'KEY' is to be a copy; put the key there
	locked cannot sign: the key 'KEY' has a passphrase, and no agent holds it; run ssh-add
	mixed cannot sign: the key 'KEY' has a passphrase, and no agent holds it; run ssh-add
	open cannot sign: others may read the private key 'KEY', so ssh-keygen ignores it; run: chmod 600 'KEY'
	lonely.pub cannot sign with the key 'KEY': no agent holds its private half; name the file
	pair.pub cannot sign with the key 'KEY': no agent holds its private half; name the file
EOF
ok "no repository was made" [ ! -e "$T/new" ]
refs >"$T/after"
same "nothing was committed" "$T/after" "$T/before"
image 1 "by the public key"
scan >"$T/out"
KEY=$T/other.pub
exits "a public key with its private one beside it signs" 0 sign_all
is "it is of that key" "$(signed_git log -1 --format=%GS main)" other@example.org
eval "$(ssh-agent -a "$T/agent2")" >"$T/out"
echo "$SSH_AGENT_PID" >"$T/agent.pid"
KEY=$T/lonely.pub
exits "an agent that does not hold the key" 1 sign_all
ssh-add -q "$T/key"
KEY=$T/lonely.pub
exits "that holds it, with nothing to do" 0 sign_all
SSH_ASKPASS=$T/ask SSH_ASKPASS_REQUIRE=force ssh-add -q "$T/locked" </dev/null
KEY=$T/locked
exits "that holds the key of the file" 0 sign_all
image 1 "by the agent"
scan >"$T/out"
KEY=$T/lonely.pub
exits "that signs" 0 sign_all
is "it is of that key" "$(signed_git log -1 --format=%GS main)" key@example.org
kill "$SSH_AGENT_PID"
done_testing
