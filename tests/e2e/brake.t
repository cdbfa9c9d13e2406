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
exits "all of 9 files may be withdrawn" 0 scan
is "they are" "$(images)" 0

fill 10
drop 1 9
exits "9 of 10 files may be withdrawn" 0 scan
fill 10
drop 1 10
exits "all of 10 files may not" 1 scan
is "nothing is withdrawn" "$(images)" 10
ok "the message names the option" grep -q -- --accept-withdrawal "$T/err"
ok "and says how many files" grep -q "10 of 10 known files are gone" "$T/err"
exits "the next scan fails, too" 1 scan
exits "watch fails, too" 1 \
	"$INDEXER" watch --data "$T/data" --index "$T/index"
is "nothing is withdrawn" "$(images)" 10
exits "the option accepts it" 0 scan --accept-withdrawal
is "all are withdrawn" "$(images)" 0

fill 100
drop 1 50
exits "half of 100 files may be withdrawn" 0 scan
is "they are" "$(images)" 50
fill 100
drop 1 51
exits "more than half of 100 may not" 1 scan
is "nothing is withdrawn" "$(images)" 100
echo '{"public_id":"new","album_id":"a"}' >"$T/data/new.json"
exits "a new file makes no difference" 1 scan
is "nothing is withdrawn or added" "$(images)" 100
for ((i = 1; i <= 51; i++)); do
	echo "{\"public_id\":\"i$i\",\"album_id\":\"a\"}" >"$T/data/$i.json"
done
exits "a scan succeeds when the files are back" 0 scan
is "with all files" "$(images)" 101

fill 12
mv "$T/data" "$T/away"
mkdir "$T/data"
exits "an empty folder in place of the old one is refused" 1 scan
mv "$T/away" "$T/data/inner"
exits "moved files need no option" 0 scan
is "nothing is lost" "$(images)" 12
is "no file is known twice" "$("$INDEXER" status --index "$T/index" --json | jq .files)" 12
cat "$T"/data/inner/*.json >"$T/all"
rm "$T"/data/inner/*
exits "a scan fails while the moved files are missing" 1 scan
mv "$T/all" "$T/data/all.ndjson"
exits "files that were joined in one need no option" 0 scan
is "nothing is lost" "$(images)" 12

fill 120
mkdir "$T/data/new"
mv "$T"/data/*.json "$T/data/new"
rm "$T"/data/new/[1-5].json
exits "a renamed folder with most files needs no option" 0 scan
is "the five files that were removed are withdrawn" "$(images)" 115
mkdir "$T/data/copy"
cp "$T"/data/new/* "$T/data/copy"
scan >/dev/null
rm -r "$T/data/copy"
exits "half the files may go if the others have the same records" 0 scan
is "nothing is lost" "$(images)" 115
cp -r "$T/data/new" "$T/data/copy"
echo '{"public_id":"stays","album_id":"a"}' >"$T/data/stays.json"
scan >/dev/null
mv "$T/data/new" "$T/data/copy" "$T"
echo '{"public_id":"i6","album_id":"other"}' >"$T/data/other.json"
exits "but not both halves" 1 scan
ok "a file whose records are in another file is not counted" \
	grep -q "228 of 231 known files" "$T/err"
is "nothing is withdrawn" "$(images)" 116
rm -rf "$T/new" "$T/copy"

fill 11
echo broken >"$T/data/broken.json"
scan >/dev/null
rm "$T"/data/*.json
exits "a rejected file counts as one of all" 1 scan
is "nothing is withdrawn" "$(images)" 11
fill 12
mkdir "$T/data/inner"
mv "$T"/data/*.json "$T/data/inner"
scan >/dev/null

# A removal that an event reports is believed, whatever the number of files.
none() { [ "$(images)" = 0 ]; }
counts() { [ "$(images)" = "$1" ]; }
start watch "$INDEXER" watch --data "$T/data" --index "$T/index"
rm -r "$T/data/inner"
ok "files that are removed under watch are withdrawn" wait_until 10 none
ok "watch ends with status 0" stop watch

# In a polled folder, a file that is not seen may still exist.
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
	is "all files are known" "$(images)" 142
	mkdir "$T/away"
	mv "$T"/data/polled/* "$T/away"
	ok "watch reports that most files are missing" \
		wait_until 20 logged 1 "100 of 142 known files are gone"
	is "nothing is withdrawn" "$(images)" 142
	ok "the message names the option" logged 1 --accept-withdrawal
	ok "status says that the index is not in step" \
		[ "$("$INDEXER" status --index "$T/index" --json | jq .out_of_step)" = true ]
	echo '{"public_id":"more","album_id":"a"}' >"$T/data/more.json"
	ok "watch goes on with new files" wait_until 20 counts 143
	mv "$T"/away/* "$T/data/polled"
	ok "watch reports when the files are back" wait_until 20 logged 1 "are back"
	is "all files are known" "$(images)" 143
	in_step() {
		[ "$("$INDEXER" status --index "$T/index" --json | jq .out_of_step)" = false ]
	}
	ok "status says that the index is in step" wait_until 20 in_step
	mv "$T/data/polled" "$T/data/renamed"
	ok "a renamed folder with most files is followed" wait_until 20 eval \
		'[ "$("$INDEXER" status --index "$T/index" --json | jq -r .files)" = 143 ] &&
		! "$INDEXER" status --index "$T/index" --json | jq -e .out_of_step'
	is "nothing is lost" "$(images)" 143
	rm "$T"/data/renamed/4*.json
	ok "a few removed files are withdrawn" wait_until 20 counts 136
	ok "that watch ends with status 0, too" stop watch
	exits "a later scan succeeds" 0 scan
	is "and finds nothing new" "$(images)" 136
fi
done_testing
