#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# When did something change? `log` on a clone alone, and random
# histories of log and show against the model. HISTORIES and SNAPSHOTS enlarge these;
# SEED repeats a failure.
. "$(dirname "$0")/lib.sh"

export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@example.org

log_of() {
	"$EXPORTER" log --repo "$T/clone" "$@"
}

# Makes a snapshot of the records on standard input, at a given time.
snapshot_at() {
	cat >"$T/data/all.ndjson"
	scan >/dev/null && SOURCE_DATE_EPOCH=$(date -d "$1" +%s) export_all >/dev/null
}

mkdir "$T/data"
ok 'a first snapshot is made' snapshot_at 2026-01-01T12:00:00Z <<'END'
{"public_id":"one","album_id":"harbour","title":"Quay"}
{"public_id":"two","album_id":"harbour"}
{"public_id":"far","album_id":"hills & dales"}
{"id":"T1","name":"boat","label":"Boat"}
END
ok 'one image is tagged' snapshot_at 2026-02-01T12:00:00Z <<'END'
{"public_id":"one","album_id":"harbour","title":"Quay"}
{"public_id":"two","album_id":"harbour"}
{"public_id":"far","album_id":"hills & dales"}
{"id":"T1","name":"boat","label":"Boat"}
{"id":"K1","image_id":"one","tag_id":"T1","user":"ann","created_at":"2026-01-15T09:00:00+01:00"}
END
ok 'the tag gets another label' snapshot_at 2026-03-01T12:00:00Z <<'END'
{"public_id":"one","album_id":"harbour","title":"Quay"}
{"public_id":"two","album_id":"harbour"}
{"public_id":"far","album_id":"hills & dales"}
{"id":"T1","name":"boat","label":"{\"en\":\"Ship\",\"fr\":\"Navire\"}"}
{"id":"K1","image_id":"one","tag_id":"T1","user":"ann","created_at":"2026-01-15T09:00:00+01:00"}
END
ok 'one image moves, another gets a title' snapshot_at 2026-04-01T12:00:00Z <<'END'
{"public_id":"one","album_id":"harbour","title":"Quay"}
{"public_id":"two","album_id":"hills & dales"}
{"public_id":"far","album_id":"hills & dales","title":"Summit"}
{"id":"T1","name":"boat","label":"{\"en\":\"Ship\",\"fr\":\"Navire\"}"}
{"id":"K1","image_id":"one","tag_id":"T1","user":"ann","created_at":"2026-01-15T09:00:00+01:00"}
END
ok 'all tags are removed, and an image' snapshot_at 2026-05-01T12:00:00Z <<'END'
{"public_id":"one","album_id":"harbour","title":"Quay"}
{"public_id":"two","album_id":"hills & dales"}
END
git -C "$T/repo" tag -a -m 'for the auditor' audit/2026-q1 HEAD~2
git -C "$T/repo" tag first HEAD~4
git clone -q "$T/repo" "$T/clone"
mv "$T/data" "$T/index" "$T/site" "$T/repo" "$(mktemp -d -p "$T")"
readarray -t commit < <(git -C "$T/clone" rev-list --reverse main)

# All snapshots.
log_of | sed 's/  [0-9]* file[^,]*\(, [0-9]* removed\)*,/  SUBJECT,/' >"$T/out"
cat >"$T/want" <<END
${commit[4]:0:12}  2026-05-01T12:00:00Z  SUBJECT, 2 images, 2 untagged, 2 albums, 0 tags, 0 tag images
${commit[3]:0:12}  2026-04-01T12:00:00Z  SUBJECT, 3 images, 2 untagged, 2 albums, 1 tag, 1 tag image
${commit[2]:0:12}  2026-03-01T12:00:00Z  SUBJECT, 3 images, 2 untagged, 2 albums, 1 tag, 1 tag image [audit/2026-q1]
${commit[1]:0:12}  2026-02-01T12:00:00Z  SUBJECT, 3 images, 2 untagged, 2 albums, 1 tag, 1 tag image
${commit[0]:0:12}  2026-01-01T12:00:00Z  SUBJECT, 3 images, 3 untagged, 2 albums, 1 tag, 0 tag images [first]
END
same 'every snapshot has a line, the newest first' "$T/out" "$T/want"
log_of --json >"$T/out"
is '--json has the same' "$(jq -r '[.commit, .number, .time, .images, .untagged, .albums, .tags,
	.tag_images, .labels[]] | join(" ")' "$T/out" | sed -n 3p)" \
	"${commit[2]} 3 2026-03-01T12:00:00Z 3 2 2 1 1 audit/2026-q1"
is 'its subject is the commit'\''s' "$(jq -r .subject "$T/out")" "$(git -C "$T/clone" log --format=%s)"
is '--at begins in the past' "$(log_of --json --at 2026-03-15 | jq -r .number | tr '\n' ' ')" '3 2 1 '

# An image.
log_of --image one >"$T/out"
cat >"$T/want" <<END
${commit[4]:0:12}  2026-05-01T12:00:00Z
	tag T1 "Ship" disappeared
	image one "Quay" no longer tagged with T1 "Ship" by tag image K1, made by ann at 2026-01-15T09:00:00+01:00
${commit[2]:0:12}  2026-03-01T12:00:00Z
	tag T1 "Ship" renamed: label "Boat" -> "{\"en\":\"Ship\",\"fr\":\"Navire\"}"
${commit[1]:0:12}  2026-02-01T12:00:00Z
	image one "Quay" tagged with T1 "Boat" by tag image K1, made by ann at 2026-01-15T09:00:00+01:00
${commit[0]:0:12}  2026-01-01T12:00:00Z
	image one "Quay" appeared in album harbour
END
same '--image lists the changes of an image' "$T/out" "$T/want"
log_of --image two --json >"$T/out"
cat >"$T/want" <<END
{"version":1,"commit":"${commit[3]}","number":4,"time":"2026-04-01T12:00:00Z","events":[{"change":"image_changed","image":"two","album":"hills & dales","members":[{"member":"album_id","before":"harbour","after":"hills & dales"}],"record":{"public_id":"two","album_id":"hills & dales"}}]}
{"commit":"${commit[0]}","number":1,"time":"2026-01-01T12:00:00Z","events":[{"change":"image_appeared","image":"two","album":"harbour","record":{"public_id":"two","album_id":"harbour"}}]}
END
sed -i 's/ & / \\u0026 /g' "$T/want"
same '--image --json lists those of one that moves' "$T/out" "$T/want"
is 'and of one that is gone' "$(log_of --image far --json | jq -c '[.number, .events[].change]' |
	tr -d '\n')" '[5,"image_disappeared"][4,"image_changed"][1,"image_appeared"]'
is 'and up to a time in the past' "$(log_of --image far --json --at "${commit[3]}" |
	jq -r .number | tr '\n' ' ')" '4 1 '

# An album.
log_of --album harbour >"$T/out"
cat >"$T/want" <<END
${commit[4]:0:12}  2026-05-01T12:00:00Z  1 image, 1 untagged: 1 tag image disappeared, 1 tag changed
${commit[3]:0:12}  2026-04-01T12:00:00Z  1 image, 0 untagged: 1 image changed
${commit[2]:0:12}  2026-03-01T12:00:00Z  2 images, 1 untagged: 1 tag changed
${commit[1]:0:12}  2026-02-01T12:00:00Z  2 images, 1 untagged: 1 tag image appeared
${commit[0]:0:12}  2026-01-01T12:00:00Z  2 images, 2 untagged: 2 images appeared
END
same '--album counts the changes of an album' "$T/out" "$T/want"
is '--album --json does, too' "$(log_of --album 'hills & dales' --json | sed -n 2p)" \
	"{\"commit\":\"${commit[3]}\",\"number\":4,\"time\":\"2026-04-01T12:00:00Z\",\"album\":\"hills \\u0026 dales\",\"images\":2,\"untagged\":2,\"appeared\":0,\"disappeared\":0,\"changed\":2,\"tagged\":0,\"untagged_now\":0,\"tag_images_changed\":0,\"tags_changed\":0}"

# A tag.
log_of --tag T1 >"$T/out"
cat >"$T/want" <<END
${commit[4]:0:12}  2026-05-01T12:00:00Z  0 tag images
	tag T1 "Ship" disappeared
${commit[2]:0:12}  2026-03-01T12:00:00Z  1 tag image of "Ship"
	tag T1 "Ship" renamed: label "Boat" -> "{\"en\":\"Ship\",\"fr\":\"Navire\"}"
${commit[1]:0:12}  2026-02-01T12:00:00Z  1 tag image of "Boat"
${commit[0]:0:12}  2026-01-01T12:00:00Z  0 tag images of "Boat"
	tag T1 "Boat" appeared
END
same '--tag lists the changes of a tag' "$T/out" "$T/want"
is '--tag --json has the label of the time' "$(log_of --tag T1 --json |
	jq -c '[.number, .tag, .label, .tag_images, (.events | length)]' | tr -d '\n')" \
	'[5,"T1",null,0,1][3,"T1","{\"en\":\"Ship\",\"fr\":\"Navire\"}",1,1][2,"T1","Boat",1,0][1,"T1","Boat",0,1]'

# The reader's language. Only text for people depends on it.
in_french() {
	env LC_ALL= LC_MESSAGES=fr_FR.UTF-8 LANG=de "$EXPORTER" "$@"
}
is 'a label is in the language of the locale' \
	"$(in_french log --repo "$T/clone" --tag T1 | grep -c '"Navire"')" 3
is 'JSON is the same in every locale' \
	"$(in_french log --repo "$T/clone" --tag T1 --json)" "$(log_of --tag T1 --json)"
is 'diff speaks it, too' \
	"$(in_french diff --repo "$T/clone" "${commit[2]}" "${commit[4]}" | head -n 1)" \
	'tag T1 "Navire" disappeared'

# What does not exist.
for kind in image album tag; do
	exits "an unknown $kind is refused" 1 log_of --$kind none
	is 'the message names it' "$(<"$T/err")" "albumen-exporter: error: no $kind 'none' in any snapshot"
	is 'nothing is printed' "$(<"$T/out")" ''
done
exits 'a tag that this history never had is refused' 1 log_of --tag T1 \
	--at "$(git -C "$T/clone" commit-tree -m x "$(git -C "$T/clone" mktree </dev/null)")"
ok 'the message names it, too' grep -q "no tag 'T1' in any snapshot" "$T/err"
exits 'an empty id is refused' 2 log_of --image ''
exits 'two kinds at once are refused' 2 log_of --image one --tag T1
exits 'operands are refused' 2 log_of HEAD
exits 'a time before the first snapshot is refused' 1 log_of --at 2025-12-31

# A shallow clone.
git clone -q --depth 3 "file://$T/clone" "$T/shallow"
"$EXPORTER" log --repo "$T/shallow" --image one --json >"$T/out" 2>"$T/err"
is 'in a shallow clone it prints what it can' "$(jq -r .number "$T/out" | tr '\n' ' ')" '5 '
ok 'and says that there may be more' grep -q 'history begins late here, in a shallow clone' "$T/err"
is 'without an id it lists the snapshots of the clone' "$("$EXPORTER" log --repo "$T/shallow" | grep -c '^[0-9a-f]')" 3
ok 'and where it begins' grep -q $'^\tthis repository does not have what was before this one$' <("$EXPORTER" log --repo "$T/shallow")
exits 'an id that a shallow clone does not have is refused' 1 "$EXPORTER" log --repo "$T/shallow" --image none
ok 'the message says that the clone is shallow' grep -q 'in any snapshot that this repository has' "$T/err"

# Control characters of a hostile commit do not reach the terminal.
git -C "$T/clone" commit -q --allow-empty -m $'\e[31mred\a'
is 'control characters are escaped' "$(log_of | head -n 1 | cut -c37-)" '\x1b[31mred\x07'
is 'and escaped as JSON in JSON' "$(log_of --json | head -n 1 | jq -c '[.subject, .images]')" \
	'["\u001b[31mred\u0007",null]'
# A reader that closes the pipe.
log_of --json | head -n 1 >/dev/null
is 'a closed pipe ends it without an error' "${PIPESTATUS[0]}" 0

seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
for ((i = 0; i < ${HISTORIES:-1}; i++)); do
	ok "a random history of ${SNAPSHOTS:-20} snapshots, SEED=$((seed + i))" \
		"$PYTHON" "$ROOT/tests/model/logs.py" --seed $((seed + i)) \
		--snapshots "${SNAPSHOTS:-20}" --indexer "$INDEXER" --exporter "$EXPORTER" \
		--work "$T/history-$i"
done
done_testing
