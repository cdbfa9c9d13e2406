#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file system that keeps times in seconds: a file that is rewritten within one second of
# its reading, with the same size, has the same stat values, and must be read again.
. "$(dirname "$0")/lib.sh"

D=$T/data
mount_ext4 "$D" 16 -I 128 # such inodes have no room for parts of a second
image() { # ALBUM
	echo "{\"public_id\":\"i\",\"album_id\":\"$1\"}" >"$D/i.json"
}
values() {
	stat -c '%i %s %.9Y %.9Z' "$D/i.json"
}
album() {
	rm -rf "$T/repo"
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" >/dev/null &&
		git -C "$T/repo" ls-tree -r --name-only main | sed -nE 's|.*/([ab])/images\.json|\1|p'
}
# Rewrites the file after CMD. True if all that happened within one second.
within_a_tick() { # CMD...
	local before
	rm -rf "$T/index"
	image a
	before=$(values)
	"$@" >/dev/null || return 1
	image b
	[ "$(values)" = "$before" ]
}
is_b() {
	[ "$(album)" = b ]
}

image a
case $(values) in
*.000000000\ *.000000000) ;;
*) skip_all "this ext4 keeps parts of seconds" ;;
esac
ok "a file is rewritten in the second in which it was read" wait_until 30 within_a_tick scan
ok "the next scan succeeds" scan
is "and reads the new bytes" "$(album)" b

watch() {
	start watch "$INDEXER" watch --data "$D" --index "$T/index" && stop watch
}
ok "a file is rewritten in the second in which watch read it" \
	wait_until 30 within_a_tick watch
start watch "$INDEXER" watch --data "$D" --index "$T/index"
ok "the next watch reads the new bytes" wait_until 10 is_b
ok "watch ends with status 0" stop watch

# Rewritten while watch is stopped.
fast() {
	local before
	rm -rf "$T/index"
	image a
	before=$(values)
	start watch "$INDEXER" watch --data "$D" --index "$T/index" || return 1
	kill -STOP "$(<"$T/watch.pid")"
	image b
	[ "$(values)" = "$before" ] && return 0
	kill -CONT "$(<"$T/watch.pid")"
	stop watch
	return 1
}
ok "a file is rewritten while the watch is stopped" wait_until 30 fast
kill -CONT "$(<"$T/watch.pid")"
ok "watch reads the new bytes" wait_until 10 is_b
ok "watch ends with status 0" stop watch
done_testing
