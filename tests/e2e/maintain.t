#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A repository stays quick to write and small, however many snapshots it has,
# and every snapshot stays as it was.
. "$(dirname "$0")/lib.sh"

SNAPSHOTS=200

image() { # NUMBER TITLE
	printf '{"public_id":"i%s","album_id":"a%s","title":"%s"}\n' "$1" "$(($1 % 7))" "$2"
}
change() { # N: changes one image, and the index
	image $(($1 % 50)) "change $1" >"$T/data/$(($1 % 50)).json"
	scan >"$T/out" 2>&1
}
packs() {
	find "$T/repo/objects/pack" -name '*.pack' | wc -l
}
maintain() {
	"$EXPORTER" maintain --repo "$T/repo" "$@"
}
files() { # SITE: prints the hash of every response
	(cd "$1/api" && find . -type f -exec sha1sum {} + | sort -k2)
}
same_as_then() { # NAME REV
	rm -rf "$T/again"
	"$EXPORTER" publish --repo "$T/repo" --site "$T/again" --rev "$2" >"$T/out" 2>&1 || diag <"$T/out"
	files "$T/again" >"$T/files"
	same "$1" "$T/files" "$T/then.$2"
}
remember() { # TAG: keeps the snapshot, and the hashes of the site
	git -C "$T/repo" tag "$1" main
	files "$T/site" >"$T/then.$1"
}

# The first one, and many small ones.
mkdir "$T/data"
for i in {0..49}; do
	image "$i" new >"$T/data/$i.json"
done
scan >"$T/out" && export_all >"$T/out"
remember first
most=0
for ((n = 1; n <= SNAPSHOTS; n++)); do
	change "$n" && export_all >"$T/out" || break
	count=$(packs)
	[ "$count" -gt "$most" ] && most=$count
	[ "$n" = 77 ] && remember early
done
remember last
is "each change has a snapshot" "$(git -C "$T/repo" rev-list --count main)" $((SNAPSHOTS + 1))
ok "there were never many packs ($most)" [ "$most" -le 50 ]
is "there are no loose objects and no garbage" "$(git -C "$T/repo" count-objects -v |
	grep -E '^(count|garbage|prune-packable):' | tr '\n' ' ')" "count: 0 prune-packable: 0 garbage: 0 "
is "git fsck finds nothing" "$(git -C "$T/repo" fsck --strict --no-progress 2>&1)" ""
same_as_then "the first snapshot is as it was" first
same_as_then "so is an early one" early

# As small as it can be.
exits "maintain" 0 maintain --json
ok "maintain makes the packs smaller by a tenth" jq -e '.done and .bytes < .bytes_before * 0.9' "$T/out"
is "one pack is left" "$(packs)" 1
is "git fsck finds nothing in it" "$(git -C "$T/repo" fsck --full --strict --no-progress 2>&1)" ""
same_as_then "the first snapshot is still as it was" first
same_as_then "so is the early one" early
same_as_then "so is the last" last
exits "maintain again succeeds" 0 maintain
is "and has nothing to do" "$(cat "$T/out")" "nothing to do"
exits "so it says with --json" 0 maintain --json
is "which counts what there is" "$(jq -c '[.done, .objects, .packs]' "$T/out")" "[false,0,1]"
rm -rf "$T/clone"
ok "the repository can be cloned" git clone -q --bare --no-local "$T/repo" "$T/clone"

# It goes on.
change 1000 && export_all >"$T/out"
is "the next snapshot is like any other" "$(cat "$T/out")" \
	"snapshot $(git -C "$T/repo" rev-parse main): 0 added, 2 changed, 0 removed
site: 2 files written, 0 removed"
exits "maintain packs the new objects" 0 maintain
is "and no others" "$(sed -E 's/[0-9]+ bytes/N bytes/' "$T/out" | tr '\n' '|' | sed -E 's/^[12]?[0-9] /few /')" \
	"few objects repacked|before: 2 packs, N bytes|now: 2 packs, N bytes|"
same_as_then "the first snapshot is still as it was, again" first

# Beside other writers.
ok "follow starts" start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
exits "maintain runs between two exports" 0 maintain
exits "so does snapshot" 0 "$EXPORTER" snapshot --repo "$T/repo" --label kept --reason why
for n in {2000..2059}; do
	change "$n"
	wait_until 10 grep -q "change $n" "$T"/site/api/v1/albums/*/images.json || break
done
stop follow
is "follow exported the last change" "$n" 2059
ok "and there are few packs ($(packs))" [ "$(packs)" -le 50 ]
is "git fsck finds nothing at the end" "$(git -C "$T/repo" fsck --strict --no-progress 2>&1)" ""
same_as_then "the first snapshot is as it was at the end" first

# Commands wait for another writer, and name it.
exec 8>>"$T/repo/albumen-exporter.lock"
flock 8 && echo "somebody (process 1)" >"$T/repo/albumen-exporter.lock"
change 3000
for command in "maintain" "snapshot --label late --reason why" "export --index $T/index"; do
	# shellcheck disable=SC2086
	exits "${command%% *} --wait 0 does not wait" 75 "$EXPORTER" $command --repo "$T/repo" --wait 0
	ok "and names the writer" grep -q "somebody (process 1)" "$T/err"
done
spawn waiting "$EXPORTER" export --index "$T/index" --repo "$T/repo" --wait 60 8>&-
ok "export waits" wait_until 10 grep -q "waiting for up to 60 s: .*somebody (process 1)" "$T/waiting.log"
exec 8>&-
wait_until 30 not alive waiting
ok "and goes on" grep -q "^snapshot " "$T/waiting.log"
exec 8>>"$T/repo/albumen-exporter.lock"
flock 8
spawn waiting "$EXPORTER" export --index "$T/index" --repo "$T/repo" --wait 60 8>&-
wait_until 10 grep -q "waiting for up to 60 s" "$T/waiting.log"
stop waiting
is "a signal ends the wait" "$?" 1
exec 8>&-

exits "without a repository maintain fails" 1 "$EXPORTER" maintain --repo "$T/nowhere"
done_testing
