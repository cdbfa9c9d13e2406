#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# INDEX/changed, which wakes exporters, cannot be written (strace makes the call
# fail): the commit succeeds, and follow exports it at once nevertheless.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
image() { # NUMBER
	echo "{\"public_id\":\"image-$1\",\"album_id\":\"a\",\"created_at\":\"2020-01-01T00:00:00Z\"}" \
		>"$T/data/$1.json"
}
published() { # IMAGE
	grep -rq "image-$1\"" "$T/site"
}
# A scan whose calls on that file fail with ENOSPC.
scan_failing() { # CALL...
	strace -f -o "$T/trace" -P "$T/index/changed" -e "trace=$1" \
		-e "inject=$1:error=ENOSPC" \
		"$INDEXER" scan --data "$T/data" --index "$T/index"
}

image 1
scan >/dev/null
start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
image 2
exits 'a scan that cannot write the file succeeds' 0 scan_failing pwrite64
ok 'the call failed' grep -q 'pwrite64.*INJECTED' "$T/trace"
ok 'follow exports it at once' wait_until 10 published 2
image 3
exits 'a scan that cannot touch the file succeeds' 0 scan_failing pwrite64,utimensat
ok 'both calls failed' grep -q 'utimensat.*INJECTED' "$T/trace"
image 4
exits 'the next scan succeeds' 0 scan
ok 'and wakes follow, which exports both' wait_until 10 published 4
ok 'changes' published 3
stop follow

done_testing
