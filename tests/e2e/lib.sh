# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - what every end-to-end test sources first:
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0-or-later
#	# What this test is about, in a sentence.
#	. "$(dirname "$0")/lib.sh"
#	mkdir "$T/data"
#	ok "an empty folder is scanned" "$INDEXER" scan --data "$T/data" --index "$T/index"
#	done_testing
#
# A test prints TAP, which prove reads. It works in its own temporary folder, $T, and
# leaves no process and no file, however it ends. It runs as any user, in any directory,
# at the same time as other tests.
#
# Variables: $T, $ROOT (the repository), $BUILD (from ALBUMEN_BUILD, else
# $ROOT/build), $INDEXER, $EXPORTER, $PYTHON (Debian's own python3).
#
#	ok NAME CMD...		passes if CMD does; else its output is shown
#	not CMD...		succeeds if CMD fails (for `ok NAME not CMD...`)
#	is NAME GOT WANT	passes if the strings are equal
#	same NAME GOT WANT	passes if the files are equal; else a unified diff
#	exits NAME STATUS CMD...	passes if CMD ends with STATUS; output in $T/out, $T/err
#	wait_until SECONDS CMD...	polls CMD; fails at the deadline
#	spawn NAME CMD...	starts a program; pid in $T/NAME.pid, output in $T/NAME.log
#	start NAME CMD...	as spawn with `--ready-fd`, and waits until it is ready
#	stop NAME [SIGNAL]	ends it (TERM), and returns its exit status
#	alive NAME		true while it runs
#	ping FOLDER		goes on when watch has taken in a change of FOLDER/ping.json that
#				comes now
#	manager NAME		starts a service manager that listens at $T/NAME.socket (for
#				NOTIFY_SOCKET)
#	told NAME N TEXT	true if its Nth message is TEXT, with a blank for each newline
#	readme_script NAME...	prints the commands of the blocks ```sh NAME of README.md
#	free_port		prints a free TCP port of 127.0.0.1
#	ask PATH [CURL-OPTION]...	a request to $URL: headers to $T/head, body to $T/body; prints
#				the status
#	header NAME		prints the values of a header of the last response
#	scan, export_all	run the two programs on $T/data, $T/index, $T/repo, $T/site
#	wide_images FROM TO	prints images (300 bytes each, of 97 albums) with these numbers
#	wide_library		makes $T/data with 2000 of them in 20 files
#	limit_memory OPTION KIB	ulimit -v or -d, but not of a build with sanitizers, which
#				reserve memory of their own
#	skip_all REASON		this test cannot run here
#	done_testing		prints the plan and ends the test

set -u
umask 022
export TZ=UTC LC_ALL=C
for name in "${!ALBUMEN_@}"; do
	case $name in
	ALBUMEN_BUILD | ALBUMEN_SEED | ALBUMEN_SYSTEM_NAMESPACE | ALBUMEN_THREADS) ;;
	*) unset "$name" ;; # it would stand in for an option
	esac
done
unset name SOURCE_DATE_EPOCH \
	GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY CDPATH MAKEFLAGS MAKELEVEL

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$(cd "${ALBUMEN_BUILD:-$ROOT/build}" && pwd) || exit 1
INDEXER=$BUILD/albumen-indexer
EXPORTER=$BUILD/albumen-exporter
PYTHON=/usr/bin/python3
T=$(mktemp -d "${TMPDIR:-/tmp}/albumen-test.XXXXXX") || exit 1
# Without the git configuration of the user and of the system, every test sees the same.
export HOME=$T GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null PYTHONDONTWRITEBYTECODE=1
# nginx is in /usr/sbin, which is not in the PATH of an ordinary user.
PATH=$PATH:/usr/sbin:/sbin

tests_run=0
tests_failed=0
# Reading a pipe that stays empty, with a timeout, waits without starting a process.
exec {pause_fd}<> <(:)

cleanup() {
	local status=$? file pid
	trap - EXIT INT TERM HUP
	for file in "$T"/*.pid; do
		[ -f "$file" ] || continue
		pid=$(<"$file")
		kill -KILL "$pid" 2>/dev/null
		kill -KILL -- "-$pid" 2>/dev/null
	done
	wait 2>/dev/null
	chmod -R u+rwX "$T" 2>/dev/null
	rm -rf "$T"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

result() { # PASSED NAME
	tests_run=$((tests_run + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests_run - $2"
		return 0
	fi
	tests_failed=$((tests_failed + 1))
	echo "not ok $tests_run - $2"
	return 1
}

diag() { # shows stdin as TAP comments
	sed 's/^/# /' | head -n 60
}

ok() {
	local name=$1 status
	shift
	"$@" >"$T/.ok" 2>&1
	status=$?
	result "$status" "$name" && return 0
	{
		echo "exit status $status of: $*"
		cat "$T/.ok"
	} | diag
	return 1
}

not() {
	! "$@"
}

is() {
	[ "$2" = "$3" ]
	result $? "$1" && return 0
	{
		echo "got:  $2"
		echo "want: $3"
	} | diag
	return 1
}

same() {
	diff -u "$3" "$2" >"$T/.same" 2>&1
	result $? "$1" && return 0
	diag <"$T/.same"
	return 1
}

exits() {
	local name=$1 want=$2 got
	shift 2
	"$@" >"$T/out" 2>"$T/err"
	got=$?
	[ "$got" = "$want" ]
	result $? "$name" && return 0
	{
		echo "exit status $got, not $want, of: $*"
		cat "$T/out" "$T/err"
	} | diag
	return 1
}

pause() { # twenty milliseconds
	read -rt 0.02 -u "$pause_fd" _
	return 0
}

limit_memory() {
	grep -qa __asan_init "$EXPORTER" || ulimit "$1" "$2"
}

wait_until() {
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		pause
	done
}

sequence() { "$INDEXER" status --index "$T/index" --json | jq .sequence; }
moved_on() { [ "$(sequence)" -gt "$1" ]; }
ping() {
	local at
	at=$(sequence)
	printf '{"public_id":"ping","album_id":"a","title":"%s"}' "$at" >"$1/ping.json"
	wait_until 30 moved_on "$at"
}

ask() {
	local path=$1
	shift
	curl -s -g --path-as-is -D "$T/head" -o "$T/body" -w '%{http_code}' "$@" "$URL$path"
}
header() { tr -d '\r' <"$T/head" | sed -n "s/^$1: //Ip"; }

spawn() {
	local name=$1
	shift
	# The redirection is made in the background: who waits for a line must not find that of an
	# earlier process of this name.
	: >"$T/$name.log"
	# Its own process group, so that `cleanup` also kills its children.
	setsid "$@" >"$T/$name.log" 2>&1 </dev/null &
	echo $! >"$T/$name.pid"
}

alive() {
	local stat
	[ -f "$T/$1.pid" ] && { read -r stat <"/proc/$(<"$T/$1.pid")/stat"; } 2>/dev/null || return 1
	stat=${stat##*) }
	[ "${stat:0:1}" != Z ]
}

manager() {
	spawn "manager-$1" "$PYTHON" -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    print(s.recv(4096).decode().replace("\n", " "), flush=True)' "$T/$1.socket"
	wait_until 60 test -S "$T/$1.socket"
}
told() { [ "$(sed -n "$2p" "$T/manager-$1.log")" = "$3" ]; }
start() {
	local name=$1 end=$((SECONDS + 60))
	shift
	rm -f "$T/$name.ready"
	spawn "$name" "$@" --ready-fd 7 7>"$T/$name.ready"
	until [ -s "$T/$name.ready" ]; do
		if [ "$SECONDS" -ge "$end" ] || ! alive "$name"; then
			echo "# $name is not ready:"
			diag <"$T/$name.log"
			return 1
		fi
		pause
	done
}

stop() {
	local name=$1 end=$((SECONDS + 60)) pid
	pid=$(<"$T/$name.pid") || return 1
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	while alive "$name"; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "# $name does not stop:"
			diag <"$T/$name.log"
			kill -KILL "$pid"
		fi
		pause
	done
	rm -f "$T/$name.pid"
	wait "$pid" 2>/dev/null
}

free_port() {
	local port
	while :; do
		# Below the ports that the kernel gives to outgoing connections.
		port=$((10000 + (RANDOM * 32768 + RANDOM) % 22000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

readme_script() {
	local name
	for name; do
		sed -n "/^\`\`\`sh $name\$/,/^\`\`\`\$/{/^\`\`\`/!p}" "$ROOT/README.md"
	done
}

scan() {
	"$INDEXER" scan --data "$T/data" --index "$T/index" "$@"
}

export_all() {
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$T/site" "$@"
}

wide_images() {
	awk -v from="$1" -v to="$2" 'BEGIN {
		for (i = from; i < to; i++)
			printf "{\"public_id\":\"image-%d\",\"album_id\":\"album-%d\"," \
				"\"created_at\":\"2020-01-01T00:00:%02dZ\",\"note\":\"%0200d\"}\n",
				i, i % 97, i % 60, i * 7919
	}'
}

wide_library() {
	local n
	mkdir "$T/data"
	for ((n = 0; n < 20; n++)); do
		wide_images $((n * 100)) $((n * 100 + 100)) >"$T/data/$n.ndjson"
	done
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	echo "1..$tests_run"
	[ "$tests_failed" = 0 ] || exit 1
	exit 0
}
