#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The examples of albumen-exporter(1) and albumen-indexer(1) work, and their synopses have
# the options that --help has.
. "$(dirname "$0")/lib.sh"

page=$ROOT/exporter/albumen-exporter.1
section() { # NAME
	sed -n "/^\.Sh $1\$/,/^\.Sh /p" "$page" | sed '1d;$d'
}

# Three snapshots, before the quarter of the examples and in it.
mkdir "$T/data"
at() { # DATE FILE...: a snapshot of that day, with these files, too
	SOURCE_DATE_EPOCH=$(date -d "$1" +%s)
	export SOURCE_DATE_EPOCH
	shift
	cp "$@" "$T/data" && scan >"$T/out" && export_all >"$T/out"
	unset SOURCE_DATE_EPOCH
}
samples=$ROOT/data/samples
ok "a snapshot of 2023" at 2023-12-15 "$samples/tags.json" "$samples"/albums/*.json
cp "$samples/tagged/harbour-1931.json" "$T/tagged.json"
ok "a snapshot of February" at 2024-02-10 "$T/tagged.json"
ok "a snapshot of March" at 2024-03-20 "$samples/tagged/market-hall.json"

mkdir "$T/bin"
ln -s "$INDEXER" "$EXPORTER" "$T/bin"
export PATH=$T/bin:$PATH
cd "$T" || exit 1
port=$(free_port)
run() { # COMMANDS; nginx only reads its configuration
	bash -o pipefail -ec "$(sed -e "s/:8080/:$port/" -e "s/ -g 'daemon off;'/ -t/" <<<"$1")"
}
blocks=0
while IFS= read -r -d '' block; do
	blocks=$((blocks + 1))
	name=$(head -n 1 <<<"$block")
	# Something has changed, so that there is a snapshot to sign.
	[[ $block != *'export '*'--sign '* ]] || { echo '{"public_id":"new","album_id":"new"}' >data/new.json && scan >"$T/out"; }
	case $block in
	*--older-than*) exits "$name" 1 run "$block" ;; # the samples have such an image
	*' receipt '*) # of a signed snapshot; the examples so far have changed nothing
		cp "$samples"/corrections/*.json "$T/data" && scan >"$T/out"
		"$EXPORTER" export --index index --repo repo --sign exporter-key >"$T/out"
		ok "$name" run "$block"
		;;
	*) ok "$name" run "$block" ;;
	esac
done < <({ section EXAMPLES && section 'SIGNATURES AND LABELS'; } |
	sed -n '/^\.Bd -literal/,/^\.Ed/p' | sed -e 's/\\e$/\\/' -e '/^\.Bd/d' -e 's/^\.Ed/\x00/' |
	sed -z 's/^\n//')
is "all examples were run" "$blocks" "$(grep -c '^\.Bd -literal' "$page")"
ok "the bundle is there" test -s quarter.tar

options() { # PROGRAM COMMAND: its synopsis in $page has them, and its help is narrow
	local program=$1 command=$2
	"$program" "$command" --help >"$T/help"
	is "$command: the options" "$(sed '1,/^options:/d' help | grep -oE -- '^ .{5}--[a-z-]+' |
		sed 's/.*--//' | grep -vxE 'help|version|verbose|log|rev' | sort | xargs)" \
		"$(section SYNOPSIS | sed -n "/^\.Cm $command\$/,/^\.Nm/p" |
			grep -oE 'Fl -[a-z-]+' | sed 's/Fl -//' | sort | xargs)"
	is "$command: no line is too long" "$(awk 'length > 90' help)" ""
}
for command in export follow publish status edge maintain audit log show receipt snapshot bundle verify diff erase; do
	options "$EXPORTER" "$command"
done

page=$ROOT/indexer/albumen-indexer.1
cp -r "$samples" photos
rm -r index
while IFS= read -r line <&8; do
	ok "$line" run "$line"
done 8< <(section EXAMPLES | sed -n '/^\.Bd -literal/,/^\.Ed/{/^\./!p}')
for command in scan watch status check; do
	options "$INDEXER" "$command"
done
done_testing
