#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# verify on snapshots that an erasure wrote anew: they keep their times, and are signed at that of
# the label that declares it. The histories are written anew with git alone, as a stranger would.
. "$(dirname "$0")/lib.sh"

command -v ssh-keygen >"$T/out" || skip_all "ssh-keygen is not installed"
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
erased_s=1800000000 # 2027-01-15T08:00:00Z
name=erased/20270115T080000Z

signed_git() { # KEY ARGUMENT...
	git -C "$T/copy" -c gpg.format=ssh -c user.signingkey="$1" "${@:2}"
}
verify() { # OPTION...
	"$EXPORTER" verify --repo "$T/copy" --signers "$T/signers" "$@"
}
found() { # NAME PATTERN: passes if that failure was reported, and stderr is empty
	grep -qE "$2" "$T/out" && [ ! -s "$T/err" ]
	result $? "$1" || cat "$T/out" "$T/err" | diag
}
bad() { # NAME PATTERN
	exits "$1" 1 verify
	found "$1: it is said" "$2"
}
snapshot() { # N KEY [OPTION...]
	printf '{"public_id":"i%s","album_id":"a","title":"%s"}' $(($1 % 3)) "$1" >"$T/data/$(($1 % 3)).json"
	scan >"$T/out" 2>&1
	SOURCE_DATE_EPOCH=$((1700000000 + 60 * $1)) "$EXPORTER" export --index "$T/index" --repo "$T/repo" --sign "$T/$2" \
		"${@:3}" >"$T/out" 2>&1
}
# Writes main anew from snapshot FROM on, signed with KEY; SKIP: this one does not say what it was.
write_anew() { # FROM KEY
	local n date new parent
	rm -rf "$T/copy"
	cp -r "$T/repo" "$T/copy"
	mapfile -t old < <(echo && git -C "$T/copy" rev-list --reverse main)
	new=("${old[@]}")
	for ((n = $1; n < ${#old[@]}; n++)); do
		git -C "$T/copy" log -1 --format=%B "${old[$n]}" | sed '/^$/{$d}' >"$T/message"
		[ "$n" = "${SKIP:-}" ] || echo "Albumen-Was: ${WAS:-${old[$n]}}" >>"$T/message"
		date="$(git -C "$T/copy" log -1 --format=%ct "${old[$n]}") +0000"
		parent=()
		[ "$n" = 1 ] || parent=(-p "${new[$((n - 1))]}")
		new[n]=$(GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date signed_git "$T/$2" commit-tree -S "${parent[@]}" \
			-F "$T/message" "${old[$n]}^{tree}")
	done
	git -C "$T/copy" update-ref refs/heads/main "${new[-1]}"
	git -C "$T/copy" tag -d people >"$T/none"
	ids=("${new[@]}")
}
tag() { # KEY NAME NUMBER TIME, trailers on stdin: a label of that snapshot
	{
		printf 'Why.\n\n'
		sed "/^Albumen-Was/!b;w $T/was
			d"
		printf 'Albumen-Snapshot: %s\nAlbumen-Tree-SHA256: %s\n' "$3" "$("$ROOT/tests/tree-sha256" "$T/copy" "${ids[$3]}")"
		cat "$T/was" 2>"$T/none"
	} >"$T/message"
	rm -f "$T/was"
	GIT_COMMITTER_DATE="$4 +0000" signed_git "$T/$1" tag -f -s --cleanup=verbatim -F "$T/message" "$2" "${ids[$3]}" >"$T/none"
}
declare_erasure() { # KEY FROM NUMBER [TIME [NAME]]
	printf 'Albumen-Erased-From: %s\nAlbumen-Erased-Old: %s\nAlbumen-Erased-New: %s\nAlbumen-Erased-Snapshots: %s\nAlbumen-Erased-Answers: 3\n' \
		"$2" "${old[$3]}" "${NEW:-${ids[$3]}}" "$(($3 - $2 + 1))" |
		tag "$1" "${5:-$name}" "$3" "${4:-$erased_s}"
}

# The first key was allowed until 2024, the second one is since 2026; a third one is a stranger's.
mkdir "$T/data"
for key in first second stranger; do ssh-keygen -q -t ed25519 -N '' -C $key -f "$T/$key"; done
{
	echo "one@example.org valid-before=\"20240101\" $(cat "$T/first.pub")"
	echo "two@example.org valid-after=\"20260101\" $(cat "$T/second.pub")"
} >"$T/signers"
for n in {1..6}; do snapshot "$n" first; done
SOURCE_DATE_EPOCH=1700001000 "$EXPORTER" snapshot --repo "$T/repo" --label people --reason why --at HEAD~2 --sign "$T/first" >"$T/out"
cp -r "$T/repo" "$T/copy"
exits "the history is good as it was" 0 verify

# What is right.
write_anew 3 second
declare_erasure second 3 6
exits "a history that was written anew is good" 0 verify
ok "the report says so" grep -q "^label $name: snapshot 6, made 2027-01-15T08:00:00Z, signed by two@example.org with SHA256:.*; snapshots 3 to 6 were written anew$" "$T/out"
is "so it does as JSON" "$(verify --json | jq -c '.label_list[0].written_anew')" '{"from_number":3,"to_number":6,"held":[]}'
ok "and who signed what" grep -q '^signed by one@example.org with .*: 2 snapshots, 1 to 2,' "$T/out"
exits "an audit wants the key of the snapshot's own time" 1 "$EXPORTER" audit --repo "$T/copy" --signers "$T/signers"
ok "and says what verify asks for" grep -q "; an erasure wrote it anew: 'albumen-exporter verify' asks whether the key was allowed at the time of that$" "$T/err"
verify >"$T/out"
ok "the report says that the old snapshots are still there" grep -q "^the label $name declares that records were erased, but the last snapshot of before is still there" "$T/out"
git -C "$T/copy" reflog expire --expire=now --all
git -C "$T/copy" gc -q --prune=now
exits "without them it is good, too" 0 verify
ok "and nothing is said" not grep -q 'still there' "$T/out"
found "of both" '^signed by two@example.org with .*: 4 snapshots, 3 to 6, .*; 1 label$'
tag second people 4 1700001000 <<<"Albumen-Was: $(git -C "$T/repo" rev-parse people)"
exits "so is a label that was written anew" 0 verify
cp -r "$T/copy" "$T/later"
sed -i 's/^two@example.org /&valid-before="20270201",/' "$T/signers"
exits "also when its key is not allowed any more" 0 verify
tag second later 4 1850000000 <<<"Albumen-Was: $(git -C "$T/repo" rev-parse people)"
exits "a label that is newer than the erasure was not written anew by it" 1 verify
found "its key must have been allowed at its own time" '^[0-9a-f]* refs/tags/later: signed with a key that the signers. file does not allow at that time: '
sed -i 's/valid-before="20270201",//' "$T/signers"
rm -rf "$T/copy" && mv "$T/later" "$T/copy"
exits "and a clone" 0 bash -c "git clone -q --mirror 'file://$T/copy' '$T/clone' && '$EXPORTER' verify --repo '$T/clone' --signers '$T/signers'"
exits "it can be bundled" 0 "$EXPORTER" bundle --repo "$T/copy" "$T/whole.tar"
exits "and verified" 0 env TMPDIR="$T" "$EXPORTER" verify --bundle "$T/whole.tar" --signers "$T/signers"
tar -xOf "$T/whole.tar" albumen-evidence/README.txt >"$T/readme"
ok "the README of the bundle says what the labels mean" grep -q '^The labels below erased/ say' "$T/readme"
SOURCE_DATE_EPOCH=1900000000 exits "a part of it, too" 0 "$EXPORTER" bundle --repo "$T/copy" --from HEAD~1 --sign "$T/second" "$T/part.tar"
exits "which verifies" 0 env TMPDIR="$T" "$EXPORTER" verify --bundle "$T/part.tar" --signers "$T/signers"
exits "a bundle that the label of the erasure is not in is refused" 1 "$EXPORTER" bundle --repo "$T/copy" --to people "$T/none.tar"
ok "the message says what mends it" grep -q "an erasure wrote snapshots up to number 6 anew, and the label $name that declares it is on that one: a bundle of any of them must reach it, as with --to $name$" "$T/err"
exits "before the erasure's first it is not" 0 "$EXPORTER" bundle --repo "$T/copy" --to "${ids[2]}" "$T/before.tar"
exits "and verifies" 0 env TMPDIR="$T" "$EXPORTER" verify --bundle "$T/before.tar" --signers "$T/signers"

# Another erasure, which begins later or earlier, and writes the label of the first anew.
for from in 2 5; do
	write_anew 3 second
	mapfile -t once < <(printf '%s\n' "${ids[@]}")
	declare_erasure second 3 6
	first_label=$(git -C "$T/copy" rev-parse $name)
	for ((n = from; n <= 6; n++)); do
		git -C "$T/copy" log -1 --format=%B "${once[$n]}" | sed '/^$/{$d}; /^Albumen-Was/d' >"$T/message"
		echo "Albumen-Was: ${once[$n]}" >>"$T/message"
		date="$(git -C "$T/copy" log -1 --format=%ct "${once[$n]}") +0000"
		ids[n]=$(GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date signed_git "$T/second" commit-tree -S -p "${ids[$((n - 1))]}" \
			-F "$T/message" "${once[$n]}^{tree}")
	done
	git -C "$T/copy" update-ref refs/heads/main "${ids[6]}"
	printf 'Albumen-Erased-From: 3\nAlbumen-Erased-Old: %s\nAlbumen-Erased-New: %s\nAlbumen-Erased-Snapshots: 4\nAlbumen-Erased-Answers: 3\nAlbumen-Was: %s\n' \
		"${old[6]}" "${ids[6]}" "$first_label" | tag second $name 6 $erased_s
	old=("${once[@]}")
	declare_erasure second $from 6 $((erased_s + 60)) erased/20270115T080100Z
	exits "a second erasure, from snapshot $from on, is good" 0 verify
	git -C "$T/copy" tag -d erased/20270115T080100Z >"$T/none"
	exits "its label is wanted" 1 verify
	found "for the label of the first" "^${ids[6]} refs/tags/$name: it says that an erasure wrote it anew, but no label erased/ declares that$"
done

# What is wrong.
write_anew 3 second
bad "no label" "^${ids[3]}: it says that an erasure wrote it anew, but no label erased/ declares that$"
found "and the key was not allowed then" "^${ids[3]}: signed with a key that the signers' file does not allow at that time"
declare_erasure first 3 6
bad "a label whose key was not allowed at its time" "^${ids[6]} refs/tags/$name: signed with a key that the signers' file does not allow"
found "it does not count" "^${ids[3]}: it says that an erasure wrote it anew, but no label"
declare_erasure stranger 3 6
bad "a stranger's label" "^${ids[4]}: it says that an erasure wrote it anew, but no label"
declare_erasure second 4 6
bad "a label that begins later" "^${ids[3]}: it says that an erasure wrote it anew, but no label"
ok "the others are good" not grep -q "^${ids[4]}" "$T/out"
declare_erasure second 2 6
bad "a label that begins earlier" "^${ids[2]}: the label $name declares that it was written anew, but it does not say what it was$"
declare_erasure second 3 5
bad "a label that ends earlier" "^${ids[6]}: it says that an erasure wrote it anew, but no label"
NEW=${ids[5]} declare_erasure second 3 6
bad "a label of another snapshot" "^${ids[6]} refs/tags/$name: the label is damaged: it is not on the snapshot that it declares to be the new last one$"
declare_erasure second 3 6
tag second people 2 1700001000 <<<"Albumen-Was: $(git -C "$T/repo" rev-parse people)"
bad "a label that no erasure wrote anew" "^${ids[2]} refs/tags/people: it says that an erasure wrote it anew, but no label erased/ declares that$"
WAS=${old[1]}x write_anew 5 second
declare_erasure second 5 6
bad "what it was is no id" "^${ids[5]}: the trailer Albumen-Was is no id, or not the last one$"
SKIP=5 write_anew 3 second
declare_erasure second 3 6
bad "one does not say what it was" "^${ids[5]}: the label $name declares that it was written anew, but it does not say what it was$"
write_anew 3 second
declare_erasure second 3 6 1700003000
bad "a label that says that it was made when the key was not allowed" "^${ids[6]} refs/tags/$name: signed with a key that the signers' file does not allow at that time"
done_testing
