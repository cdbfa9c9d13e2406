#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file that gets other bytes, with its size, its inode and its time of writing kept, as
# copying programs can do: only its ctime tells.
. "$(dirname "$0")/lib.sh"

record() { # ALBUM, of one letter
	printf '{"public_id":"one","album_id":"%s"}\n' "$1" >"$T/data/a.json"
	touch -d @1500000000 "$T/data/a.json"
}
later() { # the file is older than what is read once more for its youth
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
