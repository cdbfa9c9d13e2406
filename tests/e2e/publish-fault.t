#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A publication in which a flush fails, or that is killed at any call: the next one writes
# and flushes again what the first one may not have made durable.
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS=detect_leaks=0

files() { # SITE: prints the hash of every file that is served
	(cd "$1" && find . -path ./.albumen -prune -o -type f -exec sha1sum {} +) |
		sed 's/^\([^ ]*\) *\.\/\(.*\)/\2 \1/' | sort
}
publish() { # REV [STRACE-OPTION]...
	local rev=$1
	shift
	strace -f -y -qq -o "$T/trace" "$@" \
		"$EXPORTER" publish --repo "$T/repo" --site "$T/victim" --rev "$rev" >"$T/out" 2>&1
}
reset() { # CASE: makes the site as it was before
	rm -rf "$T/victim"
	[ "$1" = none ] || cp -a "$T/$1" "$T/victim"
}
renamed() { # prints the paths that a traced publication renamed into place
	sed -n 's/.*rename[a-z0-9]*(.*, [0-9]*<[^>]*\/victim\(\/[^>]*\|\)>, "\([^"]*\)".*) = 0$/\1\/\2/p' \
		"$T/trace" | sed 's/^\///' | sort -u
}
written() { # OLD NEW: prints the files of site NEW that differ in OLD
	[ "$1" = none ] && mkdir -p "$T/none"
	comm -13 <(files "$T/$1") <(files "$T/$2") | sed 's/ .*//' |
		grep -v '^snapshot.json$' | sort
}
gone() { # OLD NEW: prints the folders of files that OLD has and NEW does not
	[ "$1" = none ] && return
	comm -23 <(files "$T/$1" | sed 's/ .*//' | sort) \
		<(files "$T/$2" | sed 's/ .*//' | sort) | sed 's/\/[^/]*$//' | sort -u
}
# What the next run must do: write all that differs, and flush it after the last rename
# and before snapshot.json is renamed; or, if snapshot.json was renamed, flush its folder.
makes_durable() { # OLD NEW
	local last sync
	if [ "$names_new" = yes ]; then
		grep -q "\(fsync\|syncfs\)([0-9]*<$T/victim>) *= 0" "$T/trace" ||
			{ echo "the folder of snapshot.json is not flushed"; return 1; }
		return 0
	fi
	comm -23 <(written "$1" "$2") <(renamed) >"$T/unwritten"
	if [ "$1" = none ] && grep -q 'rename.*, "api") = 0' "$T/trace"; then
		: >"$T/unwritten" # built anew, in a folder of its own
	fi
	[ ! -s "$T/unwritten" ] || { echo "not written again:"; cat "$T/unwritten"; return 1; }
	last=$(grep -n '\(rename\|unlink\).*) = 0$' "$T/trace" | grep -v 'pending\|snapshot\.json\|/tmp>' |
		tail -n 1 | cut -d: -f1)
	grep -n "syncfs([0-9]*<$T/victim>) *= 0" "$T/trace" | cut -d: -f1 >"$T/syncs"
	sync=$(tail -n 1 "$T/syncs")
	[ "${sync:-0}" -gt "${last:-0}" ] && return 0
	# Otherwise each folder is flushed by itself.
	{ written "$1" "$2" | sed 's/\/[^/]*$//'; gone "$1" "$2"; } | sort -u | while read -r folder; do
		[ ! -d "$T/victim/$folder" ] ||
			grep -q "fsync([0-9]*<$T/victim/$folder>) *= 0" "$T/trace" ||
			{ echo "folder $folder is not flushed"; exit 1; }
	done
}
is_done() { # the rest of the note does not count
	[ "$(head -n 1 "$T/victim/.albumen/pending")" = "done" ]
}
retry() { # NAME OLD NEW
	local status=0
	names_new=no
	cmp -s "$T/victim/snapshot.json" "$T/$3/snapshot.json" && names_new=yes
	noted=no
	[ -s "$T/victim/.albumen/pending" ] && ! is_done && noted=yes
	if publish "$3" -e trace=fsync,fdatasync,syncfs,rename,renameat,renameat2,unlinkat; then
		if [ $noted = yes ] && ! makes_durable "$2" "$3" >"$T/why"; then
			status=1
		fi
		files "$T/victim" >"$T/got"
		files "$T/$3" >"$T/want"
		diff -u "$T/want" "$T/got" >>"$T/why" || status=1
		is_done || status=1
	else
		status=1
		cp "$T/out" "$T/why"
	fi
	[ "$status" = 0 ] || { result 1 "$1"; diag <"$T/why"; }
}

strace -qq -e trace=none true 2>"$T/err" || skip_all "strace cannot trace here"

# Three snapshots with few differences, and one with many.
mkdir "$T/data"
for i in {1..30}; do
	printf '{"public_id":"i%s","album_id":"a%s","title":"one"}\n' "$i" $((i % 5))
done >"$T/data/some.ndjson"
scan >"$T/out" && export_all >"$T/out"
git -C "$T/repo" tag one main
sed -i '1s/one/two/; 5d; 10d' "$T/data/some.ndjson"
printf '{"public_id":"new","album_id":"new"}\n' >"$T/data/new.json"
scan >"$T/out" && export_all >"$T/out"
git -C "$T/repo" tag two main
rm "$T/data/new.json"
scan >"$T/out" && export_all >"$T/out"
git -C "$T/repo" tag three main
for i in {1..120}; do
	printf '{"public_id":"m%s","album_id":"b%s"}\n' "$i" $((i % 5))
done >"$T/data/many.ndjson"
scan >"$T/out" && export_all >"$T/out"
git -C "$T/repo" tag four main
for rev in one two three four; do
	"$EXPORTER" publish --repo "$T/repo" --site "$T/$rev" --rev $rev >"$T/out"
done
is "there are four sites" "$(cat "$T"/{one,two,three,four}/snapshot.json | jq -r .commit | sort -u | wc -l)" 4

# OLD NEW: a first publication, few changes, removals, many changes, many removals.
cases=("none one" "one two" "two three" "three four" "four one")
for case in "${cases[@]}"; do
	read -r old new <<<"$case"
	faults=0
	failed=$tests_failed
	for call in fsync fdatasync syncfs; do
		for nth in {1..200}; do
			reset $old
			publish $new -e trace=$call -e "inject=$call:error=EIO:when=$nth" && break
			faults=$((faults + 1))
			retry "EIO at $call $nth from $old to $new, then a retry" $old $new
		done
	done
	is "$old to $new: after each failed flush the next run makes all durable" \
		"$tests_failed $((faults > 1))" "$failed 1"
	kills=0
	for call in openat write pwrite64 ftruncate renameat mkdirat unlinkat fsync syncfs; do
		for nth in {1..36}; do
			[ $call = openat ] && [ $((nth % 4)) != 0 ] && continue
			# Every call of a few, every seventh of many.
			[ $nth -gt 8 ] && [ $((nth % 7)) != 0 ] && continue
			reset $old
			(publish $new -e trace=$call -e "inject=$call:signal=KILL:when=$nth"; exit $?) \
				2>"$T/err" && break
			kills=$((kills + 1))
			retry "killed at $call $nth from $old to $new, then a retry" $old $new
		done
	done
	is "$old to $new: after a kill at any call the next run completes the site" \
		"$tests_failed $((kills > 10))" "$failed 1"
done

# Two failed flushes, one after the other, and then another snapshot than either.
reset one
publish two -e trace=fsync -e inject=fsync:error=EIO:when=3+
publish three -e trace=syncfs -e inject=syncfs:error=EIO:when=1
ok "a publication after two that failed succeeds" publish one \
	-e trace=fsync,fdatasync,syncfs,rename,renameat,renameat2,unlinkat
{ written one two; written one three; written three one; written two one; } | sort -u |
	while read -r path; do [ -e "$T/one/$path" ] && echo "$path"; done >"$T/must"
is "it writes again all that the two may have changed" "$(comm -23 "$T/must" <(renamed))" ""
files "$T/victim" >"$T/got"
files "$T/one" >"$T/want"
same "and the site is right" "$T/got" "$T/want"
done_testing
