#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Publishing to an object store under faults: each kind at each request, and kill -9 at each. A reader
# looks on all the while; at the end the store holds what a folder does, byte for byte.
. "$(dirname "$0")/lib.sh"

publish() { # TO
	"$EXPORTER" publish --repo "$T/repo" --site "s3://$BUCKET/p" --at "$1" >"$T/out" 2>"$T/err"
}
settled() { # is somebody's publication unfinished?
	[ "$(s3 get p/.albumen/publication.json | jq -c '[.holder,.pending]')" = '[null,[]]' ]
}
finished() { # NAME SITE
	proxy_idle
	{ store_holds p "$T/$2" && settled; } >"$T/why" 2>&1
	result $? "$1" || { cat "$T/why" "$T/err"; s3 get p/.albumen/publication.json; } | diag
}

store ceph && proxy || exit 1
ok "there are three snapshots" three_sites
declare -A next=([one]=two [two]=three [three]=one)

# --- each fault once, at the requests that matter: those that a publication always costs, and some
# of the others. The site goes round: one, two, three, one...
ok "the first publication" publish one
proxy
publish two
requests_of_two=$(requests | wc -l)
publish three && publish one
is "the proxy counts" "$((requests_of_two > 12))" 1
at=one sites=("$T/one")
cases=()
for fault in drop drop-after 'status 500' 'status-after 500' 'status 503' 'status 429' truncate; do
	for which in 1 2 3 4 5 7 9 10 11 12 13 14 15 16; do
		cases+=("* * $which $fault")
	done
done
cases+=('PUT *snapshot.json 1 drop' 'PUT *snapshot.json 1 drop-after' 'PUT *snapshot.json 1 status-after 500'
	'PUT *snapshot.json 1-2 status-after 503' 'PUT *publication.json 1 drop-after'
	'PUT *publication.json 2 drop-after' 'PUT *publication.json 2 status-after 500'
	'* * %3 status 503' '* * %3 drop-after' 'GET * * trickle' 'DELETE * 1-2 status-after 500'
	'DELETE * 1 drop-after')
for case in "${cases[@]}"; do
	at=${next[$at]}
	sites+=("$T/$at")
done
at=one
ok "a reader reads" reader p "${sites[@]}"
failed=0 step=0
for case in "${cases[@]}"; do
	wait_until 60 grep -qx "at $((++step))" "$T/reader.log" # it must not miss a site
	at=${next[$at]}
	proxy "$case"
	publish $at && cmp -s "$T/$at/snapshot.json" <(s3 get p/snapshot.json) && settled && continue
	failed=$((failed + 1))
	result 1 "$case, to $at" || { cat "$T/err"; requests; } | diag
	proxy # so that the next begins from a site that is right
	publish $at
done
is "every fault is got over (${#cases[@]})" "$failed" 0
finished "and all is as it must be" $at
ok "the reader saw each site, and nothing else" stop reader
tail -n 1 "$T/reader.log" | diag

# --- faults that stay
reader p "$T/$at" "$T/${next[$at]}"
to=${next[$at]}
for case in 'PUT *api/* * status 500' '* *snapshot.json * status 503' 'PUT *publication.json 1+ status 500' \
	'* * 7+ drop' 'DELETE * * status 500'; do
	proxy "$case"
	publish $to
	is "a store that keeps failing ($case): try again" $? 75
	is "and the site is at the snapshot that it was at" "$(s3 get p/snapshot.json | sha1sum)" \
		"$(sha1sum <"$T/$at/snapshot.json")"
done
proxy
ok "when it is well again, the next goes on" publish $to
at=$to
finished "and finishes" $at
ok "the reader saw nothing else" stop reader

# --- killed at each request
killed() { # N BEFORE TO: kills at the Nth request; fails if there were fewer
	proxy "* * $1 $2 kill -9 \$(<$T/victim)"
	(bash -c 'echo $$ >"$1"; shift; exec "$@"' - "$T/victim" "$EXPORTER" publish --repo "$T/repo" \
		--site "s3://$BUCKET/p" --at "$3" >"$T/out" 2>"$T/err"; exit $?) 2>"$T/err.shell"
	[ $? = 137 ]
}
ok "a reader reads" reader --any p "$T/one" "$T/two" "$T/three"
for moment in drop drop-after; do
	kills=0 failed=0
	for ((n = 1; n < 200; n++)); do
		from=$at to=${next[$at]}
		killed $n $moment $to || break
		kills=$((kills + 1))
		proxy_idle
		# What was begun, or another one.
		[ $((n % 3)) = 0 ] && to=${next[$to]}
		proxy
		if publish $to && store_holds p "$T/$to" >"$T/why" && settled; then
			at=$to
			continue
		fi
		failed=$((failed + 1)) at=$to
		result 1 "killed at request $n ($moment) from $from, then to $to" ||
			cat "$T/err" "$T/why" | diag
	done
	at=$to
	is "killed at each request ($moment): the next finishes" "$failed $((kills > 12))" "0 1"
done
ok "the reader saw whole bodies only" stop reader
tail -n 1 "$T/reader.log" | diag
# The same target again: then a reader sees the old site or the new one, and nothing between.
reader p "$T/$at" "$T/${next[$at]}" "$T/${next[${next[$at]}]}"
for moment in drop drop-after; do
	to=${next[$at]}
	for ((n = 1; n < 200; n++)); do
		killed $n $moment $to || break
		proxy_idle
	done
	at=$to
	finished "one that is killed at each request ($moment) gets there at last" $at
done
ok "the reader saw each key at the old or the new" stop reader
done_testing
