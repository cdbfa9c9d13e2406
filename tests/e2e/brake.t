#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An unmounted disk is not a deletion: the brake against mass withdrawal.
. "$(dirname "$0")/lib.sh"

fill() { # NUMBER of files
	rm -rf "$T/data" "$T/index"
	mkdir "$T/data"
	for ((i = 1; i <= $1; i++)); do
		echo "{\"public_id\":\"i$i\",\"album_id\":\"a\"}" >"$T/data/$i.json"
	done
	scan >/dev/null
}
drop() { # FROM TO
	for ((i = $1; i <= $2; i++)); do
		rm "$T/data/$i.json"
	done
}
images() {
	"$INDEXER" status --index "$T/index" --json | jq .images
}

fill 9
drop 1 9
exits "all of 9 files may go" 0 scan
is "and do" "$(images)" 0

fill 10
drop 1 9
exits "9 of 10 files may go" 0 scan
fill 10
drop 1 10
exits "all of 10 files may not" 1 scan
is "nothing is changed" "$(images)" 10
ok "the message names the option" grep -q -- --accept-withdrawal "$T/err"
ok "and says how many" grep -q "10 of 10 known files are gone" "$T/err"
exits "nor the next time" 1 scan
exits "watching refuses as well" 1 \
	"$INDEXER" watch --data "$T/data" --index "$T/index"
is "nothing is changed" "$(images)" 10
exits "the option accepts it" 0 scan --accept-withdrawal
is "then they go" "$(images)" 0

fill 100
drop 1 50
exits "half of 100 files may go" 0 scan
is "and do" "$(images)" 50
fill 100
drop 1 51
exits "more than half of 100 may not" 1 scan
is "nothing is changed" "$(images)" 100
echo '{"public_id":"new","album_id":"a"}' >"$T/data/new.json"
exits "whatever else is new" 1 scan
is "nothing is changed" "$(images)" 100
for ((i = 1; i <= 51; i++)); do
	echo "{\"public_id\":\"i$i\",\"album_id\":\"a\"}" >"$T/data/$i.json"
done
exits "when the disk is back all is well" 0 scan
is "with all files" "$(images)" 101

fill 12
mv "$T/data" "$T/away"
mkdir "$T/data"
exits "an empty folder in the place of the old one" 1 scan
mv "$T/away" "$T/data/inner"
exits "files that were moved are all gone under their old names" 1 scan
exits "so this needs the option, too" 0 scan --accept-withdrawal
is "and loses nothing" "$(images)" 12

# While watching, an event says that a file is gone, and events do not lie.
start watch "$INDEXER" watch --data "$T/data" --index "$T/index"
rm -r "$T/data/inner"
none() { [ "$(images)" = 0 ]; }
ok "files that are removed while being watched go" wait_until 10 none
ok "the watch ends well" stop watch
done_testing
