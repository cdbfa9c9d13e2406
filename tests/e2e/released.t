#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a released version made: its repository is read, verified, gone on with, merged and
# packed again, and no snapshot changes. Its index is refused, with the command that helps.
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

exits "its index is refused" 1 "$EXPORTER" export --index "$T/index" --repo "$T/repo"
ok "and scan is named" grep -q "albumen-indexer scan" "$T/err"
exits "scan refuses it, too" 1 "$INDEXER" scan --data "$T/data" --index "$T/index"
ok "and says what to do" grep -q "rm -r .* albumen-indexer scan --data" "$T/err"
rm -r "$T/index"
scan >"$T/out" 2>&1 || diag <"$T/out"

# Many snapshots more: packs are merged.
for n in {1..45}; do
	echo "{\"public_id\":\"i00\",\"album_id\":\"a0\",\"title\":\"new $n\",\"updated_at\":\"2026-04-01T00:00:00.$((n + 100))Z\"}" >"$T/data/i00.json"
	scan >"$T/out" 2>&1 && "$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1 || break
done
is "snapshots go on" "$(git -C "$T/repo" rev-list --count main)" 112
ok "packs were merged" [ "$(find "$T/repo/objects/pack" -name '*.pack' | wc -l)" -lt 40 ]
is_whole "merged"
exits "maintain" 0 "$EXPORTER" maintain --repo "$T/repo"
is_whole "packed again"
exits "show, at the label" 0 "$EXPORTER" show --repo "$T/repo" --at kept /api/v1/albums/a0/images
same "says what it said" "$T/out" "$T/show"
exits "audit of the last of its snapshots" 0 "$EXPORTER" audit --repo "$T/repo" --at "$last" --format json
same "says what it said" "$T/out" "$T/audit"
done_testing
