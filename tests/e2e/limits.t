#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits of the process (ulimit): on open files, on the size of a file, on address space.
# The messages name them, and once they are gone the same command succeeds.
. "$(dirname "$0")/lib.sh"

wide_library
under() { # LIMIT CMD...
	local limit=$1
	shift
	(
		# shellcheck disable=SC2086 # an option and its value
		ulimit $limit
		"$@"
	)
}
index=$T/index
ok 'a scan succeeds' scan
ok 'an export succeeds' export_all

for command in "$INDEXER scan --data $T/data" "$INDEXER check" \
	"$EXPORTER export --repo $T/repo --site $T/site"; do
	name=${command%% --*}
	for n in 8 12 20 40; do
		# shellcheck disable=SC2086 # a command line
		exits "${name##*/} fails with $n open files" 1 under "-n $n" $command --index "$index"
		ok 'and names the limit' grep -q 'too many open files.*ulimit -n' "$T/err"
	done
done
exits 'a soft limit is raised' 0 under '-S -n 8' "$INDEXER" check --index "$index"

rm -r "$index" "$T/repo" "$T/site"
for n in 4 8 16 64 256; do
	exits "a first scan fails if files may have $n KiB" 1 under "-f $n" "$INDEXER" scan \
		--data "$T/data" --index "$index"
	ok "and names the reason" grep -q "File too large" "$T/err"
done
ok 'it succeeds without the limit' scan
ok 'the index is whole' "$INDEXER" check --index "$index"
for n in 4 8 16 64; do
	exits "a first export fails if files may have $n KiB" 1 under "-f $n" "$EXPORTER" export \
		--index "$index" --repo "$T/repo" --site "$T/site"
	ok "and names the reason" grep -q "File too large" "$T/err"
done
ok 'it succeeds without the limit' export_all
ok 'the repository is whole' git -C "$T/repo" fsck --strict
ok 'the history is whole' "$EXPORTER" verify --repo "$T/repo"

done_testing
