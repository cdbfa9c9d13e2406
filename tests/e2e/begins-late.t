#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# verify on histories that begin late: it accepts a file `shallow` that a label declares, and no
# other. The repositories are cut off with git alone, as a stranger would do it.
. "$(dirname "$0")/lib.sh"

command -v ssh-keygen >"$T/out" || skip_all "ssh-keygen is not installed"
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
now=1800000000

verify() { # REPO OPTION...
	"$EXPORTER" verify --repo "$@"
}
found() { # NAME PATTERN: passes if that failure was reported, and stderr is empty
	grep -qE "$2" "$T/out" && [ ! -s "$T/err" ]
	result $? "$1" || cat "$T/out" "$T/err" | diag
}
snapshot() { # REPO N OPTION...: a change, and a snapshot of it
	printf '{"public_id":"i%s","album_id":"a%s","title":"%s"}' $(($2 % 5)) $(($2 % 2)) "$2" >"$T/data/$(($2 % 5)).json"
	scan >"$T/out" 2>&1
	SOURCE_DATE_EPOCH=$((1700000000 + 60 * $2)) "$EXPORTER" export --index "$T/index" --repo "$T/$1" \
		"${@:3}" >"$T/out" 2>&1
}
number_snapshots() { # REPO: ${ids[N]} is the commit of snapshot N
	mapfile -t ids < <(echo && git -C "$T/$1" rev-list --reverse main)
}
declare_beginning() { # REPO FIRST "HELD..." [KEY [NAME]]: makes the label; numbers of the whole history
	local n
	{
		printf 'The history begins with snapshot %s.\n\nAlbumen-Pruned-Before: 2023-11-14T23:13:20Z\n' "$2"
		printf 'Albumen-First: %s %s\n' "$2" "${ids[$2]}"
		for n in $3; do printf 'Albumen-Held: %s %s\n' "$n" "${ids[$n]}"; done
		printf 'Albumen-Snapshot: %s\n' "$2"
		[ ! "${4:-}" ] || printf 'Albumen-Tree-SHA256: %s\n' "$("$ROOT/tests/tree-sha256" "$T/$1" "${ids[$2]}")"
	} | sed "${EDIT:-}" >"$T/message"
	GIT_COMMITTER_DATE="$now +0000" git -C "$T/$1" -c gpg.format=ssh ${4:+-c user.signingkey="$4"} \
		tag ${4:+-s} -a --cleanup=verbatim -F "$T/message" "${5:-pruned/20270115T080000Z}" "${ON:-${ids[$2]}}"
}
cut_off() { # REPO NUMBER...: writes `shallow`, and drops what git then does not reach
	local n
	for n in "${@:2}"; do echo "${ids[$n]}"; done | sort >"$T/$1/shallow"
	git -C "$T/$1" gc -q --prune=now
}
fresh() { # FROM: a copy to change
	rm -rf "$T/copy"
	cp -r "$T/$1" "$T/copy"
}

# Nine snapshots, all signed; 2, 3 and 7 have labels. And the same without signatures.
mkdir "$T/data"
ssh-keygen -q -t ed25519 -N '' -C key -f "$T/key"
ssh-keygen -q -t ed25519 -N '' -C stranger -f "$T/stranger"
echo "who@example.org $(cat "$T/key.pub")" >"$T/signers"
for n in {1..9}; do
	snapshot signed "$n" --sign "$T/key"
	case $n in
	2 | 3 | 7) SOURCE_DATE_EPOCH=$now "$EXPORTER" snapshot --repo "$T/signed" --label "held-$n" --reason why --sign "$T/key" >"$T/out" ;;
	esac
done
rm -rf "$T/data" "$T/index"
mkdir "$T/data"
for n in {1..9}; do snapshot plain "$n"; done
"$EXPORTER" snapshot --repo "$T/plain" --label held-2 --reason why --at HEAD~7 >"$T/out"
number_snapshots signed

# The labels and signers of a whole history.
exits "a whole history is good" 0 verify "$T/signed" --signers "$T/signers"
key=$(ssh-keygen -lf "$T/key.pub" | cut -d ' ' -f 2)
is "the report says who signed what, and names labels and dates" "$(sed 's/[0-9]* objects/N objects/' "$T/out")" \
	"snapshots 1 to 9, of 2023-11-14T22:14:20Z to 2023-11-14T22:22:20Z
signed by who@example.org with $key: 9 snapshots, 1 to 9, of 2023-11-14T22:14:20Z to 2023-11-14T22:22:20Z; 3 labels
label held-2: snapshot 2, made 2027-01-15T08:00:00Z, signed by who@example.org with $key
label held-3: snapshot 3, made 2027-01-15T08:00:00Z, signed by who@example.org with $key
label held-7: snapshot 7, made 2027-01-15T08:00:00Z, signed by who@example.org with $key
9 snapshots, the last is ${ids[9]}; N objects; 9 signed, all valid; 3 labels; 0 failures"
exits "so it does as JSON" 0 verify "$T/signed" --signers "$T/signers" --json
is "with the same facts" "$(jq -c '[.from_number, .to_number, .from_time, .to_time, .begin, .held, .notes, .signers, [.label_list[].label], .label_list[0]]' "$T/out")" \
	"$(jq -nc --arg key "$key" --arg id "${ids[2]}" '[1, 9, "2023-11-14T22:14:20Z", "2023-11-14T22:22:20Z", null, 0, [],
		[{signer: "who@example.org", key: $key, snapshots: 9, first_number: 1, last_number: 9, first_time: "2023-11-14T22:14:20Z",
			last_time: "2023-11-14T22:22:20Z", labels: 3}], ["held-2", "held-3", "held-7"],
		{label: "held-2", number: 2, commit: $id, time: "2027-01-15T08:00:00Z", signed: true, signer: "who@example.org", key: $key, written_anew: null}]')"
exits "without --signers keys are named, and not vouched for" 0 verify "$T/signed"
ok "in words, too" grep -q "^signed with $key (not checked): 9 snapshots, 1 to 9" "$T/out"

# A history that begins with snapshot 5; 2 and 3 are held.
fresh signed
declare_beginning copy 5 "2 3" "$T/key"
exits "a label of a prune that did not end is no failure" 0 verify "$T/copy" --signers "$T/signers"
ok "but it is said" grep -q '^the label pruned/20270115T080000Z declares that the history begins with snapshot 5, but earlier ones are there' "$T/out"
exits "in JSON, too" 0 verify "$T/copy" --json
is "as a note" "$(jq '.notes | length' "$T/out")" 1
cut_off copy 2 3 5
mv "$T/copy" "$T/late"
exits "what a label declares is good" 0 verify "$T/late" --signers "$T/signers"
ok "the report says where it begins" grep -q '^complete from snapshot 5 on, as the label pruned/20270115T080000Z declares; held besides: 2, 3$' "$T/out"
ok "and counts" grep -q "^5 snapshots, the last is ${ids[9]}; 2 held; .*; 7 signed, all valid; 4 labels; 0 failures$" "$T/out"
ok "by number" grep -q "^signed by who@example.org with $key: 7 snapshots, 2 to 9," "$T/out"
exits "as JSON" 0 verify "$T/late" --signers "$T/signers" --json
is "likewise" "$(jq -c '[.snapshots, .held, .from_commit, .from_number, .begin]' "$T/out")" \
	"[5,2,\"${ids[5]}\",5,{\"label\":\"pruned/20270115T080000Z\",\"number\":5,\"commit\":\"${ids[5]}\",\"before\":\"2023-11-14T23:13:20Z\",\"held\":[{\"number\":2,\"commit\":\"${ids[2]}\"},{\"number\":3,\"commit\":\"${ids[3]}\"}]}]"
exits "git finds nothing wrong" 0 git -C "$T/late" fsck --strict --no-progress
git clone -q "file://$T/late" "$T/clone"
exits "a clone of it is good" 0 verify "$T/clone" --signers "$T/signers"
git clone -q --mirror "file://$T/late" "$T/mirror"
exits "so is a mirror" 0 verify "$T/mirror" --signers "$T/signers"
exits "a part of it can be verified" 0 verify "$T/late" --from held-7 --to HEAD~1 --json
is "by itself" "$(jq -c '[.snapshots, .held, .from_number, .to_number]' "$T/out")" "[2,0,7,8]"
exits "a held snapshot does not begin a part" 1 verify "$T/late" --from held-2
found "as it is no part of main" "^${ids[2]}: the snapshot is held by itself, before the first one of main's line$"

# Snapshot 1 has no parent, and need not stand in `shallow`.
fresh signed
git -C "$T/copy" tag -d held-2 held-3 >"$T/none"
GIT_COMMITTER_DATE="$now +0000" git -C "$T/copy" -c gpg.format=ssh -c user.signingkey="$T/key" tag -s -a \
	-m "Why

Albumen-Snapshot: 1
Albumen-Tree-SHA256: $("$ROOT/tests/tree-sha256" "$T/copy" "${ids[1]}")" held-1 "${ids[1]}"
declare_beginning copy 5 1 "$T/key"
cut_off copy 5
exits "the very first snapshot can be held" 0 verify "$T/copy" --signers "$T/signers"
found "by itself" '; held besides: 1$'

# What no label declares.
tampered() { # NAME PATTERN [OPTION...]: the copy fails, with that line
	exits "$1" 1 verify "$T/copy" --signers "$T/signers" "${@:3}"
	found "$1: it is said" "$2"
}
fresh late
git -C "$T/copy" tag -d pruned/20270115T080000Z >"$T/none"
tampered "without the label" "^shallow: the clone is shallow: its history is cut off at the commit [0-9a-f]{40} and at others, and no label pruned/ declares that"
fresh late
echo "${ids[8]}" >>"$T/copy/shallow"
tampered "one line more" "^shallow: the history is cut off at the commit ${ids[8]}, which the label pruned/20270115T080000Z does not declare; remove that line, or"
ok "the history is verified as far as it goes" grep -q '^9 snapshots\|: the history ends here: the commit is missing$' "$T/out"
fresh late
sed -i "/${ids[3]}/d" "$T/copy/shallow"
tampered "one line less" "^shallow: the label pruned/20270115T080000Z declares that the history is cut off at snapshot 3, ${ids[3]}, which is not in the file; clone the repository again, with all its labels$"
fresh late
rm "$T/copy/shallow"
tampered "no file" "^${ids[4]}: the history ends here: the commit is missing$"
fresh late
echo >>"$T/copy/shallow"
echo x >>"$T/copy/shallow"
tampered "a line that is no id" "^shallow: .*has a line that is not the id of a commit"
fresh signed
EDIT="s/First: 5 .*/First: 5 ${ids[6]}/" declare_beginning copy 5 "2 3" "$T/key"
cut_off copy 2 3 5
tampered "a label that is on another commit" "^${ids[5]} refs/tags/pruned/20270115T080000Z: the label is damaged: it is not on the snapshot that it declares to be the first$"
found "and declares nothing" "^shallow: the history is cut off, and the label pruned/20270115T080000Z that declares it is not valid;"
fresh signed
EDIT='s/Snapshot: 5/Snapshot: 6/; s/First: 5/First: 6/' declare_beginning copy 5 "2 3" "$T/key"
cut_off copy 2 3 5
tampered "another number" "^${ids[5]} refs/tags/pruned/20270115T080000Z: the label says that it is of snapshot 6$|^${ids[5]}: it says that it is snapshot 5; it is number 6 of the line"
fresh signed
EDIT='s/2023-11-14T23:13:20Z/2023-11-14T22:13:20Z/' declare_beginning copy 5 "2 3" "$T/key"
cut_off copy 2 3 5
tampered "another time" "^${ids[5]} refs/tags/pruned/20270115T080000Z: the label declares that the first snapshot is that of 2023-11-14T22:13:20Z; it is of 2023-11-14T22:18:20Z$"
fresh late
tag=$(git -C "$T/copy" cat-file tag pruned/20270115T080000Z | sed 's/^Albumen-Held: 2 .*/Albumen-Held: 2 '"${ids[1]}/" |
	git -C "$T/copy" hash-object -t tag -w --stdin)
git -C "$T/copy" update-ref refs/tags/pruned/20270115T080000Z "$tag"
tampered "a label that was edited" "^${ids[5]} refs/tags/pruned/20270115T080000Z: the signature is not valid"
found "does not count" "^shallow: the history is cut off, and the label pruned/20270115T080000Z that declares it is not valid;"
fresh signed
declare_beginning copy 5 "2 3"
cut_off copy 2 3 5
tampered "a label that is not signed" "^shallow: the history is cut off, and the label pruned/20270115T080000Z that declares it is not valid; clone"
exits "likewise without --signers" 1 verify "$T/copy"
found "as the snapshots are signed" "^shallow: the history is cut off, and the label pruned/20270115T080000Z that declares it is not signed, and the snapshots are;"
fresh signed
declare_beginning copy 5 "2 3" "$T/stranger"
cut_off copy 2 3 5
tampered "a stranger's label" "^${ids[5]} refs/tags/pruned/20270115T080000Z: signed with a key that the signers' file does not allow"
found "a stranger's label does not count" "^shallow: the history is cut off, and the label pruned/20270115T080000Z that declares it is not valid;"
git clone -q --bare --single-branch --no-tags "file://$T/late" "$T/single"
exits "a clone without labels" 1 verify "$T/single"
fresh late
held=$(git -C "$T/copy" rev-parse 'held-2^{tree}')
rm -rf "$T/loose" && mkdir "$T/loose"
mv "$T/copy/objects/pack"/*.pack "$T/loose"
rm -f "$T/copy/objects/pack"/*
for pack in "$T/loose"/*.pack; do git -C "$T/copy" unpack-objects -q <"$pack"; done
rm -f "$T/copy/objects/${held:0:2}/${held:2}"
tampered "a tree of a held snapshot that is missing" "^${ids[2]}: tree $held is missing$"

# The same without signatures.
number_snapshots plain
fresh plain
declare_beginning copy 5 2
cut_off copy 2 5
exits "an unsigned history may begin late, too" 0 verify "$T/copy"
ok "by an unsigned label" grep -q '^complete from snapshot 5 on, as the label pruned/20270115T080000Z declares; held besides: 2$' "$T/out"
git -C "$T/copy" tag -d held-2 >"$T/none"
exits "a held snapshot that has lost its label is still verified" 0 verify "$T/copy"

# Two labels: the older one is on a snapshot that is now held.
fresh plain
declare_beginning copy 2 "" "" pruned/20260115T080000Z
declare_beginning copy 5 2
cut_off copy 2 5
exits "an older declaration may remain" 0 verify "$T/copy"
ok "the newer one counts" grep -q '^complete from snapshot 5 on' "$T/out"
done_testing
