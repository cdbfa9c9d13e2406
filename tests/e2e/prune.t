#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A history that begins late: what is dropped is gone from the disk, what is held by a label stays,
# and every command works on what is left, as do git's own.
. "$(dirname "$0")/lib.sh"

export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
R=$T/repo
image() { # NUMBER TITLE
	printf '{"public_id":"i%s","album_id":"a%s","created_at":"2023-12-01T00:00:00Z","title":"%s"}\n' \
		"$1" "$(($1 % 3))" "$2" >"$T/data/$1.json"
}
at() { # DAY: noon of that day of January 2024, as Unix time
	echo $((1704067200 + ($1 - 1) * 86400 + 43200))
}
day() { # N: a snapshot of that day
	image $(($1 % 5)) "the title of day $1"
	rm -f "$T/data/9.json"
	[ "$1" = 2 ] && image 9 "only on day 2"
	scan >"$T/out" 2>&1 && export_at "$1"
}
export_at() {
	SOURCE_DATE_EPOCH=$(at "$1") "$EXPORTER" export --index "$T/index" --repo "$R" --sign "$T/key" >"$T/out" 2>&1
}
label() { # NAME WHEN
	SOURCE_DATE_EPOCH=$(at 12) "$EXPORTER" snapshot --repo "$R" --label "$1" --at "$2" --reason "why $1" --sign "$T/key"
}
prune() {
	"$EXPORTER" prune --repo "$R" "$@"
}
answers() { # FILE ID...: what the commands say of these snapshots, not looking back
	local id
	for id in "${@:2}"; do
		echo "$id"
		"$EXPORTER" show --repo "$R" --at "$id" /api/v1/albums/a0/images | jq -S -c .
		git -C "$R" ls-tree -r "$id"
	done >"$1"
}
held_bytes() { # TEXT: in how many objects of the repository it is
	git -C "$R" cat-file --batch-all-objects --batch --buffer | grep -a -c "$1"
}
state() { # all files, with what is in them, but not what an open leaves
	(cd "$R" && find . -type f ! -name albumen-exporter.lock ! -name config -exec sha1sum {} + | sort -k2)
}
objects() { # what is on the disk, and what is reached, in two files
	git -C "$R" cat-file --batch-all-objects --batch-check='%(objectname)' | sort -u >"$T/there"
	{
		git -C "$R" rev-list --objects --all | cut -c1-40
		git -C "$R" for-each-ref --format='%(objectname)' refs/tags
	} | sort -u >"$T/reached"
}

ssh-keygen -q -t ed25519 -N '' -C exporter -f "$T/key"
ssh-keygen -q -t ed25519 -N '' -C other -f "$T/other"
echo "exporter@example.org $(cat "$T/key.pub")" >"$T/signers"
mkdir "$T/data"
for n in {0..4}; do image "$n" "at first"; done
for n in {1..12}; do day "$n"; done
mapfile -t ids < <(echo none && git -C "$R" rev-list --reverse main)
ok "there are labels" label q1 2024-01-03
ok "also on what stays" label q2 2024-01-08
answers "$T/before" "${ids[3]}" "${ids[@]:5}"
"$EXPORTER" diff --repo "$R" "${ids[3]}" "${ids[9]}" >"$T/diff-before"
"$EXPORTER" diff --repo "$R" "${ids[6]}" now >"$T/diff2-before"
cp -r "$R" "$T/whole"

# Refused, or only said.
state >"$T/state"
exits "a date is needed" 2 prune
exits "a date in the future is refused" 2 prune --before 2999-01-01 --sign "$T/key"
ok "the message says why" grep -q "'2999-01-01' is in the future" "$T/err"
exits "a signed history needs a key" 1 prune --before 2024-01-06
ok "the message says so" grep -q 'snapshot 5 is signed, and the label that .* must be, too: name the key with --sign KEY' "$T/err"
exits "a revision that is none is refused" 1 prune --before nosuch --sign "$T/key"
exits "a dry run" 0 prune --before 2024-01-06 --dry-run
is "says what would go and what is held" "$(sed -E 's/[0-9]+ (object|bytes)/N \1/g; s/of [0-9]+$/of N/' "$T/out")" \
	"3 snapshots would go; history would begin with snapshot 5, of 2024-01-05T12:00:00Z
held: snapshot 3, of 2024-01-03T12:00:00Z [q1]
N objects of about N bytes would go, of N"
exits "with --json, too" 0 prune --before 2024-01-06 --dry-run --json
ok "in numbers" jq -e ".done == false and .snapshots == 3 and .before == \"2024-01-06T00:00:00Z\" and
	.first.commit == \"${ids[5]}\" and .first.number == 5 and .held[0].labels == [\"q1\"] and
	.held[0].commit == \"${ids[3]}\" and .bytes < .bytes_before and .objects_removed > 3" "$T/out"
exits "nothing to drop is no failure" 0 prune --before 2023-12-31 --sign "$T/key"
is "and said" "$(cat "$T/out")" "nothing to drop: history begins with snapshot 1, of 2024-01-01T12:00:00Z"
same "nothing was changed by all that" <(state) "$T/state"

# What else needs the past is named.
for ref in refs/heads/other refs/remotes/origin/main refs/stash refs/notes/x refs/tags/q3^; do
	name=${ref%^}
	case $ref in
	*^) git -C "$R" update-ref "$name" "$(git -C "$R" commit-tree -p "${ids[2]}" -m x "main^{tree}")" ;;
	*) git -C "$R" update-ref "$name" "${ids[4]}" ;;
	esac
	exits "$name is in the way" 1 prune --before 2024-01-06 --sign "$T/key"
	ok "the message names it" grep -q "$name of '$R' leads to a snapshot that would go.*update-ref -d $name" "$T/err"
	git -C "$R" update-ref -d "$name"
done
git -C "$R" worktree add -q --detach --no-checkout "$T/tree" main
exits "so is a work tree" 1 prune --before 2024-01-06 --sign "$T/key"
ok "which is named" grep -q "has a work tree, '$R/worktrees/tree'" "$T/err"
git -C "$R" worktree remove --force "$T/tree"
rm -rf "$R/worktrees"
mkdir -p "$R/objects/info" && echo "$T/whole/objects" >"$R/objects/info/alternates"
exits "and a borrowed folder of objects" 1 prune --before 2024-01-06 --sign "$T/key"
ok "which is named, too" grep -q 'objects/info/alternates' "$T/err"
rm "$R/objects/info/alternates"
git -C "$R" update-ref refs/heads/kept "${ids[7]}"

exits "a site with the audit page" 0 "$EXPORTER" publish --repo "$R" --site "$T/page" --audit-page

# It is done.
git -C "$R" commit-graph write --reachable 2>"$T/err"
git -C "$R" multi-pack-index write 2>"$T/err"
ok "before, the past is on the disk" [ "$(held_bytes 'only on day 2"')" -gt 0 ]
exits "prune" 0 env SOURCE_DATE_EPOCH="$(at 20)" "$EXPORTER" prune --repo "$R" --before 2024-01-06 --sign "$T/key"
is "says what it did" "$(sed -E 's/[0-9]+ (object|bytes|now)/N \1/g' "$T/out")" \
	"3 snapshots removed; history begins with snapshot 5, of 2024-01-05T12:00:00Z
held: snapshot 3, of 2024-01-03T12:00:00Z [q1]
label pruned/20240120T120000Z: declares it
N objects removed: N bytes before, N now"
is "a branch that leads to what stays is left alone" "$(git -C "$R" rev-parse kept)" "${ids[7]}"
git -C "$R" update-ref -d refs/heads/kept
same "shallow has the first one and the held one" <(sort "$R/shallow") <(printf '%s\n' "${ids[3]}" "${ids[5]}" | sort)
is "the label is on the first one" "$(git -C "$R" rev-parse 'pruned/20240120T120000Z^{commit}')" "${ids[5]}"
is "and declares what begins and what is held" \
	"$(git -C "$R" cat-file tag pruned/20240120T120000Z | sed -n '/^$/,/^-----BEGIN/p' | grep -v -e ^-----BEGIN -e SHA256)" "
History begins with snapshot 5. What was before 2024-01-06T00:00:00Z has been removed, except for 1 labelled snapshot.

Albumen-Pruned-Before: 2024-01-06T00:00:00Z
Albumen-First: 5 ${ids[5]}
Albumen-Held: 3 ${ids[3]}
Albumen-Snapshot: 5"
git -C "$R" -c gpg.ssh.allowedSignersFile="$T/signers" verify-tag pruned/20240120T120000Z >"$T/out" 2>&1
ok "its signature is good" grep -q 'Good "git" signature for exporter@example.org' "$T/out"
objects
same "what is on the disk is what is reached" "$T/there" "$T/reached"
is "no object has what only the past had" "$(held_bytes 'only on day 2"')" 0
ok "what is held is there" [ "$(held_bytes 'the title of day 3"')" -gt 0 ]
is "no commit-graph or index of many packs is left" "$(find "$R/objects" -name 'commit-graph*' -o -name 'multi-pack*' -o -name '*.bitmap')" ""
exits "a second time there is nothing to drop" 0 prune --before 2024-01-06 --sign "$T/key"
is "which is said" "$(cat "$T/out")" "nothing to drop: history begins with snapshot 5, of 2024-01-05T12:00:00Z
held: snapshot 3, of 2024-01-03T12:00:00Z [q1]"

# git's own commands.
ok "git fsck" git -C "$R" fsck --full --strict --no-progress
is "says nothing" "$(git -C "$R" fsck --full --strict --no-progress 2>&1)" ""
is "git log" "$(git -C "$R" log --format=%H main | tr '\n' ' ')" "$(git -C "$T/whole" log --format=%H -8 main | tr '\n' ' ')"
for how in --bare --mirror; do
	ok "git clone $how" git clone -q $how "file://$R" "$T/clone"
	ok "fsck of the clone" git -C "$T/clone" fsck --strict --no-progress
	is "which has the same beginning" "$(sort -u "$T/clone/shallow")" "$(sort "$R/shallow")"
	exits "verify of the clone" 0 "$EXPORTER" verify --repo "$T/clone" --signers "$T/signers"
	ok "says where it begins" grep -q 'complete from snapshot 5 on' "$T/out"
	rm -rf "$T/clone"
done

# Ours.
answers "$T/after" "${ids[3]}" "${ids[@]:5}"
same "all answers are as they were" "$T/after" "$T/before"
"$EXPORTER" diff --repo "$R" q1 "${ids[9]}" >"$T/out"
same "a difference from what is held, too" "$T/out" "$T/diff-before"
"$EXPORTER" diff --repo "$R" "${ids[6]}" now >"$T/out"
same "and one of what stays" "$T/out" "$T/diff2-before"
exits "a time before the beginning is not known" 1 "$EXPORTER" show --repo "$R" --at 2024-01-04 '/api/v1/albums/a0/images'
ok "which is said, and what is held" grep -q "what the answers were at 2024-01-04T23:59:59Z is not known: history begins with snapshot 5, of 2024-01-05T12:00:00Z; held: 'q1' (snapshot 3, of 2024-01-03T12:00:00Z)" "$T/err"
exits "nor is a revision before it" 1 "$EXPORTER" show --repo "$R" --at HEAD~9 '/api/v1/albums/a0/images'
ok "which is said, too" grep -q "no snapshot 'HEAD~9' .*: history begins with snapshot 5" "$T/err"
exits "nor the id of what is gone" 1 "$EXPORTER" show --repo "$R" --at "${ids[2]}" '/api/v1/albums/a0/images'
exits "the first one is known by its time" 0 "$EXPORTER" show --repo "$R" --at 2024-01-05 '/api/v1/albums/a0/images'
exits "the held one by its label" 0 "$EXPORTER" audit --repo "$R" --at q1
exits "and by the beginning of its id" 0 "$EXPORTER" audit --repo "$R" --at "${ids[3]:0:12}"
"$EXPORTER" log --repo "$R" >"$T/out"
is "log lists what stays, where it begins and why, and what is held" \
	"$(cut -c1-12 "$T/out" | tr '\n' ' ')" \
	"$(for n in 12 11 10 9 8 7 6 5; do printf '%.12s ' "${ids[n]}"; done)$(printf '\tpruned/2024') $(printf '%.12s ' "${ids[3]}")"
ok "in the words of the label" grep -q $'^\tpruned/20240120T120000Z: History begins with snapshot 5\\. What was before 2024-01-06' "$T/out"
ok "the held one is shown with its label" grep -q "^${ids[3]:0:12}.*\\[q1\\], held\$" "$T/out"
"$EXPORTER" log --repo "$R" --json >"$T/out"
is "so does log --json" "$(jq -c '[.number, .labels, .begins, .held, (.notes | length)]' "$T/out" | sed -n '4,9p' | tr '\n' ' ')" \
	'[9,[],false,false,0] [8,["q2"],false,false,0] [7,[],false,false,0] [6,[],false,false,0] [5,[],true,false,1] [3,["q1"],false,true,0] '
exits "verify" 0 "$EXPORTER" verify --repo "$R" --signers "$T/signers"
exits "log of one image" 0 "$EXPORTER" log --repo "$R" --image i1
exits "audit" 0 "$EXPORTER" audit --repo "$R"
exits "audit --format html" 0 "$EXPORTER" audit --repo "$R" --format html
exits "maintain" 0 "$EXPORTER" maintain --repo "$R"
exits "publish" 0 "$EXPORTER" publish --repo "$R" --site "$T/site" --audit-page
exits "publish of what is held" 0 "$EXPORTER" publish --repo "$R" --site "$T/site" --at q1
exits "and back again" 0 "$EXPORTER" publish --repo "$R" --site "$T/site"
exits "a bundle" 0 "$EXPORTER" bundle --repo "$R" "$T/all.tar"
exits "one from the first snapshot on" 0 "$EXPORTER" bundle --repo "$R" --from "${ids[5]}" "$T/from.tar"
exits "can be verified" 0 env TMPDIR="$T" "$EXPORTER" verify --bundle "$T/from.tar" --signers "$T/signers"
ok "with what is held" grep -q '^complete from snapshot 5 on, as the label pruned/20240120T120000Z declares; held besides: 3$' "$T/out"
exits "a label" 0 label q4 2024-01-10
objects
same "nothing has come back" "$T/there" <(sort -u "$T/reached")

# What the manual says that git cannot do.
git init -q --bare "$T/empty"
ok "a push elsewhere is refused by git" not git -C "$R" push -q --mirror "$T/empty"
git -C "$R" bundle create -q "$T/git.bundle" --all 2>"$T/err"
ok "a bundle of git's cannot be cloned" not git clone -q "$T/git.bundle" "$T/unbundled"

exits "the audit page shows no more than there is, without a new snapshot" 0 "$EXPORTER" publish \
	--repo "$R" --site "$T/page" --audit-page
exits "as a comparison finds" 0 "$EXPORTER" publish --repo "$R" --site "$T/page" --check
exits "published again" 0 "$EXPORTER" publish --repo "$R" --site "$T/page" --audit-page
ok "it has nothing to do" grep -q 'site: nothing to do' "$T/out"

# It goes on.
ok "the next export" day 13
is "makes the next snapshot" "$(git -C "$R" show -s --format=%B main | grep Albumen-Snapshot)" "Albumen-Snapshot: 13"
exits "the audit page follows" 0 "$EXPORTER" publish --repo "$R" --site "$T/page" --audit-page
exits "a new one" 0 "$EXPORTER" publish --repo "$R" --site "$T/new-page" --audit-page
ok "has the same files" diff -r "$T/page/audit" "$T/new-page/audit"
# What a killed prune has not removed yet: the next snapshot does, and so does maintain.
lost=$(echo lost | git -C "$R" hash-object -w --stdin)
ok "an object that nothing leads to stays" day 13
ok "as ever" git -C "$R" cat-file -e "$lost"
touch "$R/albumen-exporter.purge"
image 5 new && scan >"$T/out" 2>&1 && ok "if a purge is due" export_at 13
ok "it goes with the next snapshot" not git -C "$R" cat-file -e "$lost"
lost=$(echo lost | git -C "$R" hash-object -w --stdin)
touch "$R/albumen-exporter.purge"
exits "or with maintain" 0 "$EXPORTER" maintain --repo "$R"
ok "which is seen" not git -C "$R" cat-file -e "$lost"
lost=$(echo lost | git -C "$R" hash-object -w --stdin)
touch "$R/albumen-exporter.purge"
exits "or with prune" 0 prune --before 2024-01-06 --sign "$T/key"
ok "which says so" grep -q '^completed: 1 object of an interrupted run removed' "$T/out"
is "then none is due" "$(find "$R" -name '*purge*')" ""
ok "a change of nothing" export_at 14
is "makes none" "$(git -C "$R" rev-list --count main)" 10

# Once more: what was held stays so; a label that was removed holds nothing.
exits "a second prune" 0 env SOURCE_DATE_EPOCH="$(at 21)" "$EXPORTER" prune --repo "$R" --before 2024-01-09T12:00:00Z --sign "$T/key" --json
ok "reports" jq -e '.done and .snapshots == 3 and .first.number == 9 and [.held[].number] == [3, 8] and
	.label == "pruned/20240121T120000Z" and .bytes < .bytes_before and .objects_removed > 0' "$T/out"
is "one label declares it" "$(git -C "$R" tag --list 'pruned/*')" pruned/20240121T120000Z
same "shallow follows" <(sort "$R/shallow") <(printf '%s\n' "${ids[3]}" "${ids[8]}" "${ids[9]}" | sort)
answers "$T/after" "${ids[3]}" "${ids[@]:8}"
answers_before() { for id in "${ids[3]}" "${ids[@]:8}"; do sed -n "/^$id\$/,/^[0-9a-f]\\{40\\}\$/p" "$T/before" | sed '$!b;/^[0-9a-f]\{40\}$/d'; done; }
same "all answers are as they were" "$T/after" <(answers_before)
exits "a site can be at what is held" 0 "$EXPORTER" publish --repo "$R" --site "$T/site" --at q1
git -C "$R" tag -d q1 >"$T/out"
exits "without its label a held one goes" 0 env SOURCE_DATE_EPOCH="$(at 21)" "$EXPORTER" prune --repo "$R" --before 2024-01-09T12:00:00Z --sign "$T/key"
ok "which is said" grep -q '^0 snapshots removed; history begins with snapshot 9' "$T/out"
is "it is gone from the disk" "$(held_bytes 'the title of day 3"')" 0
exits "a site that is still at it is refused" 1 "$EXPORTER" publish --repo "$R" --site "$T/site"
ok "the message says why" grep -q 'does not have: .* was rewritten or pruned; if that is as it should be, .*--accept site' "$T/err"
exits "and taken when that is meant" 0 "$EXPORTER" publish --repo "$R" --site "$T/site" --accept site
objects
same "what is on the disk is what is reached" "$T/there" "$T/reached"
ok "git fsck" git -C "$R" fsck --full --strict --no-progress
exits "to the last one" 0 prune --before now --sign "$T/key"
is "is possible" "$(git -C "$R" rev-list --count main)" 1
ok "and export goes on" day 15

# By a label, and unsigned.
"$EXPORTER" export --index "$T/index" --repo "$T/plain" >"$T/out" 2>&1
for n in 16 17 18; do
	image 1 "the title of day $n"
	scan >"$T/out" 2>&1 && SOURCE_DATE_EPOCH=$(at $n) "$EXPORTER" export --index "$T/index" --repo "$T/plain" >"$T/out" 2>&1
	SOURCE_DATE_EPOCH=$(at $n) "$EXPORTER" snapshot --repo "$T/plain" --label "l$n" --reason x >"$T/out"
done
R=$T/plain
exits "a label can say where it is to begin" 0 prune --before l17
is "the ones before are held" "$(sed -n 's/^held: snapshot \([0-9]*\),.*/\1/p' "$T/out" | tr '\n' ' ')" "2 "
exits "a held one is not on main" 1 prune --before l16
ok "which is said" grep -q "'l16' is no snapshot of the history of main" "$T/err"
ok "git fsck" git -C "$R" fsck --full --strict --no-progress

# Random histories, pruned again and again, against the slow model.
seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
for ((i = 0; i < ${HISTORIES:-1}; i++)); do
	ok "a random history of ${STEPS:-40} snapshots, SEED=$((seed + i))" \
		"$PYTHON" "$ROOT/tests/model/prunes.py" --seed $((seed + i)) --steps "${STEPS:-40}" \
		--sample "${SAMPLE-2}" --indexer "$INDEXER" --exporter "$EXPORTER" --work "$T/history-$i"
done

done_testing
