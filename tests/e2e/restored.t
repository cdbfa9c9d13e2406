#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What an export goes on from: it notices an index restored from a copy, and remembers
# an export that made no snapshot.
. "$(dirname "$0")/lib.sh"

image() { # ID ALBUM TITLE
	echo "{\"public_id\":\"$1\",\"album_id\":\"$2\",\"title\":\"$3\"}"
}
tree() { # REPO
	git -C "$1" rev-parse 'main^{tree}'
}
rendered() { # exports, and prints how many responses were rendered
	export_all --json | jq .rendered
}
trailer() { # NAME
	git -C "$T/repo" log -1 --format="%(trailers:key=$1,valueonly)" main | head -n 1
}
is_clean() { # NAME: passes if tree and site are those of a clean rebuild
	rm -rf "$T/clean"
	mkdir "$T/clean"
	"$INDEXER" scan --data "$T/data" --index "$T/clean/index" >"$T/out" 2>&1
	"$EXPORTER" export --index "$T/clean/index" --repo "$T/clean/repo" \
		--site "$T/clean/site" >"$T/out" 2>&1
	is "$1: the tree of a clean rebuild" "$(tree "$T/repo")" "$(tree "$T/clean/repo")"
	ok "$1: its site" diff -r "$T/site/api" "$T/clean/site/api"
	ok "$1: check finds nothing" "$INDEXER" check --index "$T/index"
	ok "$1: verify finds nothing" "$EXPORTER" verify --repo "$T/repo"
}
copy_back() {
	rm -rf "$T/index"
	cp -a "$T/copy" "$T/index"
}

mkdir "$T/data"
for i in {0..19}; do
	image "i$i" a "$i" >"$T/data/$i.json"
done
ok "an index is made" scan
ok "and exported" export_all
ok "a snapshot says the epoch of its sequence" grep -qE '^[0-9a-f]{16}$' <<<"$(trailer Albumen-Epoch)"
cp -a "$T/index" "$T/copy"

# Index and copy have as many changes since, of other images.
for i in 1 2 3; do
	image "i$i" a "changed $i" >"$T/data/$i.json"
done
ok "images change" scan
ok "and are exported" export_all
before=$(trailer Albumen-Sequence)
copy_back
for i in 1 2 3; do
	image "i$i" a "$i" >"$T/data/$i.json"
done
for i in 4 5 6 7; do
	image "i$i" a "otherwise $i" >"$T/data/$i.json"
done
ok "a copy is restored, and other images change" scan
ok "its sequence is as far as before" [ "$("$INDEXER" status --index "$T/index" --json | jq .sequence)" -ge "$before" ]
export_all --json >"$T/out"
is "everything is rendered" "$(jq .full "$T/out")" true
is_clean "restored and changed"
is "the next export renders nothing" "$(rendered)" 0

# Restored without a change: the sequence runs backwards.
cp -a "$T/index" "$T/copy.2"
image i8 a later >"$T/data/8.json"
ok "an image changes" scan
ok "and is exported" export_all
rm -rf "$T/index"
cp -a "$T/copy.2" "$T/index"
image i8 a 8 >"$T/data/8.json"
touch -d '2020-01-01' "$T/data/8.json"
ok "a restored copy is exported without a change" export_all
is "the snapshot says so" "$(trailer Albumen-Restored)" yes
is_clean "restored alone"

# The next export after that.
is "a restored index costs one full export only" "$(rendered)" 0

# A new index of the same folder: the tree is the same, so no snapshot can record it.
rm -rf "$T/index"
ok "the index is made again" scan
export_all --json >"$T/out"
is "everything is rendered once" "$(jq .full "$T/out")" true
is "no snapshot is made" "$(jq .made "$T/out")" false
is "a second export renders nothing" "$(rendered)" 0
is "nor does a third" "$(rendered)" 0
image i9 a new >"$T/data/9.json"
ok "an image changes" scan
export_all --json >"$T/out"
is "only what changed is rendered" "$(jq .full "$T/out")" false
is_clean "made anew and changed"
rm -rf "$T/index"
ok "the index is made once more" scan
ok "it is exported" export_all
echo nonsense >"$T/repo/albumen-exporter.note"
ok "a damaged note costs a full export" [ "$(rendered)" -gt 0 ]
is "one only" "$(rendered)" 0
rm "$T/repo/albumen-exporter.note"
ok "so does a lost note" [ "$(rendered)" -gt 0 ]
is "one only, too" "$(rendered)" 0
ok "an export leaves a member out that no record has" export_all --drop exifs --accept redaction
ok "the same --drop renders nothing the next time" [ "$(export_all --drop exifs --json | jq .rendered)" = 0 ]
ok "without it everything is rendered" [ "$(rendered)" -gt 0 ]
is_clean "at the end"
done_testing
