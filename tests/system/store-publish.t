#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Publishing to an object store, a real radosgw: byte for byte what a folder gets, at the cost that
# albumen(7) states, counted by a proxy; and comparing, rolling back, several sites in a bucket.
. "$(dirname "$0")/lib.sh"

publish() { # PREFIX [OPTION]...
	local prefix=$1
	shift
	"$EXPORTER" publish --repo "$T/repo" --site "s3://$BUCKET/$prefix" "$@"
}
by_kind() { # how many requests of each kind, without the exporter's own and snapshot.json
	requests | grep -v '\(snapshot\|publication\)\.json' | cut -d' ' -f1,2 | sort | uniq -c |
		sed 's/^ *//' | paste -sd' '
}
own() { # the requests that a publication costs whatever changes, in their order
	requests | sed -n 's/^\([A-Z]* [0-9]*\) [^ ]*\(publication\|snapshot\)\.json/\1 \2/p'
}
lists() { requests | grep -c '?.*list-type'; }

store ceph && proxy || exit 1

# --- the samples
cp -r "$ROOT/data/samples" "$T/data"
ok "scan of the samples" scan
for options in '' '--collections --audit-page'; do
	site=site${options:+-all}
	# shellcheck disable=SC2086 # several options
	ok "export to a folder $options" "$EXPORTER" export --index "$T/index" --repo "$T/$site.repo" \
		--site "$T/$site" $options
	# shellcheck disable=SC2086
	ok "and to a store" "$EXPORTER" export --index "$T/index" --repo "$T/$site.repo" \
		--site "s3://$BUCKET/$site" $options
	ok "the store holds the same bytes" store_holds $site "$T/$site"
done
for type in 'snapshot.json application/json; charset=utf-8' 'audit/index.html text/html; charset=utf-8' \
	'api/v1/tags.json application/json; charset=utf-8'; do
	s3 head "$site/${type%% *}" >"$T/head"
	is "${type%% *} has its type, and is asked for again each time" \
		"$(header Content-Type); $(header Cache-Control)" "${type#* }; no-cache"
done
rm -r "$T/data" "$T/index"
ok "there are three snapshots" three_sites

# --- what a publication costs
proxy
ok "the first publication" publish p --at one
ok "the store holds it" store_holds p "$T/one"
files=$(find "$T/one" -path '*/.albumen' -prune -o -type f ! -name snapshot.json -print | wc -l)
is "it writes each file once" "$(by_kind | sed 's/ [0-9]* [A-Z]* [0-9]* \?$//' | grep -o "[0-9]* PUT 200" | head -n 1)" \
	"$((files + 1)) PUT 200"
is "and lists at most once, to see that nothing is there" "$(($(lists) <= 1))" 1

cost() { # FROM TO [OPTION]...: publishes, and compares what it cost
	local from=$1 to=$2 puts gone
	shift 2
	proxy
	ok "from $from to $to" publish p --at "$to" "$@"
	puts=$(diff -rq -x .albumen -x snapshot.json "$T/$from" "$T/$to" | grep -vc "^Only in $T/$from")
	gone=$(diff -rq -x .albumen -x snapshot.json "$T/$from" "$T/$to" | grep -c "^Only in $T/$from")
	is "costs a request for each file that differs" "$(by_kind)" \
		"$(sed 's/^0 DELETE 204 //' <<<"$gone DELETE 204 $puts PUT 200")"
	is "and six" "$(own)" "GET 200 publication
GET 200 snapshot
PUT 200 publication if-match
GET 200 snapshot
PUT 200 snapshot if-match
PUT 200 publication if-match"
	is "and no listing" "$(lists)" 0
	ok "the store holds it" store_holds p "$T/$to"
}
cost one two
cost two three
cost three one
cost one three
proxy
ok "published again" publish p --at three
is "it writes nothing" "$(requests | grep -vc '^GET 200')" 0
is "and reads two keys" "$(requests | wc -l)" 2
s3 get p/.albumen/publication.json >"$T/publication"
is "nobody holds it, and nothing is unfinished" "$(jq -c '[.holder,.pending]' "$T/publication")" '[null,[]]'
ok "a time says which snapshot, too" publish p --rev "$(git -C "$T/repo" log -1 --format=%cI two)"
jq -r .commit "$T/.held/snapshot.json" >"$T/out"

# --- several in one bucket
for prefix in p2 p/inner 'with space & é+%2F'; do
	ok "another site, $prefix" publish "$prefix" --at two
done
ok "a whole bucket is a site, too" "$EXPORTER" publish --repo "$T/repo" --site "s3://$BUCKET" \
	--at one --accept site
ok "one is published over" publish p --at one
for prefix in p2 p/inner 'with space & é+%2F'; do
	ok "$prefix is as it was" store_holds "$prefix" "$T/two"
done

# --- comparing
ok "a site that is right" publish p2 --check
proxy
ok "is listed, not read" publish p2 --check
is "which costs listings alone" "$(requests | grep -vc '^GET 200 \(?.*list-type\|p2/snapshot\|p2/.albumen\)')" 0
(cd "$T/two" && find api -type f | sort) >"$T/names"
changed=$(sed -n 1p "$T/names") gone=$(sed -n 2p "$T/names")
printf '[]x' | s3 put "p2/$changed" >"$T/out"
s3 rm "p2/$gone"
printf 'x' | s3 put p2/api/v1/tag_images/extra.json >"$T/out"
exits "a site that others changed" 1 publish p2 --check
same "each file that differs is named" <(sort "$T/out" | grep -o 'api/[^ ]*' | sort) \
	<(printf '%s\n' "$changed" "$gone" api/v1/tag_images/extra.json | sort)
proxy
ok "is repaired" publish p2 --repair
is "at the cost of what differs" "$(by_kind | grep -o '[0-9]* \(PUT\|DELETE\) 20.' | paste -sd' ')" \
	"1 DELETE 204 2 PUT 200"
ok "and is right then" store_holds p2 "$T/two"
ok "as it says itself" publish p2 --check

# --- what it says
exits "a site can be asked about" 0 "$EXPORTER" status --index "$T/index" --repo "$T/repo" \
	--site "s3://$BUCKET/p2" --json --fail-on damaged
is "and is at its snapshot" "$(jq -r .site.commit "$T/out")" "$(git -C "$T/repo" rev-parse two)"
publish p2 --at three -v --json >"$T/out" 2>"$T/err"
ok "no message has a secret" not grep -r SKTEST "$T/out" "$T/err"
done_testing
