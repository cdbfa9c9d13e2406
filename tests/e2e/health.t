#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the index records of its input, and each snapshot says: lost events, walks of
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
		jq -c '[.overflows, .rescans, .out_of_step]'
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
flood() { # overflows the event queue, and leaves watch stopped
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
is "a first scan counts as a walk" "$(health)" "[0,1,false]"
is "the first snapshot says so" "$(snapshot repo)" "0 0 1 1 yes"
scan >/dev/null
scan >/dev/null
is "each scan counts as a walk" "$(health)" "[0,3,false]"
image i13
scan >/dev/null
is "the next snapshot counts what came since" "$(snapshot repo)" "0 0 3 4 yes"

start watch "$INDEXER" watch --data "$D" --index "$T/index"
is "the start of watch counts as a walk" "$(health)" "[0,5,false]"
image i14
knows() {
	[ "$("$INDEXER" status --index "$T/index" --json | jq .images)" = "$1" ]
}
ok "a change is read when its event comes" wait_until 10 knows 14
is "that is no walk" "$(health)" "[0,5,false]"
is "and no event was lost" "$(snapshot repo)" "0 0 1 5 yes"

flood
image i15
kill -CONT "$(<"$T/watch.pid")"
ok "an overflow is counted, and a walk" wait_until 10 is_health "[1,6,false]"
is "the snapshot says both" "$(snapshot repo)" "1 1 1 6 yes"

# The walk finds nearly no file: the brake holds, and the index is not in step.
flood
mkdir "$T/away"
mv "$D"/*.json "$T/away"
image i16
kill -CONT "$(<"$T/watch.pid")"
ok "an overflow is counted, and a walk that the brake stops" \
	wait_until 10 is_health "[2,7,true]"
ok "watch says that nothing is withdrawn" wait_until 10 grep -q "15 of 1[56] known files are gone" "$T/watch.log"
ok "status says that the index is not in step" grep -q 'not in step' \
	<("$INDEXER" status --index "$T/index")
is "so does a snapshot" "$(snapshot another)" "2 2 7 7 no"
ok "watch ends with status 0" stop watch
rm "$D/i16.json"
exits "the next scan fails, too" 1 scan
is "and changes nothing" "$(health)" "[2,7,true]"
mv "$T"/away/*.json "$D"
scan >/dev/null
is "after a walk that succeeds the index is in step" "$(health)" "[2,8,false]"
is "the snapshot says so" "$(snapshot another)" "0 2 1 8 yes"

# Another index counts from 0.
rm -rf "$T/index"
image i17
scan >/dev/null
is "a new index has lost no event" "$(snapshot another)" "0 0 1 1 yes"

done_testing
