#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first scan of a folder collects claims and derives the rest at its end: what is
# exported must not depend on threads, nor on a kill before, nor on how the index came to
# be; and nobody exports half of it.
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
# of two equal stamps the greater text wins; an older record does not
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

ok 'a first scan with threads' "$INDEXER" scan --data "$T/data" --index "$T/threads"
ok 'its tables agree' "$INDEXER" check --index "$T/threads"
want=$(tree "$T/threads")
ok 'it was exported' test -n "$want"

ok 'a first scan without' env ALBUMEN_THREADS=0 "$INDEXER" scan --data "$T/data" \
	--index "$T/serial"
is 'the same tree' "$(ALBUMEN_THREADS=0 tree "$T/serial")" "$want"

# grown file by file instead of filled at once
mkdir "$T/empty"
ok 'an empty folder' "$INDEXER" scan --data "$T/empty" --index "$T/grown"
ok 'grown afterwards' "$INDEXER" scan --data "$T/data" --index "$T/grown"
ok 'its tables agree, too' "$INDEXER" check --index "$T/grown"
is 'the same tree again' "$(tree "$T/grown")" "$want"

# killed in the middle
spawn scan "$INDEXER" scan --data "$T/data" --index "$T/killed"
index_is_there() {
	"$INDEXER" status --index "$T/killed" >"$T/status.log" 2>&1
}
wait_until 20 index_is_there
stop scan KILL
if [ "$("$INDEXER" status --json --index "$T/killed" 2>/dev/null | jq .images)" = 0 ]; then
	"$EXPORTER" export --index "$T/killed" --repo "$T/half" >"$T/half.log" 2>&1
	is 'half an index is not exported' $? 75
	ok 'and says why' grep -q 'filled for the first time' "$T/half.log"
	ok 'nothing was made' test ! -e "$T/half/refs/heads/main"
else
	# the scan was quicker than the kill
	ok 'it was whole' "$INDEXER" check --index "$T/killed"
	ok 'it can be exported' tree "$T/killed"
	ok 'all of it' test "$(tree "$T/killed")" = "$want"
fi
spawn follow "$EXPORTER" follow --index "$T/killed" --repo "$T/followed"
ok 'the next scan begins anew' "$INDEXER" scan --data "$T/data" --index "$T/killed"
ok 'its tables agree after a kill' "$INDEXER" check --index "$T/killed"
is 'the same tree after a kill' "$(tree "$T/killed")" "$want"
ok 'who waited exports it' wait_until 20 git -C "$T/followed" rev-parse -q --verify HEAD
is 'as it is' "$(git -C "$T/followed" rev-parse 'HEAD^{tree}')" "$want"
stop follow

done_testing
