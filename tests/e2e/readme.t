#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In a fresh copy, every command of README.md and tests/README.md works, and every file
# that they name is there.
. "$(dirname "$0")/lib.sh"

# The programs that are built already are copied, too, to save the time; the tests are not.
mkdir "$T/copy"
(cd "$ROOT" && tar c --exclude=./build --exclude=./.git .) | tar x -C "$T/copy"
if [ -x "$ROOT/build/albumen-indexer" ]; then
	mkdir "$T/copy/build"
	(cd "$ROOT/build" && tar c flags edge data indexer exporter -- *.a albumen-*) |
		tar x -C "$T/copy/build"
fi
cd "$T/copy" || exit 1
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t \
	GIT_COMMITTER_EMAIL=t@example.org
git init -q . && git add . && git commit -qm 'tests: a copy'
port=$(free_port)
until own_port=$(free_port) && [ "$own_port" != "$port" ]; do :; done

commands() { # the lines of the ```sh blocks of a file
	sed -n '/^```sh$/,/^```$/{/^```/!p}' "$1"
}

paths() { # the files and folders below the top that a file names in backticks
	grep -oE '`(\.ci|data|indexer|exporter|tests)/[^` ]*`' "$1" | tr -d '`' | grep -v '[A-Z]\{3\}'
}

answers() {
	curl -so /dev/null "http://127.0.0.1:$port/snapshot.json"
}

try() {
	local line=$1
	case $line in
	'make test') return 0 ;; # this test is a part of it
	'make serve')
		spawn serve make serve "PORT=$port"
		wait_until 60 answers
		;;
	'make torture'* | 'make lint' | 'make format') # these need root, or other packages
		eval "make -n ${line#make } >/dev/null"
		;;
	.ci/run) # it runs this test
		[ -x .ci/run ]
		;;
	'man -l '*) # man-db is not everywhere
		[ -f "$(awk '{ print $3 }' <<<"$line")" ]
		;;
	/usr/sbin/nginx*)
		bash -ec "$line" && cp build/own/nginx.pid "$T/own.pid" || rm -f "$T/own.pid"
		;;
	*)
		line=${line/#curl /curl -sSf } line=${line//8080/$port}
		bash -o pipefail -ec "${line//8081/$own_port}"
		;;
	esac
}

quotes() { # each line of the walk's code blocks stands in one of the files that it names
	local line
	sed -n '/^### Add a response$/,/^### /p' README.md >"$T/walk"
	grep -oE '`(data|exporter|tests)/[^` ]*`' "$T/walk" | tr -d '`' | sort -u >"$T/named"
	sed -n '/^   ```[a-z]/,/^   ```$/{/```/!p}' "$T/walk" | sed 's/^   //' >"$T/quoted"
	[ -s "$T/quoted" ] || return 1
	while IFS= read -r line; do
		xargs grep -qxF -- "$line" <"$T/named" || { echo "$line"; return 1; }
	done <"$T/quoted"
}
ok "README's walk quotes the code as it is" quotes
for file in README.md tests/README.md data/README.md; do
	paths "$file" | xargs ls -d >/dev/null 2>"$T/missing"
	is "all files that $file names are there" "$(<"$T/missing")" ''
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
