#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The command watch: every way in which files appear, change and go.
. "$(dirname "$0")/lib.sh"

D=$T/data
image() { # ID [ALBUM]
	printf '{"public_id":"%s","album_id":"%s"}\n' "$1" "${2:-a}"
}
count() { # FIELD
	"$INDEXER" status --index "$T/index" --json | jq -r ".$1"
}
counts() { # FIELD NUMBER
	[ "$(count "$1")" = "$2" ]
}
images() { # NAME NUMBER: passes if that many are known soon
	ok "$1" wait_until 10 counts images "$2"
}
# True if a new index of the folder has the same numbers.
numbers='[.files, .images, .tags, .tag_images, .albums, .untagged, .claims, .rejected_files]'
in_step() {
	rm -rf "$T/fresh"
	"$INDEXER" scan --data "$D" --index "$T/fresh" >/dev/null 2>&1
	[ "$(count "sequence as \$s | $numbers | @csv")" = \
		"$("$INDEXER" status --index "$T/fresh" --json | jq -r "$numbers | @csv")" ]
}

# Root can read closed folders, unless it gives up that right.
as=()
if [ "$(id -u)" = 0 ]; then
	as=(setpriv "--bounding-set=-dac_override,-dac_read_search")
	"${as[@]}" true 2>/dev/null || as=()
fi

mkdir -p "$D/dir" "$T/else"
image start >"$D/start.json"
start watch "${as[@]}" "$INDEXER" watch --data "$D" --index "$T/index"
is "the files that are there are known when watch is ready" "$(count images)" 1
exits "a second writer is exit status 75" 75 \
	"$INDEXER" scan --data "$D" --index "$T/index"
ok "the message names the process that has the lock" grep -q "process $(<"$T/watch.pid")" "$T/err"

image a >"$D/a.json"
images "a written file is read" 2
image b >"$T/else/b.json"
mv "$T/else/b.json" "$D/b.json"
images "a file that is moved in is read" 3
image c >"$T/else/c.json"
ln "$T/else/c.json" "$D/c.json"
images "a file that is linked in is read" 4
"$PYTHON" -c 'import os, sys
fd = os.open(sys.argv[1], os.O_TMPFILE | os.O_WRONLY)
os.write(fd, b"{\"public_id\":\"d\",\"album_id\":\"a\"}")
os.link("/proc/self/fd/%d" % fd, sys.argv[1] + "/d.json", src_dir_fd=fd)' "$D"
images "so is one that had no name before" 5
# Soon after a file was read it is looked at again, as its times may hide a change. Here that
# comes while the file is written anew, up to the end of a line.
for i in {1..50}; do
	image "line$i"
done >"$T/else/lines"
cp "$T/else/lines" "$D/lines.ndjson"
images "a file of lines is read" 55
exec 9>"$D/lines.ndjson"
while IFS= read -r line; do
	echo "$line" >&9
	ping "$D"
done <"$T/else/lines"
exec 9>&-
rm "$D/ping.json"
images "a file that is written anew is read" 55
is "and was not read before its writer had ended" "$(grep -c 'are gone' "$T/watch.log")" 0
rm "$D/lines.ndjson"
images "it is withdrawn with its file" 5
image a b >"$T/else/a.json"
mv "$T/else/a.json" "$D/a.json"
ok "a replaced file is read" wait_until 10 counts albums 2
image a >"$D/a.json"
ok "an overwritten file is read" wait_until 10 counts albums 1
mv "$D/b.json" "$D/b2.json"
image e >"$D/e.json"
images "a renamed file is kept" 6
is "under its new name only" "$(count files)" 6
rm "$D/b2.json"
images "a removed file is withdrawn" 5
mv "$D/c.json" "$T/else/c2.json"
images "a file that is moved out is withdrawn" 4
mv "$D/e.json" "$D/.e.json"
images "a file whose new name is ignored is withdrawn" 3
mv "$D/.e.json" "$D/e.json"
images "with its old name it is read again" 4
rm "$D/e.json"
ln -s ../else/c.json "$D/e.json"
images "a link in place of a file withdraws it" 3
rm "$D/e.json"

printf '{"public_id":"half",' >"$D/half.json"
ok "half a file is rejected" wait_until 10 counts rejected_files 1
printf '"album_id":"a"}' >>"$D/half.json"
images "and claimed when it is whole" 4
ok "then it is no longer listed" counts rejected_files 0
echo broken >"$D/half.json"
ok "a file that breaks is rejected" wait_until 10 counts rejected_files 1
is "its claims stay" "$(count images)" 4
rm "$D/half.json"
images "until it is removed" 3

image f >"$D/dir/f.json"
images "a file in a folder is read" 4
mkdir -p "$D/p/q/r/s/t" && image g >"$D/p/q/r/s/t/g.json"
images "a file in folders that were just made is read" 5
for i in 1 2 3 4 5 6 7 8 9; do
	mkdir -p "$D/new$i/sub" && image "n$i" >"$D/new$i/sub/x.json"
done
images "so are nine of them" 14
mv "$D/p/q" "$D/moved"
image h >"$D/moved/r/s/t/h.json"
images "a file in a folder that was just renamed is read" 15
rm "$D/moved/r/s/t/g.json"
images "and one that is removed from it is withdrawn" 14
mv "$D/moved" "$T/else/moved"
images "a folder that is moved out is withdrawn" 13
image i >"$T/else/moved/r/s/i.json"
image j >"$D/j.json"
images "changes to it there do not matter" 14
mv "$T/else/moved" "$D/p/back"
images "it is read when it is moved in again" 16
image k >"$D/p/back/r/k.json"
images "and watched" 17
mv "$D/p/back" "$D/p/.back"
images "a folder whose new name is ignored is withdrawn" 14
mv "$D/p/.back" "$D/dir/back"
images "with another name it is read again" 17
rm -r "$D/dir"
images "a removed tree of folders is withdrawn" 13
mkdir "$D/dir"
image l >"$D/dir/l.json"
images "and read when it is made again" 14
mv "$D/new1" "$T/else/new1"
mv "$D/new2" "$D/new1"
mv "$T/else/new1" "$D/new2"
image m >"$D/new1/sub/m.json"
image n >"$D/new2/sub/n.json"
images "two folders that changed places are read" 16
mv "$D/new2/sub/n.json" "$D/new1/n.json"
ok "so is a file that moved from one to the other" wait_until 10 in_step
is "nothing is lost" "$(count images)" 16
rm -r "$D/new1" && mkdir -p "$D/new1/sub" && image o >"$D/new1/sub/o.json"
images "a folder that is removed and made again at once is read" 14

mkdir "$T/closed"
chmod 000 "$T/closed"
if "${as[@]}" test ! -r "$T/closed"; then
	mkdir "$D/shut"
	image p >"$D/shut/p.json"
	images "a file in a folder is read" 15
	chmod 000 "$D/shut"
	image q >"$D/q.json"
	images "when the folder is closed its file stays known" 16
	chmod 755 "$D/shut"
	image r >"$D/shut/r.json"
	images "when it is opened a new file is read" 17
	rm -r "$D/shut" "$D/q.json"
	images "when it is removed its files are withdrawn" 14

	# A folder that is watched, and closed before its files are read.
	mkdir "$D/shut"
	image before >"$D/shut/before.json"
	images "a file in a new folder is read" 15
	kill -STOP "$(<"$T/watch.pid")"
	image p >"$D/shut/p.json"
	image q >"$D/shut/q.json"
	mkdir "$D/shut/below"
	image r >"$D/shut/below/r.json"
	chmod 400 "$D/shut"
	image q2 >"$D/q2.json"
	kill -CONT "$(<"$T/watch.pid")"
	images "a file elsewhere is read while the folder is closed" 16
	ok "the files of the closed folder are rejected" wait_until 10 counts rejected_files 3
	chmod 755 "$D/shut"
	images "and read when it is opened" 19
	rm -r "$D/shut" "$D/q2.json"
	images "when it is removed they are withdrawn" 14
fi

for i in {1..300}; do
	image "x$i" >"$D/dir/x$i.json"
	case $((i % 3)) in
	0) rm "$D/dir/x$i.json" ;;
	1) mv "$D/dir/x$i.json" "$D/dir/y$i.json" ;;
	esac
done
images "many changes at once are read" 214
ok "the index is that of a new scan" wait_until 10 in_step
is "no event was lost" "$(count overflows) $(count rescans)" "0 1"

# More events than the kernel's queue holds, while watch is stopped.
limit=$(</proc/sys/fs/inotify/max_queued_events)
if [ "$limit" -le 65536 ]; then
	kill -STOP "$(<"$T/watch.pid")"
	mkdir "$D/flood"
	image flood >"$D/flood.json"
	"$PYTHON" -c 'import os, sys
for i in range(int(sys.argv[2])):
    os.close(os.open("%s/%d.txt" % (sys.argv[1], i % 7), os.O_CREAT | os.O_WRONLY))
    os.unlink("%s/%d.txt" % (sys.argv[1], i % 7))' "$D" "$limit"
	rm "$D/dir/x2.json"
	mv "$D/new4" "$D/new5/new4"
	mkdir "$D/new4"
	image unseen >"$D/new4/unseen.json"
	image deep >"$D/flood/deep.json"
	kill -CONT "$(<"$T/watch.pid")"
	images "changes after an overflow are found" 216
	is "the overflow is counted" "$(count overflows)" 1
	is "the folder was walked" "$(count rescans)" 2
	is "and need not be walked again" "$(count out_of_step)" false
	image after >"$D/new4/after.json"
	image after2 >"$D/new5/new4/sub/after.json"
	images "new folders are watched after that" 218
	ok "the index is that of a new scan" wait_until 10 in_step
fi

switches() {
	grep ctxt_switches "/proc/$(<"$T/watch.pid")/status"
}
quiet() { # true if watch did not run for about a second
	local before i
	before=$(switches)
	for ((i = 0; i < 50; i++)); do
		pause
	done
	[ "$(switches)" = "$before" ]
}
ok "watch does not run while nothing changes" wait_until 60 quiet

kill -KILL "$(<"$T/watch.pid")"
wait_until 10 not alive watch
image p >"$D/p.json"
rm "$D/j.json"
before=$(count images)
mv "$D/new3" "$D/new3-moved"
start watch "$INDEXER" watch --data "$D" --index "$T/index"
is "changes made after a kill are known when the next watch is ready" "$(count images)" "$before"
ok "all of them" in_step
image s >"$D/new3-moved/s.json"
images "and it watches" $((before + 1))
ok "SIGTERM ends it with status 0" stop watch

start watch "$INDEXER" watch --data "$D" --index "$T/index"
ok "so does SIGINT" stop watch INT
start watch "$INDEXER" watch --data "$D" --index "$T/index"
logged() { # TEXT
	grep -q -e "$1" "$T/watch.log"
}
mv "$D" "$T/gone"
ok "watch says that its folder was renamed" \
	wait_until 10 logged "'$D' is no longer the folder that is watched"
is "and withdraws nothing" "$(count images)" $((before + 1))
is "the index is not in step" "$(count out_of_step)" true
mkdir "$D"
rm "$T/gone/p.json"
mv "$T/gone" "$D/gone"
ok "another folder of that name is watched" wait_until 10 logged "'$D' is watched again"
images "the files that were moved into it are known" "$before"
ok "and the index is in step" wait_until 10 counts out_of_step false
mv "$D/gone" "$T/gone"
rmdir "$D"
mv "$T/gone" "$D"
image back >"$D/back.json"
images "so is the next folder of that name" $((before + 1))
ok "the index is that of a new scan" wait_until 10 in_step
mkdir "$T/releases"
mv "$D" "$T/releases/1"
ln -s releases/1 "$D"
image new >"$D/new.json"
images "a link to the folder is watched, too" $((before + 2))
ok "that watch ends with status 0, too" stop watch
rm "$D"
mv "$T/releases/1" "$D"
ok "the tables of the index are right" "$INDEXER" check --index "$T/index"

# A process in its own user namespace may have too few watches.
rm -rf "$D" "$T/index"
mkdir -p "$D/a/b" "$D/c"
if unshare -Ur "$BASH" -c 'echo 2 >/proc/sys/user/max_inotify_watches' 2>/dev/null; then
	start watch unshare -Ur "$BASH" -c 'echo 2 >/proc/sys/user/max_inotify_watches
		exec "$@"' _ "$INDEXER" watch --data "$D" --index "$T/index"
	ok "watch says that the limit is reached, and what raises it" \
		grep -q "run \`sysctl fs.inotify.max_user_watches=" "$T/watch.log"
	image one >"$D/a/b/one.json"
	mkdir "$D/c/d"
	image two >"$D/c/d/two.json"
	ok "folders without a watch are polled" wait_until 20 counts images 2
	rm -r "$D/c/d" "$D/a/b/one.json"
	ok "removed files in them are withdrawn" wait_until 20 counts images 0
	ok "that watch ends with status 0, too" stop watch
fi

# A signal that somebody sends is not a fault of a mapped file.
ulimit -c 0
rm -rf "$T/index"
start watch "$INDEXER" watch --data "$D" --index "$T/index"
stop watch ABRT
is "SIGABRT ends watch" "$?" 134
ok "without a message about damage" not grep -q damaged "$T/watch.log"
done_testing
