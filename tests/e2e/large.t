#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Large files: other files pass them while watch reads them, and a file of holes, or with a
# line that does not end, is rejected where that begins.
. "$(dirname "$0")/lib.sh"

D=$T/data
status() {
	"$INDEXER" status --index "$T/index"
}
count() { # JQ-FILTER
	"$INDEXER" status --index "$T/index" --json | jq -r "$1"
}
counts() { # JQ-FILTER: true if that is
	[ "$(count "$1")" = true ]
}
# Images, of about 1 KB each.
images() { # NAME COUNT
	"$PYTHON" - "$@" <<'END'
import sys
name, n = sys.argv[1], int(sys.argv[2])
for i in range(n):
    print('{"public_id":"%s-%d","album_id":"al-%d","note":"%s"}' % (name, i, i % 97, str(i) * 150))
END
}
array() { # NAME COUNT
	echo "["
	images "$@" | sed '$!s/$/,/'
	echo "]"
}
tag() { # ID
	printf '{"id":"%s","name":"n","label":"l"}' "$1"
}
# The images, claims and album lists of a new index of the same folder.
in_step() {
	local what='[.files, .images, .tags, .albums, .untagged, .claims, .rejects]'
	rm -rf "$T/fresh"
	"$INDEXER" scan --data "$D" --index "$T/fresh" >/dev/null 2>&1
	[ "$(count "$what | @csv")" = \
		"$("$INDEXER" status --index "$T/fresh" --json | jq -r "$what | @csv")" ]
}

# --- files of holes ----------------------------------------------------------------

mkdir -p "$D"
images start 1 >"$D/start.ndjson"
{ images before 2; } >"$D/sparse.ndjson"
truncate -s 1T "$D/sparse.ndjson"
exits "a sparse file of a terabyte is rejected by scan" 3 \
	timeout 60 "$INDEXER" scan --data "$D" --index "$T/index"
ok "status names the place where its hole begins" \
	grep -q '^sparse\.ndjson:3:1: NUL bytes' <(status)
is "what was read before it is taken" "$(count .images)" 3
# Every block of such a file costs 4 KiB, and claims to be a line of 15 MiB.
"$PYTHON" - "$D/comb.ndjson" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
for i in range(20000):
    os.pwrite(fd, b'\n{"x":', (i + 1) * (15 << 20))
END
exits "so is one with a line between any two holes" 3 \
	timeout 60 "$INDEXER" scan --data "$D" --index "$T/index"
is "with one reject" "$(count '[.rejected[] | select(.path == "comb.ndjson")] | length')" 1
rm "$D/comb.ndjson"
timeout 60 "$INDEXER" scan --data "$D" --index "$T/index" >/dev/null 2>&1
{ images line 1; head -c 20000000 /dev/zero | tr '\0' x; echo; images after 1; } >"$D/line.ndjson"
exits "a line over the limit" 3 timeout 60 "$INDEXER" scan --data "$D" --index "$T/index"
ok "is named" grep -q '^line\.ndjson:2:1: record is larger than 16 MiB' <(status)
is "and ends the reading of the file" "$(count .images)" 4
printf '%s\n%s\n' "$(images line 1)" '{"public_id":"nul' >"$D/line.ndjson"
printf 'x\0y\n%s\n' "$(images after 1)" >>"$D/line.ndjson"
exits "a stray NUL byte rejects its line alone" 3 \
	timeout 60 "$INDEXER" scan --data "$D" --index "$T/index"
is "and what follows is read" "$(count .images)" 5

start watch "$INDEXER" watch --data "$D" --index "$T/index"
cp --sparse=always "$D/sparse.ndjson" "$D/sparse2.ndjson" &
wait $!
tag t-sparse >"$D/sparse-passed.json"
ok "watch goes on after a sparse file" wait_until 30 counts '.tags == 1'
ok "and lists it" wait_until 30 counts '[.rejected[].path] | index("sparse2.ndjson") != null'
rm "$D/sparse.ndjson" "$D/sparse2.ndjson" "$D/line.ndjson"

# --- a large file that is what it should be ------------------------------------------

before=$(count .images)
N=60000
images big $N >"$T/big.ndjson"
ok "the rejected files are gone" wait_until 10 counts '.rejects == 0'
before=$(count .images)
mv "$T/big.ndjson" "$D/big.ndjson"
ok "a large file is being read" wait_until 30 counts ".images > $before"
tag t-1 >"$D/tag-1.json"
ok "a file that arrives behind it is live first" wait_until 30 counts \
	".tags == 2 and .images < $before + $N"
rm "$D/sparse-passed.json"
tag t-2 >"$D/tag-2.json"
ok "and so is the next one" wait_until 30 counts ".tags >= 2 and .images < $before + $N"
ok "the large file is read to its end" wait_until 120 counts ".images == $before + $N and .tags == 2"
ok "the tables agree" "$INDEXER" check --index "$T/index"
ok "the index equals a new one" wait_until 30 in_step

# Renamed: its records are claimed under the new name before they are withdrawn.
mv "$D/big.ndjson" "$D/renamed.ndjson"
tag t-3 >"$D/tag-3.json"
ok "a file passes a renamed one" wait_until 60 counts '.tags == 3'
for ((i = 0; i < 1000; i++)); do
	state=$(count "\"\(.images) \(.claims)\"")
	[ "${state% *}" -ge $((before + N)) ] || break
	[ "${state#* }" = $((before + N + 3)) ] && break
	pause
done
is "no image was missing meanwhile" "${state% *}" $((before + N))
ok "the old name is withdrawn at last" wait_until 120 counts \
	".claims == $before + $N + 3 and .files == 5"

# A .json is read twice before it counts; others pass it, too.
array doc $N >"$T/doc.json"
mv "$T/doc.json" "$D/doc.json"
tag t-4 >"$D/tag-4.json"
ok "a file that arrives behind a large .json is live first" wait_until 60 counts \
	".tags == 4 and .images < $before + 2 * $N"
ok "the .json is read to its end" wait_until 180 counts ".images == $before + 2 * $N"

# A large file that gives way to a small one, is removed, or is left by a kill.
images big2 $N >"$T/big2.ndjson"
mv "$T/big2.ndjson" "$D/big2.ndjson"
ok "another large file is being read" wait_until 30 counts ".images > $before + 2 * $N"
images small 3 >"$T/small.ndjson"
mv "$T/small.ndjson" "$D/big2.ndjson"
ok "it is replaced by a small one" wait_until 180 counts ".images == $before + 2 * $N + 3"
images big3 $N >"$T/big3.ndjson"
mv "$T/big3.ndjson" "$D/big3.ndjson"
ok "another is being read" wait_until 60 counts ".images > $before + 2 * $N + 3"
rm "$D/big3.ndjson"
ok "it is removed" wait_until 180 counts ".images == $before + 2 * $N + 3"
images big4 $N >"$D/big4.ndjson"
ok "another is being read" wait_until 60 counts ".images > $before + 2 * $N + 3"
stop watch KILL
ok "after a kill the tables agree" "$INDEXER" check --index "$T/index"
spawn watch "$INDEXER" watch --data "$D" --index "$T/index"
ok "a new watch begins to read it again" wait_until 60 alive watch
tag t-5 >"$D/tag-5.json"
ok "a file passes it" wait_until 60 counts ".tags == 5 and .images < $before + 3 * $N + 3"
stop watch TERM
ok "after a stop the tables agree" "$INDEXER" check --index "$T/index"
start watch "$INDEXER" watch --data "$D" --index "$T/index"
ok "watch is ready once it was read" counts ".images == $before + 3 * $N + 3"
ok "the index equals a new one" in_step
stop watch TERM
# Renamed while watch was down: the first scan leaves it to the slices, and the old name
# with it.
mv "$D/big4.ndjson" "$D/moved.ndjson"
while [ ! -e "$T/seen" ]; do
	count .images
done >"$T/counts" &
counter=$!
start watch "$INDEXER" watch --data "$D" --index "$T/index"
ok "a renamed file replaces the old one" wait_until 60 counts '.out_of_step == false'
: >"$T/seen"
wait "$counter"
is "and is not missing in between" "$(sort -n "$T/counts" | head -1)" $((before + 3 * N + 3))
ok "the index equals a new one" wait_until 30 in_step

# Written anew, slowly and line by line, while it is read.
images anew $N >"$T/anew"
cp "$T/anew" "$T/anew.ndjson"
mv "$T/anew.ndjson" "$D/anew.ndjson"
ok "another is being read" wait_until 60 counts ".images > $before + 3 * $N + 3"
exec 9>"$D/anew.ndjson"
head -n 40 "$T/anew" | while IFS= read -r line; do
	echo "$line" >&9
	ping "$D"
done
rm "$D/ping.json"
tail -n +41 "$T/anew" >&9
exec 9>&-
ok "it is read again when its writer has ended" wait_until 180 counts ".images == $before + 4 * $N + 3"
is "and nothing was withdrawn meanwhile" "$(grep -c "that only 'anew.ndjson' stated" "$T/watch.log")" 0
stop watch TERM
done_testing
