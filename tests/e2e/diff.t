#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The difference of two snapshots: applied to the one it gives the other, whatever the
# records hold; a clone is all that it needs. HISTORIES and SNAPSHOTS enlarge the
# random part; SEED repeats a failure.
. "$(dirname "$0")/lib.sh"

diff_of() {
	"$EXPORTER" diff --repo "$T/repo" "$@"
}

applies() { # A B
	diff_of --json "$1" "$2" >"$T/lines" && "$PYTHON" "$ROOT/tests/model/apply.py" \
		"$T/repo" "$1" "$2" <"$T/lines"
}

# Makes a snapshot of the records on standard input, at a given time.
snapshot_at() {
	cat >"$T/data/all.ndjson"
	scan >/dev/null && SOURCE_DATE_EPOCH=$(date -d "$1" +%s) export_all >/dev/null
}

mkdir "$T/data"
ok 'a snapshot of odd records is made' snapshot_at 2024-03-01T12:00:00Z <<'END'
{"public_id":"a/\"b\\ & <é>\u2028","album_id":"../x","infos":{"n":1.50,"n":1.5,"":null},"created_at":"2020-01-01T00:00:00+02:00"}
{"id":5,"public_id":"five","album_id":"../x","created_at":"2020-01-01T00:00:00Z"}
{"id":"i3","public_id":"other","album_id":"y","x":[1e400,-0,"\u007f"]}
{"id":"t&1","name":"n","label":"\u003cSky\u003e"}
{"id":"t2","name":"n","label":""}
{"x":1,"tag_id":"t&1","id":"k1","image_id":"a/\"b\\ & <é>\u2028"}
{"id":"k2","image_id":"five","tag_id":"t&1","y":{}}
{"image":{"public_id":"i4","album_id":"y"},"image_id":"i4","id":"k4","tag":{"id":"t2","name":"n","label":""}}
{"id":"k5","image_id":"i3","tag_id":"t2"}
END
ok 'a later one is made' snapshot_at 2024-03-03T12:00:00Z <<'END'
{"public_id":"a/\"b\\ & <é>\u2028","album_id":"y","infos":{"n":1.50,"n":1.50,"":null},"created_at":"2019-12-31T22:00:00Z"}
{"album_id":"../x","id":5,"public_id":"five","created_at":"2020-01-01T00:00:00Z"}
{"id":"new","public_id":"other","album_id":"y","x":[1e400,-0,"\u007f"]}
{"id":"t&1","name":"n","label":"<Sky>","more":[{}]}
{"id":"t2","label":"Sea","name":"n"}
{"x":1,"tag_id":"t2","id":"k1","image_id":"a/\"b\\ & <é>\u2028"}
{"id":"k2","image_id":"new","tag_id":"t&1","y":{}}
{"tag":{"id":"t2","label":"Sea","name":"n"},"image":{"public_id":"i4","album_id":"y","z":0.0},"id":"k4","tag_id":7}
END
ok 'the difference, applied to the first, gives the later one' applies HEAD~1 HEAD
ok 'the reverse difference gives the first' applies HEAD HEAD~1
ok 'the difference to itself applies' applies HEAD HEAD
is 'and is empty' "$(diff_of HEAD HEAD)" ''
ok 'the test notices a missing line' \
	not "$PYTHON" "$ROOT/tests/model/apply.py" "$T/repo" HEAD~1 HEAD <<<''

diff_of 2024-03-02 2024-03-04 --json >"$T/dates"
diff_of HEAD~1 main --json >"$T/revisions"
same 'dates name snapshots, too' "$T/dates" "$T/revisions"
is 'each change is a line' "$(jq -r .change "$T/dates" | tr '\n' ' ')" \
	'tag_changed tag_renamed image_changed image_changed image_disappeared image_changed image_appeared tag_image_changed untagged untagged tag_image_changed tagged '
ok 'a deeper member that occurs twice is printed as written' \
	grep -qF '"before":{"n":1.50,"n":1.5,"":null},"after":{"n":1.50,"n":1.50,"":null}' "$T/dates"

cat >"$T/want" <<'END'
tag t&1 "<Sky>" changed: more (absent) -> [{}]
tag t2 "Sea" renamed: label "" -> "Sea"
image "a/\"b\\ \u0026 \u003cé\u003e\u2028" in album y: album_id "../x" -> "y", infos {"n":1.50,"n":1.5,"":null} -> {"n":1.50,"n":1.50,"":null}, created_at "2020-01-01T00:00:00+02:00" -> "2019-12-31T22:00:00Z"
image five in album ../x: the order of its members
image i3 disappeared from album y
image i4 in album y: z (absent) -> 0.0
image new appeared in album y
image "a/\"b\\ \u0026 \u003cé\u003e\u2028" tag image k1 of tag t2 "Sea": tag_id "t\u00261" -> "t2"
image five no longer tagged with t&1 "<Sky>" by tag image k2
image i3 no longer tagged with t2 "n" by tag image k5
image i4 tag image k4 of tag t2 "Sea": image_id "i4" -> (absent), tag_id (absent) -> 7
image new tagged with t&1 "<Sky>" by tag image k2
END
diff_of HEAD~1 HEAD >"$T/words"
same 'without --json the changes are in words' "$T/words" "$T/want"

diff_of HEAD~1 HEAD --album ../x >"$T/words"
grep -e '^tag t' -e 'image "a/' -e 'image five' "$T/want" >"$T/want.x"
same '--album prints what was or is in the album' "$T/words" "$T/want.x"
exits 'an unknown album is refused' 1 diff_of HEAD~1 HEAD --album nowhere
is 'the message names it' "$(<"$T/err")" "albumen-exporter: error: no album 'nowhere' in either snapshot"
exits 'one snapshot is refused' 2 diff_of HEAD
exits 'three snapshots are refused' 2 diff_of HEAD HEAD HEAD
exits 'an unknown snapshot is refused' 1 diff_of HEAD nonsense
exits 'a time before the first snapshot is refused' 1 diff_of 2024-02-28 HEAD
exits 'a full disk is exit status 75' 75 bash -c "'$EXPORTER' diff --repo '$T/repo' HEAD~1 HEAD >/dev/full"

# As an auditor has it: the clone of a clone, checked out, and nothing else.
git clone -q --bare "file://$T/repo" "$T/bare" && git clone -q "$T/bare" "$T/clone"
diff_of HEAD~1 HEAD --json >"$T/there"
rm -rf "$T/repo" "$T/bare" "$T/index" "$T/data" "$T/site"
"$EXPORTER" diff --repo "$T/clone" HEAD~1 HEAD --json >"$T/here"
same 'a clone alone gives the same answer' "$T/here" "$T/there"

seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
for ((i = 0; i < ${HISTORIES:-2}; i++)); do
	ok "history of ${SNAPSHOTS:-30} snapshots, SEED=$((seed + i))" \
		"$PYTHON" "$ROOT/tests/model/diffs.py" --seed $((seed + i)) \
		--snapshots "${SNAPSHOTS:-30}" --indexer "$INDEXER" --exporter "$EXPORTER" \
		--work "$T/history-$i"
done
done_testing
