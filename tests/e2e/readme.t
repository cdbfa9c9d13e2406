#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every command that README.md and tests/README.md show works in a fresh copy.
. "$(dirname "$0")/lib.sh"

# What is built already comes along (as if one had typed `make` before); tests do not.
mkdir "$T/copy"
(cd "$ROOT" && tar c --exclude=./build --exclude=./.git .) | tar x -C "$T/copy"
if [ -x "$ROOT/build/albumen-indexer" ]; then
	mkdir "$T/copy/build"
	(cd "$ROOT/build" && tar c flags edge data indexer exporter -- *.a albumen-*) |
		tar x -C "$T/copy/build"
fi
cd "$T/copy" || exit 1
port=$(free_port)

commands() { # the lines of the ```sh blocks of a file
	sed -n '/^```sh$/,/^```$/{/^```/!p}' "$1"
}

answers() {
	curl -so /dev/null "http://127.0.0.1:$port/snapshot.json"
}

try() {
	local line=$1
	case $line in
	'make test') return 0 ;; # which is where we are
	'make serve')
		spawn serve make serve "PORT=$port"
		wait_until 60 answers
		;;
	'make torture'*) # tests/system runs it, with the rights that it needs
		eval "make -n ${line#make } >/dev/null"
		;;
	'man -l '*) # man-db is not everywhere
		[ -f "$(awk '{ print $3 }' <<<"$line")" ]
		;;
	*)
		line=${line/#curl /curl -sSf }
		bash -o pipefail -ec "${line//8080/$port}"
		;;
	esac
}

for file in README.md tests/README.md; do
	while IFS= read -r line <&8; do
		ok "$line" try "$line"
	done 8< <(commands "$file")
done
if [ -f "$T/serve.pid" ]; then
	# make, and nginx below it, are a process group of their own.
	kill -TERM -- "-$(<"$T/serve.pid")"
	wait_until 30 not answers
fi
done_testing
