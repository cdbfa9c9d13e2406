#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# export --dry-run says what an export would do, and refuses what it would
# refuse; it writes nothing, not even a lock.
. "$(dirname "$0")/lib.sh"

# Every file and folder but the index, with its time: a write that changed nothing shows, too.
state() {
	find "$T/repo" "$T/site" "$T/none" "$T/plain" -printf '%p %y %s %m %T@ %i\n' 2>&1 | sort
}
dry() { # NAME STATUS OPTION...: runs it dry, and passes if nothing was written
	local name=$1 status=$2
	shift 2
	state >"$T/before"
	exits "$name" "$status" "$EXPORTER" export --index "$T/index" --dry-run "$@"
	state >"$T/after"
	same "$name: nothing was written" "$T/after" "$T/before"
}
# The members of a result that a dry run and the export after it have in common.
counts() {
	jq -c '[.tree, .made, .full, .rendered, .added, .changed, .removed, .drop, .round_gps]' "$T/out"
}
foretells() { # NAME OPTION...: a dry run, then the export; passes if both say the same
	local name=$1
	shift
	dry "$name: a dry run" 0 --repo "$T/repo" --site "$T/site" --json "$@"
	counts >"$T/foretold"
	is "$name: it says that it was dry" "$(jq .dry_run "$T/out")" true
	is "$name: it names the last snapshot" "$(jq -r .commit "$T/out")" \
		"$(git -C "$T/repo" rev-parse -q --verify main 2>/dev/null || echo null)"
	exits "$name: the export" 0 export_all --json "$@"
	counts >"$T/done"
	same "$name: it is what was foretold" "$T/done" "$T/foretold"
}

mkdir "$T/data"
cp -R "$ROOT/data/samples/." "$T/data"
exits "an index that was never scanned has status 1" 1 "$EXPORTER" export --index "$T/index" --repo "$T/none" --dry-run
scan >"$T/out"

foretells "the first snapshot"
foretells "no change"
rm "$T/data/tagged/"*.json
echo '[{"public_id":"new","album_id":"new","gps":[1.2345,2],"exifs":{"a":1}}]' >"$T/data/new.json"
scan >"$T/out"
foretells "images that were added, and tags removed"
foretells "other options" --drop exifs --drop gps --round-gps 1
rm "$T/data/new.json"
scan >"$T/out"
foretells "the same options, and a change" --drop gps --drop exifs --round-gps 1
rm -rf "$T/index"
scan >"$T/out"
foretells "an index that was made again" --drop gps --drop exifs --round-gps 1

# For people.
dry "lines for people" 0 --repo "$T/repo" --drop gps --drop exifs --drop infos --round-gps 1
is "they say what would be made" "$(sed -n 1p "$T/out" | tr 0-9 N | tr -s N)" \
	"a snapshot would be made: N added, N changed, N removed"
is "and what each option matched" "$(sed 1d "$T/out" | tr 0-9 N | tr -s N | paste -sd' ')" \
	"--drop exifs: N matched --drop gps: N matched --drop infos: N matched --round-gps N: N matched"
dry "nothing to do" 0 --repo "$T/repo" --drop gps --drop exifs --round-gps 1
is "it says so" "$(sed 1q "$T/out")" "snapshot $(git -C "$T/repo" rev-parse main): nothing changed"

# What the export would refuse.
dry "what would come back" 1 --repo "$T/repo" --drop gps --round-gps 1
ok "it is named" grep -qF -- "give --drop 'exifs';" "$T/err"
dry "with --accept redaction" 0 --repo "$T/repo" --drop gps --round-gps 1 --accept redaction --json
is "it would be made" "$(jq .made "$T/out")" true
dry "a path that matches nothing" 1 --repo "$T/repo" --drop gps --drop exifs --drop exif --round-gps 1
dry "a path that matches nothing, in a first snapshot" 1 --repo "$T/none" --drop exif
dry "a wrong path" 2 --repo "$T/none" --drop id
mkdir "$T/plain"
echo mine >"$T/plain/file"
dry "a folder of other things as the repository" 1 --repo "$T/plain"
dry "a folder of other things as the site" 1 --repo "$T/repo" --site "$T/plain" --drop gps --drop exifs --round-gps 1
git clone -q "$T/repo" "$T/clone"
dry "a clone that is not bare" 1 --repo "$T/clone" --drop gps --drop exifs --round-gps 1
exits "the site is untouched" 0 "$EXPORTER" publish --repo "$T/repo" --site "$T/site" --check

# A snapshot that would be signed, or would have to be.
ssh-keygen -q -t ed25519 -N '' -f "$T/key"
signed() {
	"$EXPORTER" export --index "$T/index" --repo "$T/signed" "$@"
}
signed --sign "$T/key" >"$T/out"
echo '[{"public_id":"late","album_id":"new"}]' >"$T/data/late.json"
scan >"$T/out"
commit=$(git -C "$T/signed" rev-parse main)
exits "a dry run for a snapshot without its signature is refused" 1 signed --dry-run
ok "it says why" grep -qF -- "--accept unsigned" "$T/err"
exits "with a key it is not" 0 signed --dry-run --sign "$T/key"
is "it makes no snapshot" "$(git -C "$T/signed" rev-parse main)" "$commit"
rm "$T/data/late.json"
scan >"$T/out"

# While another program holds the repository's lock.
exec {lock}<>"$T/repo/albumen-exporter.lock"
flock -x "$lock"
dry "a dry run needs no lock" 0 --repo "$T/repo" --drop gps --drop exifs --round-gps 1
exec {lock}>&-

# A first export that is refused makes no repository.
exits "a first export whose --drop matches nothing is refused" 1 "$EXPORTER" export \
	--index "$T/index" --repo "$T/none" --drop exif
ok "it says which" grep -qF "is at --drop 'exif';" "$T/err"
ok "it makes no repository" test ! -e "$T/none"

done_testing
