#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The disk of the index is full while the folder is watched: watch says so, forgets
# nothing, and goes on when there is room.
. "$(dirname "$0")/lib.sh"

D=$T/data
mkdir "$D"
mount_tmpfs "$T/disk" 8m
images() { # FIRST LAST
	for ((i = $1; i <= $2; i++)); do
		printf '{"public_id":"i%d","album_id":"a","note":"%s"}\n' "$i" \
			"$(head -c 3000 /dev/urandom | base64 -w0)" >"$D/$i.json"
	done
}
counts() { # FIELD NUMBER
	[ "$("$INDEXER" status --index "$T/index" --json | jq -r ".$1")" = "$2" ]
}
logged() { # TEXT NUMBER
	[ "$(grep -c -e "$1" "$T/watch.log")" -ge "${2:-1}" ]
}
ln -s disk/index "$T/index"
images 1 20
start watch "$INDEXER" watch --data "$D" --index "$T/disk/index"
ok "there is room" counts images 20
fill_up "$T/disk" 0
images 21 120
rm "$D/1.json"
mv "$D/2.json" "$D/renamed.json"
ok "watch says that the disk is full" wait_until 10 logged "changes are kept"
ok "watch keeps running" alive watch
rm "$D/3.json"
images 121 130
free_up "$T/disk"
ok "it goes on when there is room" wait_until 20 counts images 128
ok "and says so" logged "there is room"
is "it said once that the disk is full" "$(grep -c 'changes are kept' "$T/watch.log")" 1
fill_up "$T/disk" 0
kill -STOP "$(<"$T/watch.pid")"
images 131 200
rm "$D"/13?.json
kill -CONT "$(<"$T/watch.pid")"
ok "the disk is full once more" wait_until 10 logged "changes are kept" 2
free_up "$T/disk"
ok "watch goes on when there is room again" wait_until 20 counts images 188
ok "watch ends with status 0" stop watch
ok "the tables of the index are right" "$INDEXER" check --index "$T/index"
ok "a scan succeeds" "$INDEXER" scan --data "$D" --index "$T/index"
ok "and changes nothing" counts images 188
done_testing
