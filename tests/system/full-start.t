#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The disk is full when watch and follow start: the service manager is told that they run, and
# what they wait for. Otherwise `systemctl start`, and the start of the machine, would hang.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
mount_tmpfs "$T/disk" 8m
echo '{"public_id":"one","album_id":"a"}' >"$T/data/1.json"
"$INDEXER" scan --data "$T/data" --index "$T/disk/index" >"$T/out"
"$EXPORTER" export --index "$T/disk/index" --repo "$T/disk/repo" --site "$T/disk/site" >"$T/out" 2>&1
wide_images 0 300 >"$T/data/2.ndjson"
images() { grep -q "\"images\":$1," "$T/disk/site/snapshot.json"; }
services() {
	NOTIFY_SOCKET=$T/watch.socket spawn watch "$INDEXER" watch --data "$T/data" --index "$T/disk/index"
	NOTIFY_SOCKET=$T/follow.socket spawn follow "$EXPORTER" follow --index "$T/disk/index" \
		--repo "$T/disk/repo" --site "$T/disk/site"
}
manager watch && manager follow

fill_up "$T/disk" 0
services
ok "watch is told to run, and what it waits for" \
	wait_until 60 told watch 1 "READY=1 STATUS=waiting for room on the disk of the index"
free_up "$T/disk"
ok "it goes on when there is room" wait_until 60 images 301
ok "and no longer says that it waits" grep -qx 'READY=1 STATUS=' "$T/manager-watch.log"
ok "watch stops" stop watch
ok "follow stops" stop follow

"$INDEXER" scan --data "$T/data" --index "$T/disk/index" >"$T/out"
wide_images 300 600 >"$T/data/3.ndjson"
"$INDEXER" scan --data "$T/data" --index "$T/disk/index" >"$T/out"
stop manager-follow
rm "$T/follow.socket"
manager follow
fill_up "$T/disk" 0
services
ok "follow is told to run, and what it waits for" \
	wait_until 60 told follow 1 "READY=1 STATUS=waiting for room on the disk"
free_up "$T/disk"
ok "it goes on when there is room" wait_until 60 images 601
ok "and no longer says that it waits" wait_until 60 told follow 2 "READY=1 STATUS="
ok "watch stops" stop watch
ok "follow stops" stop follow
done_testing
