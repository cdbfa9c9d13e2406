#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file gets other bytes, but keeps its size, its inode and its mtime, as some programs that
# copy files do: only its ctime has changed.
. "$(dirname "$0")/lib.sh"

record() { # ALBUM, of one letter
	printf '{"public_id":"one","album_id":"%s"}\n' "$1" >"$T/data/a.json"
	touch -d @1500000000 "$T/data/a.json"
}
later() { # the file is too old to be read a second time for being young
	[ "$(date +%s)" -gt $(($(stat -c %Z "$T/data/a.json") + 3)) ]
}

mkdir "$T/data"
record a
ok "the file is no longer young" wait_until 20 later
ok "it is scanned" scan
before=$(stat -c '%i %s %Y' "$T/data/a.json")
record b
is "only its ctime has changed" "$(stat -c '%i %s %Y' "$T/data/a.json")" "$before"
ok "it is scanned again" scan
ok "and exported" export_all
is "the new bytes were read" "$(ls "$T/site/api/v1/albums")" b
done_testing
