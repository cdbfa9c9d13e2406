#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever is in the folder, a scan neither stops nor hangs, and lists what it rejects.
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" = 0 ]; then
	# Root can read every file.
	as_user() { setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"; }
	chmod 755 "$T"
	# The build may be where only root can look.
	install -m 755 "$INDEXER" "$T/albumen-indexer"
	INDEXER=$T/albumen-indexer
	install -d -o 65534 -g 65534 "$T/index"
else
	as_user() { "$@"; }
fi
bounded() { # a scan that may not hang
	as_user timeout 60 "$INDEXER" scan --data "$T/data" --index "$T/index" "$@"
}
status() {
	"$INDEXER" status --index "$T/index"
}
count() {
	"$INDEXER" status --index "$T/index" --json | jq -r ".$1"
}

mkdir -p "$T/data/dir/x.json" "$T/data/closed" "$T/data/nosearch"
D=$T/data
good='{"public_id":"good","album_id":"a"}'
echo "$good" >"$D/good.json"
echo '{"public_id":"in","album_id":"a"}' >"$D/closed/x.json"
echo '{"public_id":"searched","album_id":"a"}' >"$D/nosearch/x.json"
exits "a folder without faults is scanned" 0 bounded
is "it has three images" "$(count images)" 3

mkfifo "$D/fifo.json"
ln -s good.json "$D/link.json"
ln -s /nowhere "$D/broken.json"
ln -s . "$D/loop"
"$PYTHON" -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
	"$D/socket.json"
echo '{"public_id":"unreadable","album_id":"a"}' >"$D/unreadable.json"
chmod 000 "$D/unreadable.json" "$D/closed"
chmod 444 "$D/nosearch"
: >"$D/empty.json"
: >"$D/empty.ndjson"
head -c 100000 /dev/zero | tr '\0' '[' >"$D/open.json"
{ head -c 100000 /dev/zero | tr '\0' '['; head -c 100000 /dev/zero | tr '\0' ']'; } >"$D/deep.json"
printf '{"public_id":"a\xff","album_id":"a"}' >"$D/utf8.json"
printf '{"public_id":"truncated","album' >"$D/truncated.json"
{ echo "$good"; head -c 2000000 /dev/zero | tr '\0' x; echo; echo '{"public_id":"after","album_id":"a"}'; } >"$D/line.ndjson"
{ printf '{"public_id":"long","album_id":"a","x":"'; head -c 2000000 /dev/zero | tr '\0' x; printf '"}\n'; } >"$D/long.ndjson"
{ echo "$good"; printf '{"x":"'; head -c 17000000 /dev/zero | tr '\0' x; printf '"}\n'; echo '{"public_id":"behind","album_id":"a"}'; } >"$D/huge.ndjson"
{ printf '[{"x":"'; head -c 17000000 /dev/zero | tr '\0' '"' | sed 's/"/\\"/g'; printf '"},{"public_id":"beside","album_id":"a"}]'; } >"$D/huge.json"
head -c 3000000 /dev/urandom >"$D/noise.json"
head -c 3000000 /dev/zero >"$D/zeros.ndjson"
truncate -s 1073741825 "$D/sparse.json"
printf '\xef\xbb\xbf%s' "$good" >"$D/bom.json"
printf '"text"' >"$D/scalar.json"
echo '{"id":"..","public_id":"..","album_id":"../../x"}' >"$D/dots.json"
echo '{"public_id":"newline","album_id":"a"}' >"$D/$(printf 'new\nline').json"
echo 'bad' >"$D/$(printf 'bad\nname\xff').json"
path=$D
for ((i = 0; i < 120; i++)); do
	path=$path/nested
	mkdir "$path"
done
echo '{"public_id":"nested","album_id":"a"}' >"$path/x.json"

exits "a folder full of faults is read to its end" 3 bounded
rejected() { # PATH REASON
	ok "$1 is listed: $2" grep -qxF -- "$1: $2" <(status)
}
absent() { # PATH
	ok "$1 is not listed" not grep -qF -- "$1" <(status)
}
rejected unreadable.json "cannot open: Permission denied"
rejected nosearch/x.json "cannot open: Permission denied"
rejected empty.json:1:1 "there is no JSON value"
rejected open.json:1:100001 "the document ends inside an array"
rejected deep.json:1:2 "record is nested deeper than 512"
rejected utf8.json:1:16 "invalid UTF-8"
rejected truncated.json:1:32 "the document ends inside a string"
rejected line.ndjson:2:1 "unknown word; expected true, false, null or a string"
rejected huge.ndjson:2:1 "record is larger than 16 MiB; the rest of the file is not read"
rejected huge.json:1:2 "record is larger than 16 MiB"
rejected sparse.json "file is larger than 1 GiB"
rejected bom.json:1:1 "byte order mark; save it as UTF-8 without one"
rejected scalar.json:1:1 "a record is an object"
rejected 'bad\x0aname\xff.json:1:1' "unknown word; expected true, false, null or a string"
ok "noise.json is listed" grep -q '^noise.json:[0-9]*:[0-9]*: ' <(status)
ok "zeros.ndjson is listed" grep -q '^zeros.ndjson:1:1: ' <(status)
for name in fifo.json link.json broken.json loop socket.json dir/x.json empty.ndjson \
	long.ndjson good.json; do
	absent "$name"
done
is "every good record is known" "$(count images)" 9
ok "also one in a folder that cannot be read" test "$(count files)" -ge 20
exits "a second scan ends alike" 3 bounded
is "nothing is lost" "$(count images)" 9
ok "the rejects are listed as JSON, too" test "$(count 'rejected | length')" -ge 15
ok "the tables of the index are right" "$INDEXER" check --index "$T/index"

chmod 755 "$D/closed" "$D/nosearch"
chmod 644 "$D/unreadable.json"
bounded >/dev/null
is "a file that can be read again is read" "$(count images)" 10
absent unreadable.json

rm "$D/good.json" "$D/closed/x.json"
mkdir "$D/good.json"
ln -s ../long.ndjson "$D/closed/x.json"
exits "a file became a folder, another a link" 3 bounded
is "both are withdrawn" "$(count files)" "$(find "$D" -type f -printf x | wc -c)"

mkdir -p "$T/many"
jq -nr 'range(30000) | "nonsense"' >"$T/many/x.ndjson"
exits "a file with 30,000 bad lines is read" 3 as_user timeout 60 "$INDEXER" scan --data "$T/many" --index "$T/index" \
	--accept-withdrawal
is "the rejects are counted" "$(count rejects)" 30000
is "and the first of them listed" "$(count "rejected[-1] | .line + .more")" 30000
done_testing
