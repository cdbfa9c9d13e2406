#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A metadata folder that is not there yet is waited for by watch, aloud, and the service manager
# is told; scan fails. So is an index by follow.
. "$(dirname "$0")/lib.sh"

exits "scan needs the folder" 1 "$INDEXER" scan --data "$T/srv/data" --index "$T/index"
ok "and says so" grep -q "cannot open metadata folder '$T/srv/data': No such file" "$T/err"
ok "it makes no index" [ ! -e "$T/index" ]

manager watch && manager follow
NOTIFY_SOCKET=$T/follow.socket spawn follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
NOTIFY_SOCKET=$T/watch.socket spawn watch "$INDEXER" watch --data "$T/srv/data" --index "$T/index"
ok "watch waits, aloud" wait_until 60 grep -q "warning: there is no metadata folder '$T/srv/data' yet; waiting for it" "$T/watch.log"
ok "the service manager is told that it runs, and why it does nothing" \
	wait_until 60 told watch 1 "READY=1 STATUS=waiting for the metadata folder"
ok "likewise of follow" wait_until 60 told follow 1 "READY=1 STATUS=waiting for the first scan into the index"
ok "there is no index yet" [ ! -e "$T/index" ]
mkdir -p "$T/srv/new" && echo '{"public_id":"i","album_id":"a"}' >"$T/srv/new/1.json"
mv "$T/srv/new" "$T/srv/data"
ok "it goes on when the folder is there" wait_until 60 grep -q "info: metadata folder '$T/srv/data' is there" "$T/watch.log"
ok "and indexes it, and it is exported" wait_until 60 grep -q '"images":1,' "$T/site/snapshot.json"
ok "the service manager is told that it no longer waits" wait_until 60 told watch 2 "READY=1 STATUS="
ok "likewise of follow" wait_until 60 told follow 2 "READY=1 STATUS="
echo '{"public_id":"j","album_id":"a"}' >"$T/srv/data/2.json"
ok "the folder is watched then" wait_until 60 grep -q '"images":2,' "$T/site/snapshot.json"
ok "watch ends" stop watch
mv "$T/index" "$T/index-before"
ok "an index that is taken away is waited for again" \
	wait_until 90 told follow 3 "READY=1 STATUS=waiting for the first scan into the index"
mv "$T/index-before" "$T/index"
ok "until it is back" wait_until 60 told follow 4 "READY=1 STATUS="
ok "and follow" stop follow

spawn watch "$INDEXER" watch --data "$T/none" --index "$T/index2"
ok "watch waits" wait_until 60 grep -q "waiting for it" "$T/watch.log"
ok "a signal ends the wait, which is no failure" stop watch
ok "it says so" grep -q "info: stopped by a signal" "$T/watch.log"
echo >"$T/file"
exits "what is no folder is not waited for" 1 timeout 60 "$INDEXER" watch --data "$T/file" --index "$T/index2"
ok "and the message says why" grep -q "cannot open metadata folder '$T/file': Not a directory" "$T/err"
done_testing
