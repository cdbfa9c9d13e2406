#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first scan of a folder collects claims and derives the other tables at its end. The
# exported tree depends neither on threads, nor on an earlier kill, nor on how the index
# was filled; and half an index is never exported.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
awk 'BEGIN {
	for (i = 0; i < 40000; i++)
		printf "{\"public_id\":\"image-%d\",\"album_id\":\"album-%d\",\"created_at\":" \
			"\"2020-01-01T00:00:%02dZ\",\"width\":%d,\"note\":\"%0200d\"}\n",
			i, i % 997, i % 60, i * 7919 % 4000, i
	for (i = 0; i < 300; i++)
		printf "{\"id\":\"tag-%d\",\"name\":\"n\",\"label\":\"label %d\"}\n", i, i
	for (i = 0; i < 40000; i++)
		printf "{\"id\":\"join-%d\",\"image_id\":\"image-%d\",\"tag_id\":\"tag-%d\"}\n",
			i, i * 31 % 50000, i % 310
}' >"$T/data/all.ndjson"
# With equal stamps the greater text wins; an older record does not.
cat >"$T/data/more.json" <<'E2'
[{"public_id":"image-3","album_id":"zz","created_at":"2020-01-01T00:00:03Z"},
 {"public_id":"image-5","album_id":"zz","created_at":"2019-01-01T00:00:03Z"},
 {"id":"e","image":{"public_id":"image-7","album_id":"album-7"},
  "tag":{"id":"tag-7","name":"n","label":"z"}}]
E2

tree() { # index
	rm -rf "$T/repo"
	"$EXPORTER" export --index "$1" --repo "$T/repo" >"$T/export.log" &&
		git -C "$T/repo" rev-parse 'HEAD^{tree}'
}

ok 'a first scan with threads succeeds' "$INDEXER" scan --data "$T/data" --index "$T/threads"
ok 'its tables are right' "$INDEXER" check --index "$T/threads"
want=$(tree "$T/threads")
ok 'it is exported' test -n "$want"

ok 'a first scan without threads succeeds' env ALBUMEN_THREADS=0 "$INDEXER" scan --data "$T/data" \
	--index "$T/serial"
is 'its tree is the same' "$(ALBUMEN_THREADS=0 tree "$T/serial")" "$want"

# An index that grows, instead of one that is filled at once.
mkdir "$T/empty"
ok 'an empty folder is scanned' "$INDEXER" scan --data "$T/empty" --index "$T/grown"
ok 'then the full folder' "$INDEXER" scan --data "$T/data" --index "$T/grown"
ok 'its tables are right, too' "$INDEXER" check --index "$T/grown"
is 'its tree is the same, too' "$(tree "$T/grown")" "$want"

# A scan that is killed in the middle.
spawn scan "$INDEXER" scan --data "$T/data" --index "$T/killed"
index_is_there() {
	"$INDEXER" status --index "$T/killed" >"$T/status.log" 2>&1
}
wait_until 20 index_is_there
stop scan KILL
if [ "$("$INDEXER" status --json --index "$T/killed" 2>/dev/null | jq .images)" = 0 ]; then
	"$EXPORTER" export --index "$T/killed" --repo "$T/half" >"$T/half.log" 2>&1
	is 'half an index is not exported' $? 75
	ok 'the message says why' grep -q 'the first scan into index .* has not ended' "$T/half.log"
	ok 'no snapshot was made' test ! -e "$T/half/refs/heads/main"
	exits 'half an index is not checked' 75 "$INDEXER" check --index "$T/killed"
	ok 'it is not called wrong' test ! -s "$T/out"
	ok 'the message says why, and what to do' grep -q 'the first scan into index .* has not ended; check it after the scan, or scan again if none runs' "$T/err"
	exits 'its status can be had' 0 "$INDEXER" status --index "$T/killed"
	ok 'which says so, too' grep -q 'the first scan into index .* has not ended, so it counts no record yet' "$T/err"
else
	# The scan ended before the kill.
	ok 'the index is whole' "$INDEXER" check --index "$T/killed"
	ok 'it can be exported' tree "$T/killed"
	ok 'with the same tree' test "$(tree "$T/killed")" = "$want"
fi
spawn follow "$EXPORTER" follow --index "$T/killed" --repo "$T/followed"
ok 'the next scan starts again' "$INDEXER" scan --data "$T/data" --index "$T/killed"
ok 'its tables are right after a kill' "$INDEXER" check --index "$T/killed"
is 'its tree is the same after a kill' "$(tree "$T/killed")" "$want"
ok 'a waiting follow exports it' wait_until 20 git -C "$T/followed" rev-parse -q --verify HEAD
is 'with the same tree' "$(git -C "$T/followed" rev-parse 'HEAD^{tree}')" "$want"
stop follow

done_testing
