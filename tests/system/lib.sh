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
#	certificate NAME...	makes $T/cert.pem and $T/key.pem for these host names
#	debian_nginx PORT	Debian's configuration of nginx, with logs and pids that no other nginx
#				sees, and one site: $T/www, with TLS, the default one of the port
#
# Object stores (servers.py, proxy.py and s3.py say more):
#
#	store ceph|swift	starts it, or shares the one of this run of prove, and makes a bucket,
#				$BUCKET; sets what AWS's own tools read: AWS_ENDPOINT_URL,
#				AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION
#	proxy [RULE]...		puts a proxy before it, which is AWS_ENDPOINT_URL from then on, or
#				changes its rules; its record begins anew
#	requests		the record: METHOD STATUS KEY [CONDITION] [FAULT]
#	proxy_idle		waits until no request is under way in the proxy
#	reader [--any] PREFIX SITE...	starts a reader of what must be seen there (s3.py), and waits
#				until it reads; `stop reader` says whether all was right
#	s3 COMMAND...		asks the store itself, past the proxy
#	three_sites		three snapshots (tags one, two, three) in $T/repo, $T/one, $T/two and
#				$T/three
#	store_holds PREFIX DIR	true if the keys below PREFIX are the files of DIR, byte for byte,
#				without .albumen; else prints how they differ

if [ -z "${ALBUMEN_SYSTEM_NAMESPACE:-}" ]; then
	root=()
	[ "$(id -u)" = 0 ] || root=(sudo -n --preserve-env)
	exec "${root[@]}" env ALBUMEN_SYSTEM_NAMESPACE=1 \
		unshare --mount --propagation private bash "$0" "$@"
fi

. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

# What is set here for the user's own stores must not be asked by a test.
for name in "${!AWS_@}"; do
	unset "$name"
done
unset name
BUCKET=

# Unmounts everything below $T before lib.sh removes it.
unmount_all() {
	local status=$? dir
	[ -z "$BUCKET" ] || s3 rb 2>/dev/null
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

certificate() {
	local names
	names=$(printf ',DNS:%s' "$@")
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=albumen \
		-addext "subjectAltName=${names:1}" -keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
}

debian_nginx() {
	local pair
	cp -a /etc/nginx "$T/etc"
	mkdir "$T/log" "$T/lib" "$T/www"
	chown www-data "$T/log" "$T/lib"
	for pair in etc:/etc/nginx log:/var/log/nginx lib:/var/lib/nginx; do
		mount --bind "$T/${pair%%:*}" "${pair#*:}"
	done
	mount_tmpfs /run 1m
	rm -f /etc/nginx/sites-enabled/*
	echo other >"$T/www/index.html"
	cat >/etc/nginx/sites-enabled/0-other <<-END
		server {
			listen 127.0.0.1:$1 ssl default_server;
			server_name other.example.org;
			ssl_certificate $T/cert.pem;
			ssl_certificate_key $T/key.pem;
			root $T/www;
		}
	END
}

# The nearest `prove` above this process; without one, this process.
the_run() {
	local pid=$$ name parent
	while [ "$pid" -gt 1 ]; do
		name=$(<"/proc/$pid/comm") || break
		[ "$name" != prove ] || break
		parent=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f2)
		pid=$parent
	done
	[ "$name" = prove ] || pid=$$
	echo "$pid"
}

store() {
	local line lines
	lines=$("$ROOT/tests/system/servers.py" "$1" $$ "$(the_run)") || return 1
	for line in $lines; do
		export "${line?}"
	done
	export AWS_REGION=us-east-1 STORE_URL=$AWS_ENDPOINT_URL
	export BUCKET=test-$$-$RANDOM
	s3 mb
}

proxy() {
	if [ ! -f "$T/proxy.pid" ]; then
		spawn proxy "$PYTHON" "$ROOT/tests/system/proxy.py" "$STORE_URL"
		wait_until 60 test -s "$T/proxy.log" || return 1
		AWS_ENDPOINT_URL=$(head -n 1 "$T/proxy.log")
	fi
	printf '%s\n' "$@" | curl -sS -T - "$AWS_ENDPOINT_URL/-/rules"
}
requests() { curl -sS "$AWS_ENDPOINT_URL/-/log"; }
proxy_idle() { curl -sS "$AWS_ENDPOINT_URL/-/idle"; }
reader() {
	spawn reader "$PYTHON" "$ROOT/tests/system/s3.py" read "$@"
	wait_until 60 grep -q '^reading' "$T/reader.log"
}
s3() { "$PYTHON" "$ROOT/tests/system/s3.py" "$@"; }

store_holds() {
	rm -rf "$T/.held" && mkdir "$T/.held" && s3 mirror "$1" "$T/.held" &&
		diff -r -x .albumen "$T/.held" "$2"
}

# Three snapshots of a small library, labelled one, two and three, in $T/repo; and the folder
# sites $T/one, $T/two and $T/three. Between any two of them files are new, other and gone.
three_sites() {
	local name
	mkdir "$T/data"
	library_at one >"$T/data/all.ndjson"
	scan >"$T/out" && export_snapshot one || return 1
	library_at two >"$T/data/all.ndjson"
	scan >"$T/out" && export_snapshot two || return 1
	library_at three >"$T/data/all.ndjson"
	scan >"$T/out" && export_snapshot three || return 1
	for name in one two three; do
		"$EXPORTER" publish --repo "$T/repo" --site "$T/$name" --at $name >"$T/out" || return 1
	done
}
export_snapshot() {
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" && git -C "$T/repo" tag "$1" main
}
library_at() {
	awk -v when="$1" 'BEGIN {
		from = when == "two" ? 3 : 1
		to = when == "one" ? 9 : when == "two" ? 12 : 11
		for (i = from; i <= to; i++)
			printf "{\"public_id\":\"i %d/%%é\",\"album_id\":\"a%d\",\"title\":\"%s\"}\n",
				i, i % 4, i % 3 ? "same" : when
		printf "{\"id\":\"t\",\"image_id\":\"i 5/%%é\",\"tag_id\":\"g\",\"n\":\"%s\"}\n", when
		printf "{\"id\":\"g\",\"name\":\"gull\",\"label\":\"gull\"}\n"
	}'
}
