#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A scan is stopped in the middle of a file, while another file waits to be read a second
# time: what is committed is what a kill would leave, and the next scan completes it.
. "$(dirname "$0")/lib.sh"

large() { # YEAR: more than a megabyte, most of it white space, last changed in that year
	awk -v year="$1" 'BEGIN {
		for (i = 0; i < 500; i++)
			printf "{%3000s\"public_id\":\"a-%d\",\"album_id\":\"al\"," \
				"\"updated_at\":\"%d-01-01T00:00:00Z\"}\n", "", i, year
	}'
}

is_read() { # the scan has opened the new file
	find "/proc/$(cat "$T/scan.pid")/fd" -lname '*/b-new.ndjson' 2>/dev/null | grep -q .
}

images() {
	"$INDEXER" status --json --index "$T/index" | jq .images
}

for threads in 1 0; do
	export ALBUMEN_THREADS=$threads
	rm -rf "$T/data" "$T/index"
	mkdir "$T/data"
	# Files are read in the order of their inodes: the large one comes first.
	touch "$T/one" "$T/two"
	first=$(stat -c '%i %n' "$T/one" "$T/two" | sort -n | awk 'NR == 1 {print $2}')
	mv "$first" "$T/data/a-large.ndjson"
	large 2022 >"$T/data/a-large.ndjson"
	ok "a scan (threads: $threads)" "$INDEXER" scan --data "$T/data" --index "$T/index"
	# Earlier stamps: the file must be read a second time, after the others.
	large 2019 >"$T/data/a-large.ndjson"
	mv "$T/one" "$T/data/b-new.ndjson" 2>/dev/null || mv "$T/two" "$T/data/b-new.ndjson"
	"$PYTHON" -c 'for i in range(2500):
    print(f"{{\"public_id\":\"b-{i}\",\"album_id\":\"al\",\"note\":\"{i:060000}\"}}")' \
		>"$T/data/b-new.ndjson"
	spawn scan "$INDEXER" scan --data "$T/data" --index "$T/index"
	ok 'it reads the new file' wait_until 30 is_read
	stop scan TERM
	is 'it stops with status 1' $? 1
	ok 'the tables of the index are right' "$INDEXER" check --index "$T/index"
	rm "$T/data/b-new.ndjson"
	ok 'a scan without the new file succeeds' "$INDEXER" scan --data "$T/data" --index "$T/index"
	ok 'its tables are right' "$INDEXER" check --index "$T/index"
	is 'no record of the new file is left' "$(images)" 500
	rm "$T/data/a-large.ndjson"
	ok 'a scan without both files succeeds' "$INDEXER" scan --data "$T/data" --index "$T/index"
	ok 'its tables are right' "$INDEXER" check --index "$T/index"
	is 'no record is left' "$(images)" 0
done

done_testing
