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
exits "files that were only moved need no option" 0 scan
is "and nothing is lost" "$(images)" 12
is "nor there twice" "$("$INDEXER" status --index "$T/index" --json | jq .files)" 12
cat "$T"/data/inner/*.json >"$T/all"
rm "$T"/data/inner/*
exits "nor would they be if they were gone" 1 scan
mv "$T/all" "$T/data/all.ndjson"
exits "nor do files that became one" 0 scan
is "and nothing is lost" "$(images)" 12

fill 120
mkdir "$T/data/new"
mv "$T"/data/*.json "$T/data/new"
rm "$T"/data/new/[1-5].json
exits "a folder is renamed with most files, five are removed" 0 scan
is "the five are withdrawn" "$(images)" 115
mkdir "$T/data/copy"
cp "$T"/data/new/* "$T/data/copy"
scan >/dev/null
rm -r "$T/data/copy"
exits "half the files may go where the other half says the same" 0 scan
is "and nothing is lost" "$(images)" 115
cp -r "$T/data/new" "$T/data/copy"
echo '{"public_id":"stays","album_id":"a"}' >"$T/data/stays.json"
scan >/dev/null
mv "$T/data/new" "$T/data/copy" "$T"
echo '{"public_id":"i6","album_id":"other"}' >"$T/data/other.json"
exits "but not with the other half" 1 scan
ok "and the one that is in another file as well is not counted" \
	grep -q "228 of 231 known files" "$T/err"
is "nothing is changed" "$(images)" 116
rm -rf "$T/new" "$T/copy"

fill 11
echo broken >"$T/data/broken.json"
scan >/dev/null
rm "$T"/data/*.json
exits "a rejected file is one of all" 1 scan
is "nothing is changed" "$(images)" 11
fill 12
mkdir "$T/data/inner"
mv "$T"/data/*.json "$T/data/inner"
scan >/dev/null

# While watching, an event says that a file is gone, and events do not lie.
none() { [ "$(images)" = 0 ]; }
counts() { [ "$(images)" = "$1" ]; }
start watch "$INDEXER" watch --data "$T/data" --index "$T/index"
rm -r "$T/data/inner"
ok "files that are removed while being watched go" wait_until 10 none
ok "the watch ends well" stop watch

# Folders that are not watched are looked at, and what is not seen may be there yet.
logged() { # NUMBER TEXT: that many lines at least
	[ "$(grep -c -e "$2" "$T/watch.log")" -ge "$1" ]
}
if unshare -Ur "$BASH" -c 'echo 1 >/proc/sys/user/max_inotify_watches' 2>/dev/null; then
	fill 42
	mkdir -p "$T/data/polled"
	for ((i = 43; i <= 142; i++)); do
		echo "{\"public_id\":\"i$i\",\"album_id\":\"a\"}" >"$T/data/polled/$i.json"
	done
	start watch unshare -Ur "$BASH" -c 'echo 1 >/proc/sys/user/max_inotify_watches
		exec "$@"' _ "$INDEXER" watch --data "$T/data" --index "$T/index"
	is "all are known" "$(images)" 142
	mkdir "$T/away"
	mv "$T"/data/polled/* "$T/away"
	ok "most of the files are not seen any more: it is said" \
		wait_until 20 logged 1 "100 of 142 known files are gone"
	is "and nothing is withdrawn" "$(images)" 142
	ok "the message names the option" logged 1 --accept-withdrawal
	ok "status says that the index is not in step" \
		[ "$("$INDEXER" status --index "$T/index" --json | jq .reconcile)" = true ]
	echo '{"public_id":"more","album_id":"a"}' >"$T/data/more.json"
	ok "it goes on with what comes" wait_until 20 counts 143
	mv "$T"/away/* "$T/data/polled"
	ok "when they are back all is well" wait_until 20 logged 1 "are back"
	is "with all files" "$(images)" 143
	in_step() {
		[ "$("$INDEXER" status --index "$T/index" --json | jq .reconcile)" = false ]
	}
	ok "and status says so" wait_until 20 in_step
	mv "$T/data/polled" "$T/data/renamed"
	ok "a folder with most files is renamed" wait_until 20 eval \
		'[ "$("$INDEXER" status --index "$T/index" --json | jq -r .files)" = 143 ] &&
		! "$INDEXER" status --index "$T/index" --json | jq -e .reconcile'
	is "and nothing is lost" "$(images)" 143
	rm "$T"/data/renamed/4*.json
	ok "a few files go" wait_until 20 counts 136
	ok "that watch ends well, too" stop watch
	exits "and leaves nothing to be found" 0 scan
	is "by a scan" "$(images)" 136
fi
done_testing
