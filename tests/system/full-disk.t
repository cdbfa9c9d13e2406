#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The disk of the index, the repository, the site or a bundle is full: each command says
# so with the path and exit status 75, and when there is room again the same command has
# the usual result.
. "$(dirname "$0")/lib.sh"

wide_library
"$INDEXER" scan --data "$T/data" --index "$T/elsewhere" >/dev/null
"$EXPORTER" export --index "$T/elsewhere" --repo "$T/clean" --site "$T/clean-site" >/dev/null 2>&1
tree=$(git -C "$T/clean" rev-parse 'HEAD^{tree}')
ok 'there is something to compare with' test -n "$tree"

# True if CMD succeeds, or reports a full disk as it should.
full_or_done() { # PATH CMD...
	local path=$1 status
	shift
	"$@" >"$T/out" 2>"$T/err"
	status=$?
	[ $status != 0 ] || return 0
	echo "exit status $status"
	cat "$T/out" "$T/err"
	[ $status = 75 ] && grep -qF "$path" "$T/err" &&
		grep -qE 'No space left on device|[Dd]isk quota exceeded' "$T/err"
}
whole() { # INDEX
	local log
	log=$("$INDEXER" check --index "$1" 2>&1) || { echo "$log"; return 1; }
	rm -rf "$T/repo" &&
		"$EXPORTER" export --index "$1" --repo "$T/repo" >"$T/out" 2>"$T/err" &&
		[ "$(git -C "$T/repo" rev-parse 'HEAD^{tree}')" = "$tree" ]
}

for kind in tmpfs ext4; do
	disk=$T/$kind
	if [ $kind = tmpfs ]; then
		mount_tmpfs "$disk" 16m
	else
		mount_ext4 "$disk" 16
	fi
	for kib in 0 4 8 12 16 20 24 28 32 36 40 44 48 52 56 60 64 128 256 512; do
		fill_up "$disk" $((kib * 1024))
		ok "$kind: a first scan with $kib KiB free" full_or_done "$disk/index" \
			"$INDEXER" scan --data "$T/data" --index "$disk/index"
		free_up "$disk"
		exits 'with room again the scan succeeds' 0 "$INDEXER" scan --data "$T/data" --index "$disk/index"
		ok 'the index is whole' whole "$disk/index"
		rm -r "$disk/index"
	done
done

# The commands of the exporter with little room for what they write. Each on its own disk,
# with a copy of an intact repository.
cp -r "$T/clean" "$T/base"
mkdir "$T/small"
for ((i = 0; i < 40; i++)); do
	awk -v n=$i 'BEGIN {
		for (i = 0; i < 200; i++)
			printf "{\"public_id\":\"image-%d\",\"album_id\":\"album-%d\"," \
				"\"updated_at\":\"2021-01-01T00:00:%02dZ\",\"note\":\"%d %d\"}\n",
				i, i % 17, n, n, i * 7919 * n % 10007
	}' >"$T/small/all.ndjson"
	"$INDEXER" scan --data "$T/small" --index "$T/small-index" >/dev/null
	"$EXPORTER" export --index "$T/small-index" --repo "$T/many-packs" >/dev/null 2>&1
done
wide_images 2000 2100 >"$T/data/more.ndjson"
cp -r "$T/elsewhere" "$T/index"
"$INDEXER" scan --data "$T/data" --index "$T/index" >/dev/null
"$EXPORTER" export --index "$T/index" --repo "$T/clean" --site "$T/clean-site" >/dev/null 2>&1
tree=$(git -C "$T/clean" rev-parse 'HEAD^{tree}')
site_is_whole() {
	diff -r -x .albumen -x snapshot.json "$1" "$T/clean-site"
}
export_to() { # DISK
	"$EXPORTER" export --index "$T/index" --repo "$1/repo" --site "$1/site"
}
publish_to() {
	"$EXPORTER" publish --repo "$T/clean" --site "$1/site"
}
maintain_at() {
	"$EXPORTER" maintain --repo "$1/repo"
}
label_at() {
	"$EXPORTER" snapshot --repo "$1/repo" --label "l$RANDOM" --reason 'a full disk'
}
bundle_at() {
	"$EXPORTER" bundle --repo "$T/clean" "$1/bundle.tar"
}
fsck() {
	git -C "$1" fsck --strict
}
for kind in tmpfs ext4; do
	for command in export_to publish_to maintain_at label_at bundle_at; do
		disk=$T/$kind-$command
		if [ $kind = tmpfs ]; then
			mount_tmpfs "$disk" 16m
		else
			mount_ext4 "$disk" 24 -N 8192
		fi
		for kib in 0 8 16 64 128 256 384 512 1024; do
			if [ $command = maintain_at ]; then
				cp -r "$T/many-packs" "$disk/repo"
			else
				cp -r "$T/base" "$disk/repo"
			fi
			fill_up "$disk" $((kib * 1024))
			ok "$kind: $command with $kib KiB free" full_or_done "$disk/" $command "$disk"
			free_up "$disk"
			exits 'with room again the command succeeds' 0 $command "$disk"
			ok 'the repository is whole' fsck "$disk/repo"
			case $command in
			export_to)
				is 'the tree is the expected one' "$(git -C "$disk/repo" rev-parse 'HEAD^{tree}')" "$tree"
				ok 'the site is whole' site_is_whole "$disk/site"
				;;
			publish_to) ok 'the site is whole' site_is_whole "$disk/site" ;;
			bundle_at) ok 'the bundle is whole' tar -tf "$disk/bundle.tar" ;;
			esac
			rm -rf "${disk:?}/repo" "$disk/site" "$disk/bundle.tar"
			is 'no file is left' "$(ls -A "$disk")" ''
		done
		umount "$disk"
	done
done

done_testing
