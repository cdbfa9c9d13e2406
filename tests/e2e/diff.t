#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The difference of two snapshots: applied to the one it gives the other, whatever the
# records hold; and it needs no more than a clone. HISTORIES and SNAPSHOTS scale the
# random part up; SEED repeats a failure.
. "$(dirname "$0")/lib.sh"

diff_of() {
	"$EXPORTER" diff --repo "$T/repo" "$@"
}

applies() { # A B
	diff_of --json "$1" "$2" >"$T/lines" && "$PYTHON" "$ROOT/tests/model/apply.py" \
		"$T/repo" "$1" "$2" <"$T/lines"
}

# Snapshot of the records on stdin, at a time.
snapshot_at() {
	cat >"$T/data/all.ndjson"
	scan >/dev/null && SOURCE_DATE_EPOCH=$(date -d "$1" +%s) export_all >/dev/null
}

mkdir "$T/data"
ok 'a snapshot of odd records' snapshot_at 2024-03-01T12:00:00Z <<'END'
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
ok 'a later one' snapshot_at 2024-03-03T12:00:00Z <<'END'
{"public_id":"a/\"b\\ & <é>\u2028","album_id":"y","infos":{"n":1.50,"n":1.50,"":null},"created_at":"2019-12-31T22:00:00Z"}
{"album_id":"../x","id":5,"public_id":"five","created_at":"2020-01-01T00:00:00Z"}
{"id":"new","public_id":"other","album_id":"y","x":[1e400,-0,"\u007f"]}
{"id":"t&1","name":"n","label":"<Sky>","more":[{}]}
{"id":"t2","label":"Sea","name":"n"}
{"x":1,"tag_id":"t2","id":"k1","image_id":"a/\"b\\ & <é>\u2028"}
{"id":"k2","image_id":"new","tag_id":"t&1","y":{}}
{"tag":{"id":"t2","label":"Sea","name":"n"},"image":{"public_id":"i4","album_id":"y","z":0.0},"id":"k4","tag_id":7}
END
ok 'applied to the first it gives the later' applies HEAD~1 HEAD
ok 'and back' applies HEAD HEAD~1
ok 'and to itself, nothing' applies HEAD HEAD
is 'which is no line at all' "$(diff_of HEAD HEAD)" ''
ok 'applying notices a line that is missing' \
	not "$PYTHON" "$ROOT/tests/model/apply.py" "$T/repo" HEAD~1 HEAD <<<''

diff_of 2024-03-02 2024-03-04 --json >"$T/dates"
diff_of HEAD~1 main --json >"$T/revisions"
same 'snapshots are named by dates, too' "$T/dates" "$T/revisions"
is 'each change is a line' "$(jq -r .change "$T/dates" | tr '\n' ' ')" \
	'tag_changed tag_renamed image_changed image_changed image_disappeared image_changed image_appeared tag_image_changed untagged untagged tag_image_changed tagged '
ok 'a deeper member that stands twice is shown as written' \
	grep -qF '"before":{"n":1.50,"n":1.5,"":null},"after":{"n":1.50,"n":1.50,"":null}' "$T/dates"

cat >"$T/want" <<'END'
tag t&1 changed: more (absent) -> [{}]
tag t2 renamed: label "" -> "Sea"
image "a/\"b\\ \u0026 \u003cé\u003e\u2028" in album y: album_id "../x" -> "y", infos {"n":1.50,"n":1.5,"":null} -> {"n":1.50,"n":1.50,"":null}, created_at "2020-01-01T00:00:00+02:00" -> "2019-12-31T22:00:00Z"
image five in album ../x: the order of its members
image i3 disappeared from album y
image i4 in album y: z (absent) -> 0.0
image new appeared in album y
image "a/\"b\\ \u0026 \u003cé\u003e\u2028" tag image k1: tag_id "t\u00261" -> "t2"
image five no longer tagged with t&1 by tag image k2
image i3 no longer tagged with t2 by tag image k5
image i4 tag image k4: image_id "i4" -> (absent), tag_id (absent) -> 7
image new tagged with t&1 by tag image k2
END
diff_of HEAD~1 HEAD >"$T/words"
same 'and for people, in words' "$T/words" "$T/want"

diff_of HEAD~1 HEAD --album ../x >"$T/words"
grep -e '^tag t' -e 'image "a/' -e 'image five' "$T/want" >"$T/want.x"
same 'of one album, what lies in it before or after' "$T/words" "$T/want.x"
exits 'an album that neither has' 1 diff_of HEAD~1 HEAD --album nowhere
is 'is said so' "$(<"$T/err")" "albumen-exporter: error: no album 'nowhere' in either snapshot"
exits 'one snapshot is too few' 2 diff_of HEAD
exits 'three are too many' 2 diff_of HEAD HEAD HEAD
exits 'no such snapshot' 1 diff_of HEAD nonsense
exits 'before the first one' 1 diff_of 2024-02-28 HEAD
exits 'no room for the answer' 75 bash -c "'$EXPORTER' diff --repo '$T/repo' HEAD~1 HEAD >/dev/full"

# As an auditor has it: the clone of a clone, a checked out one, and nothing else.
git clone -q --bare "file://$T/repo" "$T/bare" && git clone -q "$T/bare" "$T/clone"
diff_of HEAD~1 HEAD --json >"$T/there"
rm -rf "$T/repo" "$T/bare" "$T/index" "$T/data" "$T/site"
"$EXPORTER" diff --repo "$T/clone" HEAD~1 HEAD --json >"$T/here"
same 'a clone alone has the same answer' "$T/here" "$T/there"

seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
for ((i = 0; i < ${HISTORIES:-2}; i++)); do
	ok "history of ${SNAPSHOTS:-30} snapshots, SEED=$((seed + i))" \
		"$PYTHON" "$ROOT/tests/model/diffs.py" --seed $((seed + i)) \
		--snapshots "${SNAPSHOTS:-30}" --indexer "$INDEXER" --exporter "$EXPORTER" \
		--work "$T/history-$i"
done
done_testing
