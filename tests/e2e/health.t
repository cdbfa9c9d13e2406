#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the index knows of its own input, and each snapshot says: events lost, walks of
# the whole folder, and whether the index is in step with it.
. "$(dirname "$0")/lib.sh"

limit=$(</proc/sys/fs/inotify/max_queued_events)
[ "$limit" -le 65536 ] || skip_all "the queue of events is too long to overflow it"
D=$T/data
mkdir "$D"
image() { # ID
	printf '{"public_id":"%s","album_id":"a"}\n' "$1" >"$D/$1.json"
}
health() {
	"$INDEXER" status --index "$T/index" --json |
		jq -c '[.overflows, .rescans, .reconcile]'
}
is_health() {
	[ "$(health)" = "$1" ]
}
trailers() { # REPO: of its last snapshot
	git -C "$T/$1" log -1 --format=%B |
		sed -nE 's/^Albumen-(Overflows|Rescans|Overflows-Ever|Rescans-Ever|In-Step): //p' |
		paste -sd' '
}
snapshot() { # REPO
	"$EXPORTER" export --index "$T/index" --repo "$T/$1" >/dev/null && trailers "$1"
}
flood() { # while the watch sleeps
	kill -STOP "$(<"$T/watch.pid")"
	"$PYTHON" -c 'import os, sys
for i in range(int(sys.argv[2])):
    os.close(os.open("%s/%d.txt" % (sys.argv[1], i % 7), os.O_CREAT | os.O_WRONLY))
    os.unlink("%s/%d.txt" % (sys.argv[1], i % 7))' "$D" "$limit"
}

for n in {1..12}; do
	image "i$n"
done
scan >/dev/null
is "a first scan is a walk" "$(health)" "[0,1,false]"
is "which the first snapshot says" "$(snapshot repo)" "0 0 1 1 yes"
scan >/dev/null
scan >/dev/null
is "each scan is one" "$(health)" "[0,3,false]"
image i13
scan >/dev/null
is "the next snapshot says what came since" "$(snapshot repo)" "0 0 3 4 yes"

start watch "$INDEXER" watch --data "$D" --index "$T/index"
is "so is the start of watch" "$(health)" "[0,5,false]"
image i14
knows() {
	[ "$("$INDEXER" status --index "$T/index" --json | jq .images)" = "$1" ]
}
ok "what comes as an event" wait_until 10 knows 14
is "is no walk" "$(health)" "[0,5,false]"
is "and nothing was lost" "$(snapshot repo)" "0 0 1 5 yes"

flood
image i15
kill -CONT "$(<"$T/watch.pid")"
ok "an overflow is counted, and a walk" wait_until 10 is_health "[1,6,false]"
is "the snapshot says both" "$(snapshot repo)" "1 1 1 6 yes"

# The walk finds nearly nothing: what was lost stays lost, and is known to be.
flood
mkdir "$T/away"
mv "$D"/*.json "$T/away"
image i16
kill -CONT "$(<"$T/watch.pid")"
ok "an overflow is counted, and a walk, which may not withdraw" \
	wait_until 10 is_health "[2,7,true]"
ok "that it does not is said" wait_until 10 grep -q "15 of 1[56] known files are gone" "$T/watch.log"
ok "status says it to people" grep -q 'not in step' \
	<("$INDEXER" status --index "$T/index")
is "a snapshot made then says that it is not in step" "$(snapshot another)" "2 2 7 7 no"
ok "the watch ends well" stop watch
rm "$D/i16.json"
exits "the next scan is refused as well" 1 scan
is "and changes nothing" "$(health)" "[2,7,true]"
mv "$T"/away/*.json "$D"
scan >/dev/null
is "a walk that succeeds puts it right" "$(health)" "[2,8,false]"
is "and the snapshot says so" "$(snapshot another)" "0 2 1 8 yes"

# Another index counts anew.
rm -rf "$T/index"
image i17
scan >/dev/null
is "a new index has lost nothing" "$(snapshot another)" "0 0 1 1 yes"

done_testing
