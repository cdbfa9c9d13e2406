# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - what every test of tests/system sources first. It is tests/e2e/lib.sh
# (read that manual) for tests that need root, mounts or sysctls:
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0-or-later
#	# What this test is about, in a sentence.
#	. "$(dirname "$0")/lib.sh"
#	mount_ext4 "$T/disk" 16
#	ok "..." ...
#	done_testing
#
# The test starts itself again as root in its own mount namespace: the kernel removes
# the mounts when the test ends, however it ends, and no other process sees them.
#
#	mount_ext4 DIR MIB [MKFS OPTION...]	a loop-mounted ext4 file system of that size
#	mount_tmpfs DIR SIZE [OPTION,...]	a tmpfs (SIZE as mount(8) takes it: 4k, 16m)
#	fill_up DIR FREE	fills the file system of DIR (DIR/.filler) up to FREE bytes
#	free_up DIR		removes what fill_up wrote

if [ -z "${ALBUMEN_SYSTEM_NAMESPACE:-}" ]; then
	root=()
	[ "$(id -u)" = 0 ] || root=(sudo -n --preserve-env)
	exec "${root[@]}" env ALBUMEN_SYSTEM_NAMESPACE=1 \
		unshare --mount --propagation private bash "$0" "$@"
fi

. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

# Unmounts everything below $T before lib.sh removes it.
unmount_all() {
	local status=$? dir
	while read -r dir; do
		umount -l "$dir"
	done < <(awk -v t="$T/" 'index($2, t) == 1 { print $2 }' /proc/self/mounts | sort -r)
	(exit "$status")
	cleanup
}
trap unmount_all EXIT

mount_ext4() {
	local dir=$1 size=$2 image
	shift 2
	image=$(mktemp "$T/image.XXXXXX") || return 1
	# Without blocks that are reserved for root or for the kernel, what fill_up leaves
	# free is all that there is.
	mkdir -p "$dir" && truncate -s "${size}M" "$image" &&
		mkfs.ext4 -q -F -b 4096 -m 0 "$@" "$image" &&
		mount -o loop "$image" "$dir" && rmdir "$dir/lost+found" &&
		echo 0 >"/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$dir")")/reserved_clusters"
}

mount_tmpfs() {
	mkdir -p "$1" && mount -t tmpfs -o "size=$2${3:+,$3}" tmpfs "$1"
}

fill_up() {
	local free
	dd if=/dev/zero of="$1/.filler" bs=4096 status=none 2>/dev/null
	truncate -s "-$2" "$1/.filler" && sync -f "$1"
	free=$(stat -f -c '%a * %S' "$1")
	echo "# $((free)) bytes are free in $1"
}

free_up() {
	rm -f "$1/.filler" && sync -f "$1"
}
