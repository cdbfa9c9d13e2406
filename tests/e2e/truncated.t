#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The data.mdb of an index was cut short: every command says so, names the command that
# rebuilds the index, and changes nothing; so do programs that run when it happens.
. "$(dirname "$0")/lib.sh"

wide_library
ok 'a scan succeeds' scan
ok 'an export succeeds' export_all
cp "$T/index/data.mdb" "$T/whole.mdb"
size=$(stat -c %s "$T/whole.mdb")

says_so() {
	grep -q "'$T/index/data.mdb' was cut short" "$T/err" &&
		grep -qF "rm -r '$T/index' && albumen-indexer scan --data DIR --index '$T/index'" \
			"$T/err"
}
head_of() {
	git -C "$T/repo" rev-parse HEAD
}

for part in 90 50 10; do
	cp "$T/whole.mdb" "$T/index/data.mdb"
	truncate -s $((size * part / 100)) "$T/index/data.mdb"
	cp "$T/index/data.mdb" "$T/short.mdb"
	before=$(head_of)
	for command in scan status check; do
		data=(--data "$T/data")
		[ $command = scan ] || data=()
		exits "$command refuses $part percent" 1 "$INDEXER" $command "${data[@]}" \
			--index "$T/index"
		ok 'and names the command that rebuilds' says_so
	done
	exits "export refuses $part percent" 1 export_all
	ok 'and names the command that rebuilds' says_so
	ok 'the index has not changed' cmp "$T/index/data.mdb" "$T/short.mdb"
	is 'nor has the repository' "$(head_of)" "$before"
done

for bytes in 4096 100; do
	truncate -s $bytes "$T/index/data.mdb"
	exits "a file of $bytes bytes is refused" 1 scan
	ok 'the message names the command that rebuilds' says_so
done
cp "$T/whole.mdb" "$T/index/data.mdb"
dd if=/dev/urandom of="$T/index/data.mdb" bs=4096 count=2 conv=notrunc status=none
exits 'meta pages of noise are refused' 1 scan
ok 'the message names the command that rebuilds' grep -qF "rm -r '$T/index' && albumen-indexer scan" "$T/err"
for offset in 40 4136; do
	cp "$T/whole.mdb" "$T/index/data.mdb"
	printf '\0\0\0\0' | dd of="$T/index/data.mdb" bs=1 seek=$offset conv=notrunc status=none
	exits "a page size of 0 at $offset is refused" 1 "$INDEXER" status --index "$T/index"
	ok 'the message names the command that rebuilds' grep -qF "rm -r '$T/index'" "$T/err"
done

# LMDB does not write pages at the end that one transaction made and freed again.
cp "$T/whole.mdb" "$T/index/data.mdb"
ok 'the whole file is accepted' scan

ok 'the index is removed' rm -r "$T/index"
ok 'scanned again' scan
ok 'and exported' export_all

# Running programs notice it in their next transaction.
start watch "$INDEXER" watch --data "$T/data" --index "$T/index"
start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
truncate -s $((size / 2)) "$T/index/data.mdb"
wide_images 5000 5010 >"$T/new" && mv "$T/new" "$T/data/new.ndjson"
ended() {
	! alive "$1"
}
ok 'watch ends' wait_until 30 ended watch
stop watch
is 'with status 1' $? 1
cp "$T/watch.log" "$T/err"
ok 'and names the command that rebuilds' says_so
"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>"$T/err"
echo 1 >>"$T/index/changed"
ok 'follow ends' wait_until 30 ended follow
stop follow
is 'with status 1' $? 1
cp "$T/follow.log" "$T/err"
ok 'and names the command that rebuilds' says_so

done_testing
