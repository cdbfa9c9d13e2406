#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A site in an object store, a real radosgw: every command that takes one, whose turn it is to
# publish, and what is refused.
. "$(dirname "$0")/lib.sh"

site() { echo "s3://$BUCKET/$1"; }
publish() { # PREFIX [OPTION]...
	local prefix=$1
	shift
	"$EXPORTER" publish --repo "$T/repo" --site "$(site "$prefix")" "$@"
}
publication() { s3 get "$1/.albumen/publication.json"; }
lease() { # PREFIX HOLDER SECONDS PENDING: somebody has a lease for so long
	printf '{"v":1,"holder":"%s","expires":"%s","pending":[%s],"conditional":true}\n' "$2" \
		"$(date -u -d "$3 seconds" +%FT%TZ)" "$4" | s3 put "$1/.albumen/publication.json" >/dev/null
}
OTHER=fedcba98-7654-4321-8fed-cba987654321

ok "there is a store" store ceph
cp -r "$ROOT/data/samples" "$T/data"
ok "scan" scan
ok "export to a folder" "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$T/site" \
	--collections --audit-page
ok "the store is brought to the same snapshot" publish a --collections --audit-page
ok "and holds the same bytes" store_holds a "$T/site"
is "nobody has it then" "$(publication a | jq -c 'del(.expires)')" \
	'{"v":1,"holder":null,"pending":[],"conditional":true}'

# --- what changes
printf '{"public_id":"one","album_id":"new","title":"1"}\n' >"$T/data/one.ndjson"
ok "a scan" scan
ok "export to a folder" "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$T/site" \
	--collections --audit-page
ok "export to the store" "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$(site a)" \
	--collections --audit-page
ok "it holds the same bytes" store_holds a "$T/site"
exits "--check finds nothing" 0 publish a --check
printf '[ ]' | s3 put a/api/v1/tag_images/one.json >"$T/out"
printf x | s3 put a/api/v1/tags/ghost/tag_images.json >"$T/out"
printf x | s3 put a/audit/mine.txt >"$T/out"
s3 rm a/api/v1/tags.json
exits "what others changed is found" 1 publish a --check
same "by name" <(sed '1d;$d' "$T/out" | sort) <(printf '%s\n' 'changed: api/v1/tag_images/one.json' \
	'extra: api/v1/tags/ghost/tag_images.json' 'missing: api/v1/tags.json')
exits "and repaired" 0 publish a --repair
s3 rm a/audit/mine.txt
ok "it holds the same bytes" store_holds a "$T/site"
ok "the folder, without the parts" "$EXPORTER" publish --repo "$T/repo" --site "$T/site" --at HEAD~1
ok "the store likewise, back at an older snapshot" publish a --at HEAD~1
ok "it holds the same bytes" store_holds a "$T/site"
ok "from a state that is not known" s3 rm a/snapshot.json
ok "it is brought there, too" publish a --at HEAD~1
ok "it holds the same bytes" store_holds a "$T/site"

# --- files that are put in pieces
"$PYTHON" -c 'for n in range(60):
    print("{\"id\":\"t%d\",\"name\":\"%s\",\"label\":\"l\"}" % (n, "x" * 100000))' >"$T/data/wide.ndjson"
ok "a scan of tags that make a large collection" scan
ok "export to a folder" "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$T/site" \
	--collections
ok "export to the store" "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$(site a)" \
	--collections
ok "it holds the same bytes" store_holds a "$T/site"
exits "--check finds nothing" 0 publish a --check
ok "one was larger than what is kept in memory" test "$(stat -c %s "$T/site/api/v1/tags.json")" -gt 5000000
rm "$T/data/wide.ndjson"
ok "a scan without them" scan

# --- whose turn it is
lease a $OTHER 100 ''
exits "while another publishes, nobody else does" 75 publish a
ok "the message names him" grep -q "by another publisher ($OTHER)" "$T/err"
exits "nor compares" 75 publish a --check
is "and nothing was changed" "$(publication a | jq -r .holder)" $OTHER
mine=$(cut -d' ' -f1 "$T/repo/albumen-exporter.holder")
lease a "$mine" 100 ''
exits "a lease of this repository's own is taken over" 0 publish a
lease a "$mine" 100 ''
cp -a "$T/repo" "$T/copy"
exits "a copy of the repository is another publisher" 75 "$EXPORTER" publish --repo "$T/copy" \
	--site "$(site a)" --at HEAD~1
exits "the repository itself is still the same" 0 publish a --at HEAD~1
echo nonsense | s3 put a/.albumen/publication.json >"$T/out"
exits "what cannot be read may be a lease" 75 publish a
printf '{"v":2}' | s3 put a/.albumen/publication.json >"$T/out"
exits "what a later version wrote is left alone" 1 publish a
ok "the message says so" grep -q "a later version" "$T/err"

# --- what happens meanwhile
printf '{"public_id":"uno","album_id":"new","title":"1"}\n' >"$T/data/one.ndjson"
ok "an image goes, and another comes" scan
ok "there is a snapshot of it" "$EXPORTER" export --index "$T/index" --repo "$T/repo"
ok "a site at an older snapshot" publish m --at HEAD~1
ok "a proxy stands before the store" proxy "GET m/snapshot.json 2 before $PYTHON $ROOT/tests/system/s3.py put m/snapshot.json $T/site/snapshot.json"
exits "another publication that ended meanwhile is noticed" 75 publish m
ok "the message says so" grep -q "another publication of site .* has ended meanwhile" "$T/err"
is "and no file was touched" "$(requests | grep -c '^[PD][A-Z]* .* m/api/')" 0
is "nobody has it then, and nothing is unfinished" "$(publication m | jq -c '[.holder,.pending]')" '[null,[]]'
proxy
ok "the next one publishes" publish m --at HEAD~1
proxy 'PUT m/api/* 1 status 403'
exits "a file that cannot be put" 77 publish m
is "nothing is removed before all are there" "$(requests | grep -c '^DELETE')" 0
is "and the site is not said to be there" "$(s3 get m/snapshot.json | jq -r .commit)" \
	"$(git -C "$T/repo" rev-parse HEAD~1)"
exits "--check says that it is unfinished" 1 publish m --check
ok "in words" grep -q '^unfinished: ' "$T/out"
proxy
ok "the next one finishes" publish m
exits "and the site is right" 0 publish m --check
AWS_ENDPOINT_URL=$STORE_URL

# --- what is refused
exits "a prefix of others" 1 publish "a/api"
ok "is named, with what is there" grep -q "neither empty nor a site: it has 'v1/" "$T/err"
s3 rm a/.albumen/publication.json
exits "another repository's site" 1 "$EXPORTER" export --index "$T/index" --repo "$T/repo-2" --site "$(site a)"
ok "the message says so" grep -q "and there is no repository yet" "$T/err"
AWS_SECRET_ACCESS_KEY=wrong exits "a wrong secret is denied" 77 publish b
ok "the message says what mends it" grep -q "the secret of the key" "$T/err"
AWS_ENDPOINT_URL=http://127.0.0.1:1 exits "a store that is not there may come" 75 publish b
exits "a name that is none" 2 "$EXPORTER" publish --repo "$T/repo" --site s3:/b

# --- follow, status, erase
start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$(site f)"
ok "follow publishes" publish f --check
printf '{"public_id":"two","album_id":"new","title":"2"}\n' >"$T/data/two.ndjson"
ok "a scan" scan
ok "follow publishes what changes" wait_until 60 s3 get f/api/v1/tag_images/two.json
health() { [ "$(s3 get f/health.json | jq -r .commit)" = "$(git -C "$T/repo" rev-parse main)" ]; }
ok "and says that it keeps the site up" wait_until 60 health
exits "status finds the site at the last snapshot" 0 "$EXPORTER" status --index "$T/index" --repo "$T/repo" \
	--site "$(site f)" --fail-on damaged,failed,lag=1h
ok "and says so" grep -q '^site *at the snapshot' "$T/out"

ok "follow ends when it is asked to" stop follow
rm "$T/data/two.ndjson"
ok "a scan" scan
exits "erase takes a record out of a store, too" 0 "$EXPORTER" erase --index "$T/index" --repo "$T/repo" \
	--site "$(site f)" --image two --reason 'on request'
ok "it is gone" not s3 get f/api/v1/tag_images/two.json
exits "and the site is right" 0 publish f --check
done_testing
