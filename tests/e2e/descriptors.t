#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A standard descriptor that is closed, as some cron jobs and daemons have it, is not given
# to a file: what is printed never gets into the index or the repository.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
cp "$ROOT/data/samples/tags.json" "$ROOT"/data/samples/albums/*.json "$T/data"
echo '[{"no":"record"}]' >"$T/data/rejected.json"
"$INDEXER" scan --data "$T/data" --index "$T/index" >/dev/null 2>&1
cp "$T/index/data.mdb" "$T/index/lock.mdb" "$T"

unchanged() {
	cmp "$T/data.mdb" "$T/index/data.mdb" && cmp -n 64 "$T/lock.mdb" "$T/index/lock.mdb"
}
closed() { # CMD...: with no standard descriptor at all
	"$@" <&- >&- 2>&-
}

for command in status check; do
	ok "$command without standard output fails" not closed "$INDEXER" "$command" --index "$T/index"
	ok "the index is as it was" unchanged
	exits "also if only the output is closed" 1 bash -c 'exec "$@" >&-' - "$INDEXER" "$command" --index "$T/index"
	ok "it says so" grep -q 'cannot write the result: Bad file descriptor' "$T/err"
	ok "the index is as it was" unchanged
done

ok "a scan with rejects, and without descriptors, fails" not closed "$INDEXER" scan --data "$T/data" --index "$T/other"
ok "the reject is not in the lock" not grep -q rejected "$T/other/albumen-indexer.lock"
ok "the index is whole" "$INDEXER" check --index "$T/other"
ok "an export fails" not closed "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$T/site"
ok "its repository is whole" "$EXPORTER" verify --repo "$T/repo"
ok "git agrees" git -C "$T/repo" fsck --strict
ok "so is the site" "$EXPORTER" publish --repo "$T/repo" --site "$T/site" --check

# --- a descriptor for --ready-fd that nobody opened ------------------------------------------------

for fd in 7 8 9 4294967297; do
	exits "watch refuses --ready-fd $fd" 2 timeout 30 "$INDEXER" watch --data "$T/data" --index "$T/index" --ready-fd "$fd"
	ok "it says why" grep -q "option '--ready-fd': no file is open at descriptor $fd" "$T/err"
	exits "so does follow" 2 timeout 30 "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --ready-fd "$fd"
done
ok "the index is as it was" unchanged
done_testing
