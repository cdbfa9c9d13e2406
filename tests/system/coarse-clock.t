#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file system whose time stamps are whole seconds: a file that is written anew within
# the second of its scan, with the same size, looks as it did. It is read once more.
. "$(dirname "$0")/lib.sh"

mount_ext4 "$T/disk" 16 -I 128 || skip_all "no loop-mounted file system"
T_DATA=$T/disk/data
mkdir "$T_DATA"

record() { # ALBUM, of one letter
	printf '{"public_id":"one","album_id":"%s"}\n' "$1"
}
stamps() {
	stat -c '%i %s %.Y %.Z' "$T_DATA/a.json"
}
album() { # ALBUM - the snapshot has this one alone
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$T/site" >"$T/out" 2>&1 &&
		[ "$(ls "$T/site/api/v1/albums")" = "$1" ]
}
new_second() { # the clock of files has just gone on
	local now
	now=$(date +%s)
	wait_until 3 test "$now" -lt "$(date +%s)"
}
# Both writings and the scan between them in one second.
attempt() {
	local before
	new_second
	record a >"$T_DATA/a.json"
	before=$(stamps)
	"$INDEXER" scan --data "$T_DATA" --index "$T/index" >"$T/out" 2>&1 || return 1
	record b >"$T_DATA/a.json"
	[ "$before" = "$(stamps)" ]
}

ok "a file is written twice in one second" wait_until 60 attempt
ok "the next scan is done" "$INDEXER" scan --data "$T_DATA" --index "$T/index"
ok "it has read the second writing" album b

# The same while watch looks on.
start watch "$INDEXER" watch --data "$T_DATA" --index "$T/index"
watched() {
	local before
	new_second
	record "$1" >"$T_DATA/a.json"
	before=$(stamps)
	wait_until 1 album "$1" && record "$2" >"$T_DATA/a.json"
	[ "$before" = "$(stamps)" ]
}
ok "again under watch" wait_until 60 watched c d
ok "watch has read the second writing" wait_until 20 album d
ok "watch ends" stop watch
done_testing
