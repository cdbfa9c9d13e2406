#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# File systems are mounted and unmounted below a watched metadata folder: files that
# cannot be seen are not withdrawn, and watch goes on when they are back.
. "$(dirname "$0")/lib.sh"

D=$T/data
images() { # DIR ID...: a file for each
	local dir=$1 id
	shift
	for id; do
		echo "{\"public_id\":\"$id\",\"album_id\":\"a\"}" >"$dir/$id.json"
	done
}
count() { # FIELD
	"$INDEXER" status --index "$T/index" --json | jq -r ".$1"
}
counts() { # FIELD NUMBER
	[ "$(count "$1")" = "$2" ]
}
logged() { # TEXT [NUMBER]: in that many lines at least
	[ "$(grep -c -e "$1" "$T/watch.log")" -ge "${2:-1}" ]
}
knows() { # ID
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1 &&
		git -C "$T/repo" ls-tree -r --name-only main | grep -q "/$1\.json$"
}
watch() {
	start watch "$INDEXER" watch --data "$D" --index "$T/index"
}

# --- an empty file system over a folder whose files are read a second time -----------

mkdir -p "$D/sub"
images "$D" old{1..42}
watch
images "$D/sub" new{1..200}
ok "files are read as they come" wait_until 10 counts images 242
mount_tmpfs "$D/sub" 1m
ok "watch reports that most files are missing" \
	wait_until 20 logged "200 of 242 known files are gone"
is "nothing is withdrawn" "$(count images)" 242
is "the index is not in step" "$(count out_of_step)" true
images "$D" more
ok "watch goes on" wait_until 10 counts images 243
umount "$D/sub"
ok "watch reports when the files are back" wait_until 20 logged "are back"
ok "the index is in step" wait_until 10 counts out_of_step false
is "all images are known" "$(count images)" 243
ok "watch ends with status 0" stop watch
rm -rf "$D" "$T/index"

# --- a file system below the root -----------------------------------------------------

mkdir -p "$D/sub"
images "$D" old{1..95}
mount_ext4 "$T/disk" 16
images "$T/disk" disk{1..5}
mount --bind "$T/disk" "$D/sub"
mount --bind "$T/disk" "$T/disk"
watch
is "a mounted folder is read" "$(count images)" 100
umount "$D/sub"
images "$D" more
ok "when it is unmounted watch goes on" wait_until 10 counts images 101
ok "watch ends with status 0" stop watch
ok "a few missing files may be withdrawn" scan
is "they are" "$(count images)" 96
umount "$T/disk" "$T/disk"
rm -rf "$D" "$T/index"

# The last mount of the file system goes, which inotify reports.
mkdir -p "$D/sub"
images "$D" old{1..95}
mount_tmpfs "$D/sub" 1m
mkdir "$D/sub/inner"
images "$D/sub/inner" disk{1..5}
watch
is "a mounted folder is read" "$(count images)" 100
umount "$D/sub"
ok "watch says that the file system was unmounted" \
	wait_until 10 logged "file system of folder '.*sub/' was unmounted"
images "$D" more
ok "the watch goes on" wait_until 10 counts images 101
is "and withdraws nothing" "$(count files)" 101
rmdir "$D/sub"
images "$D" later
ok "the mount point is removed" wait_until 10 counts images 102
is "nothing is withdrawn" "$(count files)" 102
rm "$D/later.json"
ok "a file that is removed is withdrawn" wait_until 10 counts files 101
mount_tmpfs "$D/sub" 1m
images "$D/sub" fresh1 fresh2
ok "another file system at the mount point is read" wait_until 20 counts images 98
is "the index is in step" "$(count out_of_step)" false
images "$D/sub" fresh3
ok "it is watched" wait_until 10 counts images 99
ok "watch ends with status 0" stop watch
umount "$D/sub"
rm -rf "$D" "$T/index"

# --- the root -------------------------------------------------------------------------

mount_tmpfs "$D" 4m
images "$D" a b c
watch
is "a root that is a mount point is read" "$(count images)" 3
umount -l "$D"
ok "watch says that it was unmounted" wait_until 10 logged "no longer the folder that is watched"
ok "and what it waits for" wait_until 10 logged "waits until"
images "$T" x
mount_tmpfs "$T/other" 4m
images "$T/other" a b d
mount --move "$T/other" "$D"
ok "when it is mounted again watch goes on" wait_until 20 counts files 3
ok "with the images that are there" wait_until 20 counts images 3
ok "which are the new ones" knows d
images "$D" e
ok "it is watched" wait_until 10 counts images 4
mkdir "$T/over"
mount_tmpfs "$T/over" 4m
mount --move "$T/over" "$D"
ok "watch says that another file system is mounted over it" \
	wait_until 10 logged "no longer the folder that is watched" 2
is "nothing is withdrawn" "$(count images)" 4
umount "$D"
ok "watch goes on when that is gone" wait_until 20 logged "is watched again" 2
images "$D" f
ok "it is watched" wait_until 10 counts images 5
is "the index is in step" "$(count out_of_step)" false
ok "watch ends with status 0" stop watch
ok "the tables of the index are right" "$INDEXER" check --index "$T/index"
exits "a scan succeeds" 0 scan
is "and changes nothing" "$(count images)" 5
done_testing
