#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A clock ran ahead and was corrected: the exporter says so, and `now` is the last snapshot.
. "$(dirname "$0")/lib.sh"

export_at() { # SECONDS
	SOURCE_DATE_EPOCH=$1 "$EXPORTER" export --index "$T/index" --repo "$T/repo"
}
trailer() { # REV
	git -C "$T/repo" log -1 --format='%(trailers:key=Albumen-Clock-Behind,valueonly,separator=%x2C)' "$1"
}
mkdir "$T/data"
early=1700000000
ahead=4000000000 # in the year 2096
echo '{"public_id":"a","album_id":"x"}' >"$T/data/a.json"
scan >"$T/out"
exits "a snapshot is made" 0 export_at $early
echo '{"public_id":"b","album_id":"x"}' >"$T/data/b.json"
scan >"$T/out"
exits "one is made while the clock is ahead" 0 export_at $ahead
is "neither has a clock that is behind" "$(trailer main)$(trailer main~1)$(grep -c clock "$T/err")" 0
echo '{"public_id":"c","album_id":"x"}' >"$T/data/c.json"
scan >"$T/out"
exits "one is made with the right clock" 0 export_at $((early + 100))
is "it has the time of the snapshot before" "$(git -C "$T/repo" log -1 --format=%ct main)" $ahead
is "its trailer says by how much the clock is behind" "$(trailer main)" $((ahead - early - 100))
is "the log says it, too" "$(grep -c 'warning: .*clock is 2299999900 seconds behind' "$T/err")" 1
for clock in $((early + 200)) ""; do
	export SOURCE_DATE_EPOCH=$clock
	is "--at now is the last snapshot" \
		"$("$EXPORTER" show --repo "$T/repo" --at now '/api/v1/albums/x/images' | jq length)" 3
	is "so is the default" \
		"$("$EXPORTER" show --repo "$T/repo" '/api/v1/albums/x/images' | jq length)" 3
	exits "an audit at now succeeds" 0 "$EXPORTER" audit --repo "$T/repo" --at now --format json
	is "and counts the last snapshot" "$(jq .all.images "$T/out")" 3
done
exits "verify accepts the history" 0 "$EXPORTER" verify --repo "$T/repo"
is "a given time is that time" "$("$EXPORTER" show --repo "$T/repo" \
	--at '2024-01-01' '/api/v1/albums/x/images' | jq length)" 1
tree=$(git -C "$T/repo" rev-parse 'main^{tree}')
message=$(git -C "$T/repo" log -1 --format=%B main | sed 's/^\(Albumen-Clock-Behind\): .*/\1: soon/')
commit=$(GIT_AUTHOR_DATE="$ahead +0000" GIT_COMMITTER_DATE="$ahead +0000" \
	GIT_AUTHOR_NAME=albumen-exporter GIT_AUTHOR_EMAIL=albumen@localhost \
	GIT_COMMITTER_NAME=albumen-exporter GIT_COMMITTER_EMAIL=albumen@localhost \
	git -C "$T/repo" commit-tree -p main~1 -m "$message" "$tree")
git -C "$T/repo" update-ref refs/heads/main "$commit"
exits "verify refuses a trailer that is not a number" 1 "$EXPORTER" verify --repo "$T/repo"
is "and names it" "$(cat "$T/out" "$T/err" | grep -c 'Albumen-Clock-Behind is no number')" 1
done_testing
