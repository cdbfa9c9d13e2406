#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# publish --dry-run to an object store: it says how many files, bytes and requests a publication
# would take, and sends nothing that changes the store.
. "$(dirname "$0")/lib.sh"

publish() { "$EXPORTER" publish --repo "$T/repo" --site "s3://$BUCKET/p" "$@"; }
counts() { jq -c '[.commit, .tree, .site.written, .site.bytes, .site.removed, .site.requests]' "$T/out"; }
sent() { requests | grep -vc '?.*list-type'; }
foretells() { # NAME EXTRA OPTION...: a dry run, then the publication; passes if both say the same
	local name=$1 extra=$2
	shift 2
	proxy
	exits "$name: a dry run" 0 publish --dry-run --json "$@"
	is "$name: it only reads" "$(requests | grep -vc '^GET ')" 0
	counts >"$T/foretold"
	proxy
	exits "$name: the publication" 0 publish --json "$@"
	counts >"$T/done"
	same "$name: it is what was foretold" "$T/done" "$T/foretold"
	is "$name: as many requests were sent" "$(($(sent) - extra))" "$(jq .site.requests "$T/out")"
}

store ceph && proxy || exit 1
for i in {1..100}; do
	printf '{"public_id":"many%d","album_id":"album%d"}\n' "$i" $((i % 20))
done >"$T/many.ndjson"
mkdir "$T/data"
mv "$T/many.ndjson" "$T/data"
scan >"$T/out"
"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1
sed -i '1d; s/many2"/many2","title":"two"/' "$T/data/many.ndjson"
scan >"$T/out"
"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1

foretells "a prefix that nobody used" 5 --at HEAD~1 # and five to probe the store
foretells "one image was removed, and one changed" 0
foretells "and back" 0 --at HEAD~1
foretells "collections" 0 --collections --at HEAD~1
exits "for people" 0 publish --dry-run --collections
is "the requests stand in the line" "$(tail -n 1 "$T/out" | tr 0-9 N | tr -s N)" \
	"site: N files of N bytes would be written, N removed, in about N requests"
exits "nothing to do" 0 publish --dry-run --collections --at HEAD~1 --json
is "takes none" "$(jq -c '[.site.written, .site.requests]' "$T/out")" '[0,0]'
s3 rm p/snapshot.json
foretells "a site whose state is not known" 0 --at HEAD~1

done_testing
