#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The folder of the index, its lock and the file that exporters watch are removed, renamed
# and replaced under the programs that use them: no program goes on in deleted files, and
# none waits for ever.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
image() { # NUMBER
	echo "{\"public_id\":\"image-$1\",\"album_id\":\"a\",\"created_at\":\"2020-01-01T00:00:00Z\"}" \
		>"$T/new" && mv "$T/new" "$T/data/$1.json"
}
ended() {
	! alive "$1"
}
start_watch() {
	start watch "$INDEXER" watch --data "$T/data" --index "$T/index"
}
# Passes if watch ends at a change that it cannot commit to the index at its path.
watch_ends() { # NAME NUMBER
	image "$2"
	ok "$1: watch ends" wait_until 20 ended watch
	stop watch
	is '$1: with status 75' $? 75
	ok '$1: and says why' grep -q 'was removed or replaced' "$T/watch.log"
}
indexed() { # IMAGE
	"$EXPORTER" export --index "$T/index" --repo "$T/other" >/dev/null &&
		git -C "$T/other" grep -q "image-$1\"" main
}
published() { # IMAGE
	grep -rq "image-$1\"" "$T/site"
}

image 1
start_watch
start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
ok 'the first image is published' published 1

mv "$T/index" "$T/away"
watch_ends 'the folder is renamed' 2
ok 'nothing was committed to the renamed folder' not grep -q 'image-2' "$T/away/data.mdb"
start_watch
ok 'follow exports the new index' wait_until 20 published 2

rm -r "$T/index"
watch_ends 'the folder is removed' 3
start_watch
ok 'follow exports the new index' wait_until 20 published 3

cp -r "$T/index" "$T/copy"
rm -r "$T/index"
mv "$T/copy" "$T/index"
watch_ends 'the folder is replaced by a copy' 4
start_watch
ok 'follow exports the copy' wait_until 20 published 4

rm "$T/index/data.mdb"
watch_ends 'the data is removed' 5
rm -r "$T/index"
start_watch
ok 'follow exports the new index' wait_until 20 published 5

# The writer does not see readers that use another lock.mdb.
rm "$T/index/lock.mdb"
watch_ends 'the lock of the data is removed' 9
start_watch
ok 'the index is whole' "$INDEXER" check --index "$T/index"
ok 'follow goes on' wait_until 20 published 9

rm "$T/index/changed"
image 6
ok 'a removed INDEX/changed is made again' wait_until 20 test -s "$T/index/changed"
ok 'and wakes follow' wait_until 20 published 6
image 7
ok 'and wakes it again' wait_until 20 published 7

rm "$T/index/changed" && mkdir "$T/index/changed"
image 11
ok 'a folder in its place stops no export' wait_until 20 indexed 11
rmdir "$T/index/changed"
image 12
ok 'when the folder is gone the file is made again' wait_until 20 test -s "$T/index/changed"
ok 'and wakes follow' wait_until 20 published 12

# A removed lock protects nothing.
rm "$T/index/albumen-indexer.lock"
ok 'with the lock removed another indexer begins' scan
watch_ends 'the lock is removed' 8
ok 'a scan succeeds after that' scan
ok 'the index is whole' "$INDEXER" check --index "$T/index"
ok 'all is published' wait_until 20 published 8
stop follow
is 'follow ends with status 0' $? 0

done_testing
