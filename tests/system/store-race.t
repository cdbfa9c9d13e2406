#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two publishers of one site in an object store: at the same time a hundred times, one of them held at
# each of its requests while the other goes on, and one that is stopped until its lease is over and
# taken. One wins, the other is told, and their files never mix.
. "$(dirname "$0")/lib.sh"

publish() { # REPO PREFIX TO
	"$EXPORTER" publish --repo "$T/$1" --site "s3://$BUCKET/$2" --at "$3"
}
ended() { # PREFIX SITE: it is whole, and nobody publishes
	store_holds "$1" "$T/$2" &&
		[ "$(s3 get "$1/.albumen/publication.json" | jq -c '[.holder,.pending]')" = '[null,[]]' ]
}
won() { # STATUS STATUS SITE SITE: whose site it must be; nothing, if both cannot be
	case $1.$2 in
	0.0) # one after the other
		cmp -s "$T/$3/snapshot.json" <(s3 get p/snapshot.json) && echo "$3" || echo "$4"
		;;
	0.75) echo "$3" ;;
	75.0) echo "$4" ;;
	esac
}
holder() { s3 get "$1/.albumen/publication.json" | jq -r .holder; }

store ceph && proxy || exit 1
ok "there are three snapshots" three_sites
ok "a site" publish repo p one
cp -r "$T/repo" "$T/repo2"

# --- a publisher that is stopped as if its machine slept. What follows is done while its lease ends.
ok "another site" publish repo slow one
# It waits for an answer then. (Within a burst of requests, the kernel may stop it between two.)
proxy "GET *snapshot.json 2 before kill -STOP \$(<$T/sleeper.pid)"
spawn sleeper "$EXPORTER" publish --repo "$T/repo" --site "s3://$BUCKET/slow" --at two
sleeps() { [ "$(sed 's/.*) //' "/proc/$(<"$T/sleeper.pid")/stat" | cut -c1)" = T ]; }
ok "its publisher sleeps" wait_until 60 sleeps
proxy_idle
stolen_from=$(holder slow)
exits "while it has the lease, another is told so" 75 publish repo2 slow three
exits "and one of the same repository, too" 75 publish repo slow three
is "it is a copy with a name of its own" "$(not cmp "$T/repo/albumen-exporter.holder" \
	"$T/repo2/albumen-exporter.holder" | wc -l)" 1
cp -r "$T/repo" "$T/repo3" # the sleeper has the name of the first

# --- one whose requests get no answer for longer than it may wait to renew its lease; meanwhile, too
cp -r "$T/repo2" "$T/repo4"
ok "a third site" publish repo4 renewed one
spawn answerless "$PYTHON" "$ROOT/tests/system/proxy.py" "$STORE_URL"
wait_until 60 test -s "$T/answerless.log"
answerless=$(head -n 1 "$T/answerless.log")
curl -sS -T - "$answerless/-/rules" <<<'PUT *a0/images.json 1-3 hang'
AWS_ENDPOINT_URL=$answerless spawn renewer "$EXPORTER" publish --repo "$T/repo4" \
	--site "s3://$BUCKET/renewed" --at two

# --- a hundred times at once
ok "a reader reads" reader --any p "$T/one" "$T/two" "$T/three"
declare -A next=([one]=two [two]=three [three]=one)
wrong=0 at=one
for ((round = 1; round <= 100; round++)); do
	a=${next[$at]} b=${next[${next[$at]}]} # both have something to do
	AWS_ENDPOINT_URL=$STORE_URL publish repo2 p $a >"$T/first.out" 2>&1 &
	first=$!
	AWS_ENDPOINT_URL=$STORE_URL publish repo3 p $b >"$T/second.out" 2>&1
	second=$?
	wait $first
	first=$?
	echo $first,$second >>"$T/ends"
	at=$(won $first $second $a $b)
	[ -n "$at" ] && ended p $at >"$T/why" 2>&1 && continue
	wrong=$((wrong + 1)) at=one
	result 1 "round $round: $first, $second" || cat "$T"/{first.out,second.out,why} | diag
	publish repo2 p one >"$T/out" 2>&1
done
is "a hundred times one wins, and their files do not mix" "$wrong" 0
echo "# $(sort "$T/ends" | uniq -c | paste -sd' ')"
ok "the reader saw whole bodies only" stop reader

# --- one is held at each of its requests, before the store sees it or after, and the other publishes
wrong=0 held=0
for moment in before after; do
	for ((n = 1; n < 100; n++)); do
		AWS_ENDPOINT_URL=$STORE_URL publish repo3 p one >"$T/out" 2>&1 || { echo "# to one: $(<"$T/out")"; wrong=$((wrong + 1)); break; }
		rm -f "$T/there" "$T/go"
		proxy "* * $n $moment : >$T/there; until [ -e $T/go ]; do read -rt 0.02 _ <> <(:); done"
		spawn held "$EXPORTER" publish --repo "$T/repo2" --site "s3://$BUCKET/p" --at two
		there() { [ -e "$T/there" ] || ! alive held; }
		wait_until 60 there
		[ -e "$T/there" ] || break
		held=$((held + 1))
		AWS_ENDPOINT_URL=$STORE_URL publish repo3 p three >"$T/second.out" 2>&1
		second=$?
		: >"$T/go"
		wait "$(<"$T/held.pid")"
		first=$?
		rm "$T/held.pid"
		name=$(won $first $second two three)
		[ -n "$name" ] && ended p $name >"$T/why" 2>&1 && continue
		wrong=$((wrong + 1))
		result 1 "held $moment request $n: $first, $second" ||
			{ cat "$T"/{held.log,second.out,why}; requests; } | diag
	done
	rm -f "$T/held.pid"
done
is "held at each of its requests, it wins or is told, and nothing mixes" "$wrong $((held > 30))" "0 1"
proxy

# --- the one without answers
gone() { ! alive renewer; }
wait_until 200 gone
wait "$(<"$T/renewer.pid")"
is "who gets no answer for a while, publishes at last" $? 0
diag <"$T/renewer.log"
ok "and the site is right" ended renewed two
ok "it has renewed its lease" test \
	"$(curl -sS "$answerless/-/log" | grep -c '^PUT 200 renewed/.albumen/publication.json if-match')" -ge 3

# --- the sleeper
is "the sleeper still has its lease" "$(holder slow)" "$stolen_from"
ok "another takes it when it is over" wait_until 200 publish repo2 slow three
ok "and the site is his" ended slow three
proxy
kill -CONT "$(<"$T/sleeper.pid")"
wait "$(<"$T/sleeper.pid")"
is "the sleeper awakes, and is told" $? 75
rm "$T/sleeper.pid"
is "it sends nothing that changes a file" "$(requests | grep -c '^\(PUT\|DELETE\) .*\(api\|snapshot\)')" 0
ok "and the site stays as it was" ended slow three
diag <"$T/sleeper.log"
done_testing
