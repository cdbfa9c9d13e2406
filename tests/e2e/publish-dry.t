#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# publish --dry-run says what a publication would write, and changes nothing, not even a lock.
. "$(dirname "$0")/lib.sh"

publish() { # [OPTION]...
	"$EXPORTER" publish --repo "$T/repo" --site "$T/site" "$@"
}
state() { # everything there is, with its time: a write that changed nothing shows, too
	find "$T/repo" "$T/site" -printf '%p %y %s %m %T@ %C@ %i\n' 2>&1 | sort
}
dry() { # NAME STATUS OPTION...
	local name=$1 status=$2
	shift 2
	state >"$T/before"
	exits "$name" "$status" publish --dry-run "$@"
	state >"$T/after"
	same "$name: nothing has changed" "$T/after" "$T/before"
}
counts() { jq -c '[.commit, .tree, .site.written, .site.bytes, .site.removed]' "$T/out"; }
foretells() { # NAME OPTION...: a dry run, then the publication; passes if both say the same
	local name=$1
	shift
	dry "$name: a dry run" 0 --json "$@"
	is "$name: it says that it was dry" "$(jq -c '[.dry_run, .site.requests]' "$T/out")" '[true,0]'
	counts >"$T/foretold"
	exits "$name: the publication" 0 publish --json "$@"
	is "$name: it was not dry" "$(jq .dry_run "$T/out")" false
	counts >"$T/done"
	same "$name: it is what was foretold" "$T/done" "$T/foretold"
}
written() { jq .site.written "$T/out"; }

mkdir "$T/data" "$T/plain"
cp -R "$ROOT/data/samples/." "$T/data"
scan >"$T/out"
"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1
for i in {1..200}; do
	printf '{"public_id":"many%d","album_id":"album%d"}\n' "$i" $((i % 50))
done >"$T/data/many.ndjson"
scan >"$T/out"
"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1
sed -i 1d "$T/data/many.ndjson"
scan >"$T/out"
"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1

foretells "a folder that does not exist" --at HEAD~2
foretells "nothing to do" --at HEAD~2
is "nothing is written then" "$(written)" 0
foretells "many files"
ok "they are many" [ "$(written)" -gt 200 ]
foretells "few files" --at HEAD~1
is "they are few" "$(written)" 3
foretells "collections and the audit page" --at HEAD~1 --collections --audit-page
foretells "a change of these" --collections --audit-page
foretells "without these again"
rm "$T/site/snapshot.json"
foretells "a site whose state is not known" --at HEAD~1
echo edited >"$T/site/api/v1/tag_images/many2.json"
rm "$T/site/snapshot.json"
foretells "files of others" --at HEAD~1
is "only what differs is written" "$(written)" 1
foretells "an empty folder"

# What a publication would say and refuse.
rm -r "$T/site/api"
dry "a damaged site" 1
is "it is called damaged" "$(tail -n 1 "$T/out")" "site: damaged, nothing would be written"
rm -r "$T/site"
echo mine >"$T/plain/file"
mv "$T/plain" "$T/site"
dry "a folder of other things" 1
is "it says why" "$(grep -c 'neither empty nor a site' "$T/err")" 1
rm -r "$T/site"
dry "with --check" 2 --check
dry "with --repair" 2 --repair
dry "lines for people" 0
is "they say what would be" "$(sed 1d "$T/out" | tr 0-9 N | tr -s N)" \
	"site: N files of N bytes would be written, N removed"
publish >"$T/out"
dry "lines for people, when there is nothing to do" 0
is "say so" "$(tail -n 1 "$T/out")" "site: nothing to do"

# A publication that was interrupted, and one that runs.
publish --at HEAD~2 >"$T/out"
(ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$T/trace" -e trace=renameat \
	-e inject=renameat:signal=KILL:when=3 \
	"$EXPORTER" publish --repo "$T/repo" --site "$T/site" --at HEAD~1; exit $?) >"$T/out" 2>&1
is "a publication is killed" $? 137
foretells "after it, to another snapshot"
exec 8<"$T/site/.albumen/lock"
flock 8
dry "while somebody publishes" 0
exec 8<&-

# A dry export that would make no snapshot says what the site lacks; one that would, cannot.
export_dry() { "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$T/site" --dry-run "$@"; }
publish --at HEAD~1 >"$T/out"
state >"$T/before"
exits "a dry export" 0 export_dry --json
is "it says what the site lacks" "$(jq -c '[.made, .site.written, .site.removed]' "$T/out")" "$(
	publish --dry-run --json | jq -c '[false, .site.written, .site.removed]')"
exits "for people" 0 export_dry
is "likewise" "$(grep -c '^site: .* would be written' "$T/out")" 1
state >"$T/after"
same "nothing has changed" "$T/after" "$T/before"
sed -i 1d "$T/data/many.ndjson"
scan >"$T/out"
exits "a dry export that would make a snapshot" 0 export_dry --json
is "has no answer" "$(jq -c '[.made, .site]' "$T/out")" '[true,null]'
exits "for people" 0 export_dry
is "it says so" "$(tail -n 1 "$T/out")" \
	"site: how many files would be written is known when the snapshot is made"

done_testing
