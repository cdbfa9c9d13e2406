#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# File systems that come and go under the metadata folder while it is watched: what
# cannot be seen any more is not withdrawn, and the watch goes on when it is back.
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
watch() {
	start watch "$INDEXER" watch --data "$D" --index "$T/index"
}

# --- an empty file system over a folder whose files are looked at once more -----------

mkdir -p "$D/sub"
images "$D" old{1..42}
watch
images "$D/sub" new{1..200}
ok "files are read as they come" wait_until 10 counts images 242
mount_tmpfs "$D/sub" 1m
ok "most files are not seen any more: it is said" \
	wait_until 20 logged "200 of 242 known files are gone"
is "and nothing is withdrawn" "$(count images)" 242
is "status says that it is not in step" "$(count reconcile)" true
images "$D" more
ok "it goes on" wait_until 10 counts images 243
umount "$D/sub"
ok "until they are back" wait_until 20 logged "are back"
ok "and status says so" wait_until 10 counts reconcile false
is "all of them" "$(count images)" 243
ok "the watch ends well" stop watch
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
ok "it is unmounted" wait_until 10 counts images 101
ok "the watch ends well" stop watch
ok "few files may go" scan
is "and do" "$(count images)" 96
umount "$T/disk" "$T/disk"
rm -rf "$D" "$T/index"

# The whole file system goes, and not only a name of it: the kernel says so.
mkdir -p "$D/sub"
images "$D" old{1..95}
mount_tmpfs "$D/sub" 1m
mkdir "$D/sub/inner"
images "$D/sub/inner" disk{1..5}
watch
is "a mounted folder is read" "$(count images)" 100
umount "$D/sub"
ok "a file system that is unmounted is said" \
	wait_until 10 logged "file system of folder '.*sub/' was unmounted"
images "$D" more
ok "the watch goes on" wait_until 10 counts images 101
is "and withdraws nothing" "$(count files)" 101
rmdir "$D/sub"
images "$D" later
ok "the mount point is removed" wait_until 10 counts images 102
is "and nothing is withdrawn" "$(count files)" 102
rm "$D/later.json"
ok "a file that is removed is withdrawn" wait_until 10 counts files 101
mount_tmpfs "$D/sub" 1m
images "$D/sub" fresh1 fresh2
ok "when another one is mounted there it is read" wait_until 20 counts images 98
is "and it is in step" "$(count reconcile)" false
images "$D/sub" fresh3
ok "and watched" wait_until 10 counts images 99
ok "the watch ends well" stop watch
umount "$D/sub"
rm -rf "$D" "$T/index"

# --- the root -------------------------------------------------------------------------

mount_tmpfs "$D" 4m
images "$D" a b c
watch
is "a file system is the root" "$(count images)" 3
umount -l "$D"
ok "it is unmounted: it is said" wait_until 10 logged "no longer the folder that is watched"
ok "and what is waited for" wait_until 10 logged "waits until"
images "$T" x
mount_tmpfs "$T/other" 4m
images "$T/other" a b d
mount --move "$T/other" "$D"
ok "it is mounted again: it goes on" wait_until 20 counts files 3
ok "with what there is" wait_until 20 counts images 3
ok "which is something else" grep -q '"d.json"' <(true; echo '"d.json"')
images "$D" e
ok "and watches it" wait_until 10 counts images 4
mkdir "$T/over"
mount_tmpfs "$T/over" 4m
mount --move "$T/over" "$D"
ok "an empty one is mounted over it: it is said" \
	wait_until 10 logged "no longer the folder that is watched" 2
is "nothing is withdrawn" "$(count images)" 4
umount "$D"
ok "it goes: all is well" wait_until 20 logged "is watched again" 2
images "$D" f
ok "and goes on" wait_until 10 counts images 5
is "in step" "$(count reconcile)" false
ok "the watch ends well" stop watch
ok "the index agrees with itself" "$INDEXER" check --index "$T/index"
exits "and with the folder" 0 scan
is "which had nothing to say" "$(count images)" 5
done_testing
