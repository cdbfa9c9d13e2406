#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A repository stays quick to write and small to keep, whatever number of snapshots it has,
# and every one of them stays as it was.
. "$(dirname "$0")/lib.sh"

SNAPSHOTS=200

image() { # NUMBER TITLE
	printf '{"public_id":"i%s","album_id":"a%s","title":"%s"}\n' "$1" "$(($1 % 7))" "$2"
}
change() { # N: one image, and the index with it
	image $(($1 % 50)) "change $1" >"$T/data/$(($1 % 50)).json"
	scan >"$T/out" 2>&1
}
packs() {
	find "$T/repo/objects/pack" -name '*.pack' | wc -l
}
maintain() {
	"$EXPORTER" maintain --repo "$T/repo" "$@"
}
files() { # SITE: every response, and what is in it
	(cd "$1/api" && find . -type f -exec sha1sum {} + | sort -k2)
}
same_as_then() { # NAME REV
	rm -rf "$T/again"
	"$EXPORTER" publish --repo "$T/repo" --site "$T/again" --rev "$2" >"$T/out" 2>&1 || diag <"$T/out"
	files "$T/again" >"$T/files"
	same "$1" "$T/files" "$T/then.$2"
}
remember() { # TAG: the snapshot, and what the site has of it
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
is "there is a snapshot of each change" "$(git -C "$T/repo" rev-list --count main)" $((SNAPSHOTS + 1))
ok "there were never many packs ($most)" [ "$most" -le 50 ]
is "nothing is loose, nothing is left over" "$(git -C "$T/repo" count-objects -v |
	grep -E '^(count|garbage|prune-packable):' | tr '\n' ' ')" "count: 0 prune-packable: 0 garbage: 0 "
is "git fsck has nothing to say" "$(git -C "$T/repo" fsck --strict --no-progress 2>&1)" ""
same_as_then "the first snapshot is what it was" first
same_as_then "and an early one" early

# As small as it gets.
exits "maintain" 0 maintain --json
ok "it makes the packs smaller by a quarter" jq -e '.done and .after.bytes < .before.bytes * 0.75' "$T/out"
is "it is one pack" "$(packs)" 1
is "git fsck has nothing to say of it" "$(git -C "$T/repo" fsck --full --strict --no-progress 2>&1)" ""
same_as_then "the first snapshot is still what it was" first
same_as_then "and the early one" early
same_as_then "and the last" last
exits "there is nothing more to do" 0 maintain
is "and it says so" "$(cat "$T/out")" "nothing to do"
exits "to machines, too" 0 maintain --json
is "with what there is" "$(jq -c '[.done, .objects, .after.packs]' "$T/out")" "[false,0,1]"
rm -rf "$T/clone"
ok "it can be cloned" git clone -q --bare --no-local "$T/repo" "$T/clone"

# It goes on.
change 1000 && export_all >"$T/out"
is "the next snapshot is as any" "$(cat "$T/out")" \
	"snapshot $(git -C "$T/repo" rev-parse main): 0 added, 2 changed, 0 removed
site: 2 files written, 0 removed"
exits "maintain packs what is new" 0 maintain
is "and nothing else" "$(sed -E 's/[0-9]+ bytes/N bytes/' "$T/out" | tr '\n' '|' | sed -E 's/^[12]?[0-9] /few /')" \
	"few objects repacked|before: 2 packs, N bytes|now: 2 packs, N bytes|"
same_as_then "the first snapshot is what it was, again" first

# Beside others.
ok "follow starts" start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
exits "it lets others write between two exports" 0 maintain
exits "and label" 0 "$EXPORTER" snapshot --repo "$T/repo" --label kept --reason why
for n in {2000..2059}; do
	change "$n"
	wait_until 10 grep -q "change $n" "$T"/site/api/v1/albums/*/images.json || break
done
stop follow
is "it went on to the last change" "$n" 2059
ok "and kept the packs few ($(packs))" [ "$(packs)" -le 50 ]
is "git fsck has nothing to say at the end" "$(git -C "$T/repo" fsck --strict --no-progress 2>&1)" ""
same_as_then "the first snapshot is what it was, at the end" first

# Another writer is waited for, and named.
exec 8>>"$T/repo/albumen-exporter.lock"
flock 8 && echo "somebody (process 1)" >"$T/repo/albumen-exporter.lock"
change 3000
for command in "maintain" "snapshot --label late --reason why" "export --index $T/index"; do
	# shellcheck disable=SC2086
	exits "${command%% *} does not wait for ever" 75 "$EXPORTER" $command --repo "$T/repo" --wait 0
	ok "and says who writes" grep -q "somebody (process 1)" "$T/err"
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

exits "no repository, no maintenance" 1 "$EXPORTER" maintain --repo "$T/nowhere"
done_testing
