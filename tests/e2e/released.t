#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a released version made: its repository is read, verified, gone on with, merged and
# packed again, and no snapshot changes. Its index is made again by scan and watch, aloud.
#
# The fixture was made by 0.1.0: 24 images and 67 snapshots, of which 23 were packed by
# `maintain`, and most others merged.
. "$(dirname "$0")/lib.sh"

tar -xzf "$(dirname "$0")/../fixtures/released-0.1.0.tar.gz" -C "$T" --no-same-owner
objects() {
	git -C "$T/repo" cat-file --batch-all-objects --batch-check | sort
}
last=$(git -C "$T/repo" rev-parse main)
git -C "$T/repo" log --format='%H %T' main >"$T/snapshots"
objects >"$T/objects"
is_whole() { # NAME
	git -C "$T/repo" log --format='%H %T' "$last" >"$T/now"
	same "$1: no snapshot has changed" "$T/now" "$T/snapshots"
	ok "$1: verify finds nothing" "$EXPORTER" verify --repo "$T/repo"
	is "$1: git fsck finds nothing" "$(git -C "$T/repo" fsck --full --strict --no-progress 2>&1)" ""
	is "$1: no object is missing" "$(objects | comm -23 "$T/objects" - | wc -l)" 0
}
is "there are 67 snapshots" "$(wc -l <"$T/snapshots")" 67
is_whole "as it came"
exits "audit" 0 "$EXPORTER" audit --repo "$T/repo" --at "$last" --format json
cp "$T/out" "$T/audit"
exits "show, at the label" 0 "$EXPORTER" show --repo "$T/repo" --at kept /api/v1/albums/a0/images
cp "$T/out" "$T/show"

# Its index. Whoever only reads it says who makes it again.
cp -r "$T/index" "$T/old"
exits "its index is not exported" 1 "$EXPORTER" export --index "$T/index" --repo "$T/repo"
ok "the message says whose it is, and names scan" \
	grep -q "made by an earlier version .*albumen-index 2.* albumen-indexer scan --data DIR --index '$T/index' makes it again" "$T/err"
exits "nor read by status" 1 "$INDEXER" status --index "$T/index"
mkdir "$T/empty"
exits "an empty folder, whose disk may not be mounted, does not replace it" 1 "$INDEXER" scan --data "$T/empty" --index "$T/index"
same "not a byte of it" "$T/index/data.mdb" "$T/old/data.mdb"

for format in 1 4 x; do
	cp -r "$T/old" "$T/$format"
	sed -i "s/albumen-index 2/albumen-index $format/g" "$T/$format/data.mdb"
	exits "an index of the format $format is refused" 1 "$INDEXER" scan --data "$T/data" --index "$T/$format"
	ok "the message says what to do" grep -q "rm -r .* albumen-indexer scan --data" "$T/err"
	ok "and it is still of that format" grep -q "albumen-index $format" "$T/$format/data.mdb"
done

# Both services are started in the new version, the exporter first.
spawn follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
ok "follow waits for the index" wait_until 60 grep -q "waiting for the first scan into '$T/index'" "$T/follow.log"
ok "watch makes it again" start watch "$INDEXER" watch --data "$T/data" --index "$T/index"
ok "and says so" grep -q "warning: index '$T/index' was made by an earlier version: it is made again from '$T/data'" "$T/watch.log"
ok "follow goes on" wait_until 60 test -e "$T/site/snapshot.json"
ok "watch ends" stop watch
ok "and follow" stop follow
"$INDEXER" scan --data "$T/data" --index "$T/clean" >"$T/out" 2>&1
is "the index has what a new one has" "$(ls "$T/index")" "$(ls "$T/clean")"
"$INDEXER" status --index "$T/index" | grep -Ev '^(index|walked)' >"$T/made"
"$INDEXER" status --index "$T/clean" | grep -Ev '^(index|walked)' >"$T/new"
same "and says what a new one says" "$T/made" "$T/new"
exits "it is whole" 0 "$INDEXER" check --index "$T/index"
is "one full export of the same data made the same tree" \
	"$(git -C "$T/repo" rev-parse "main^{tree}")" "$(git -C "$T/repo" rev-parse "$last^{tree}")"
more=$(git -C "$T/repo" rev-list --count "$last..main")

rm -r "$T/index" && cp -r "$T/old" "$T/index"
exits "scan does the same" 0 "$INDEXER" scan --data "$T/data" --index "$T/index"
ok "and says so" grep -q "warning: index .* it is made again" "$T/err"
exits "the next scan has nothing to say" 0 "$INDEXER" scan --data "$T/data" --index "$T/index"
is "and says nothing" "$(<"$T/err")" ""

# A kill in the middle: before each call that takes something of the old one away, and before
# the new one is begun. (LeakSanitizer does not work under strace.)
for call in ftruncate:1 unlink:1 unlink:2 pwrite64:1; do
	rm -r "$T/index" && cp -r "$T/old" "$T/index"
	(ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$T/trace" -e "trace=${call%:*}" -e "inject=${call%:*}:signal=KILL:when=${call#*:}" \
		-P "$T/index/data.mdb" -P "$T/index/lock.mdb" -P "$T/index/changed" "$INDEXER" scan --data "$T/data" --index "$T/index"; :) >"$T/out" 2>&1
	ok "killed before $call" grep -q 'killed by SIGKILL' "$T/trace"
	exits "$call: the next scan makes the index" 0 "$INDEXER" scan --data "$T/data" --index "$T/index"
	"$INDEXER" status --index "$T/index" | grep -Ev '^(index|walked)' >"$T/made"
	same "$call: it is as a new one" "$T/made" "$T/new"
done

# Many snapshots more: packs are merged.
for n in {1..45}; do
	echo "{\"public_id\":\"i00\",\"album_id\":\"a0\",\"title\":\"new $n\",\"updated_at\":\"2026-04-01T00:00:00.$((n + 100))Z\"}" >"$T/data/i00.json"
	scan >"$T/out" 2>&1 && "$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1 || break
done
is "snapshots go on" "$(git -C "$T/repo" rev-list --count main)" $((112 + more))
ok "packs were merged" [ "$(find "$T/repo/objects/pack" -name '*.pack' | wc -l)" -lt 40 ]
is_whole "merged"
exits "maintain" 0 "$EXPORTER" maintain --repo "$T/repo"
is_whole "packed again"
exits "show, at the label" 0 "$EXPORTER" show --repo "$T/repo" --at kept /api/v1/albums/a0/images
same "says what it said" "$T/out" "$T/show"
exits "audit of the last of its snapshots" 0 "$EXPORTER" audit --repo "$T/repo" --at "$last" --format json
same "says what it said" "$T/out" "$T/audit"
done_testing
