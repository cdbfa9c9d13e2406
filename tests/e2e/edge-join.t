#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The edge and large answers: how much it joins, who waits for it meanwhile, and what it
# answers in place of a response that is too large for a snapshot.
. "$(dirname "$0")/lib.sh"

strace -qq -e trace=none true 2>"$T/err" || skip_all "strace cannot trace here"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

SITE=$T/site
FILES=$SITE/api/v1/tag_images
PORT=$(free_port)
URL=http://127.0.0.1:$PORT
MIB=1048576

answers() { # NAME PATH STATUS BODY
	is "$1" "$(ask "$2") $(<"$T/body")" "$3 $4"
}
query() { # NAME...: the request for these images
	local names
	names=$(printf '&image_ids[]=%s' "$@")
	echo "/api/v1/tag_images?${names:1}"
}
make_file() { # NAME BYTES: an array of one string, of so many bytes in all
	{
		printf '["'
		head -c $(($2 - 4)) /dev/zero | tr '\0' "${1: -1}"
		printf '"]'
	} >"$FILES/$1.json"
}
joined() { # NAME...: what the files of these images give
	"$PYTHON" - "$FILES" "$@" <<-'EOF'
		import sys
		inner = (open(f"{sys.argv[1]}/{name}.json", "rb").read()[1:-1] for name in sys.argv[2:])
		sys.stdout.buffer.write(b"[" + b",".join(text for text in inner if text) + b"]")
	EOF
}
worker() {
	cat /proc/"$(<"$T/nginx.pid")"/task/*/children
}
descriptors() {
	find "/proc/$(($(worker)))/fd" -mindepth 1 | wc -l
}

mkdir -p "$FILES" "$SITE/api/v1/albums/A/images" "$SITE/api/v1/albums/B" "$T/run"
echo '{}' >"$SITE/snapshot.json"
# The site is open to all: then no worker runs as root, whoever runs the test.
chmod 755 "$T"
for i in {1..8}; do
	make_file "big$i" $((8 * MIB))
done
make_file fits 8
make_file over 9
# It hardly shrinks when it is compressed.
{
	printf '["'
	head -c $((9 * MIB)) /dev/urandom | base64 -w 0
	printf '"]'
} >"$FILES/random.json"
printf '["é"]' >"$FILES/small.json"
printf '[]' >"$FILES/none.json"

"$EXPORTER" edge --site "$SITE" --listen "$PORT" >"$T/printed.conf"
ok "nginx has nothing to say against the configuration" \
	nginx -t -p "$T/run" -c "$T/printed.conf"
is "not even a warning" "$(grep -c warn "$T/.ok")" 0
# With one worker, every request waits for every other that does not let it pass.
sed 's/^worker_processes auto;/worker_processes 1;/' "$T/printed.conf" >"$T/nginx.conf"
spawn nginx nginx -p "$T/run" -c "$T/nginx.conf" -g 'daemon off;'
ok "nginx runs" wait_until 10 curl -s "$URL/"


# How much. Eight files of 8 MiB give 64 MiB less 7 bytes.
joined big{1..8} fits >"$T/want"
is "an answer of 64 MiB is joined" "$(ask "$(query big{1..8} fits)")" 200
ok "its bytes are right" cmp "$T/body" "$T/want"
is "its length is right" "$(header Content-Length)" $((64 * MIB))
is "it has no ETag" "$(header ETag)$(header Last-Modified)" ""
is "HEAD of it has the length" "$(ask "$(query big{1..8} fits)" -I) $(header Content-Length)" "200 $((64 * MIB))"
is "If-None-Match does not hold back a joined answer" \
	"$(ask "$(query big{1..8} fits)" -H 'If-None-Match: "x"')" 200
ok "nor change it" cmp "$T/body" "$T/want"
is "compressed, it is the same" "$(ask "$(query big{1..8} fits)" --compressed) $(header Content-Encoding)" "200 gzip"
ok "to the byte" cmp "$T/body" "$T/want"
rm "$T/want"
too_large='{"error":"the tag images of these images are larger than 64 MiB; ask for fewer at a time"}'
answers "an answer of 64 MiB and a byte is refused" "$(query big{1..8} over)" 413 "$too_large"
is "that is an error like the others" "$(header Content-Type), $(header Cache-Control)" \
	"application/json; charset=utf-8, no-store"
is "HEAD of it, too" "$(ask "$(query big{1..8} over)" -I) $(header Content-Length)" "413 ${#too_large}"
is "images that are asked for twice count once" "$(ask "$(query big{1..8} fits big{1..8})" -I)" 200
hwm=$(awk '/^VmHWM/ { print $2 }' "/proc/$(($(worker)))/status")
ok "one answer at a time is in memory, once" [ "$hwm" -lt $((100 * 1024)) ]

# Who waits. Both requests are there when the worker looks, the large one first.
hello() { # FD: sends a request, and reads the answer: then the worker has this connection
	local line
	printf 'HEAD /nope HTTP/1.1\r\nHost: x\r\n\r\n' >&"$1"
	until read -r line <&"$1" && [ "$line" = $'\r' ]; do :; done
}
trace() { # follows the worker's calls in $T/trace
	spawn strace strace -qq -s 256 -e trace=writev,epoll_wait -o "$T/trace" -p "$(($(worker)))"
	wait_until 10 grep -q 'TracerPid:[[:space:]]*[1-9]' "/proc/$(($(worker)))/status"
}
exec 8<>"/dev/tcp/127.0.0.1/$PORT" 9<>"/dev/tcp/127.0.0.1/$PORT"
hello 8
hello 9
kill -STOP "$(($(worker)))"
printf 'GET %s HTTP/1.1\r\nHost: x\r\n\r\n' "$(query big{1..8} fits)" >&8
printf 'GET %s HTTP/1.1\r\nHost: x\r\n\r\n' "$(query small none)" >&9
trace
kill -CONT "$(($(worker)))"
read -r line <&8
read -r line <&9
exec 8>&- 9>&-
stop strace INT
is "a small request behind a large one is answered before it" \
	"$(grep -o 'Content-Length: [0-9]*' "$T/trace" | tr '\n' ' ')" \
	"Content-Length: 6 Content-Length: $((64 * MIB)) "
for name in random "random small"; do
	trace
	is "$name: a large answer is compressed" \
		"$(ask "$(query ${name})" -H 'Accept-Encoding: gzip') $(header Content-Encoding)" "200 gzip"
	stop strace INT
	ok "$name: meanwhile the worker often looks for other requests" \
		[ "$(grep -c ^epoll_wait "$T/trace")" -gt 50 ]
done

# How many at once: eight with more than 4 MiB.
large() { # sends a request for 64 MiB, and reads one line of the answer; prints that line
	local fd line
	exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'GET %s HTTP/1.1\r\nHost: x\r\n\r\n' "$(query big{1..8})" >&"$fd"
	read -r line <&"$fd"
	open+=("$fd")
	echo "${line%$'\r'}" >>"$T/lines"
}
before=$(descriptors)
open=()
for i in {1..8}; do
	large
done
is "eight large answers at once" "$(sort "$T/lines" | uniq -c | tr -s ' ')" " 8 HTTP/1.1 200 OK"
busy='{"error":"too many joined answers at once; try again"}'
answers "a ninth has to wait" "$(query big{1..8})" 503 "$busy"
is "and is told how long" "$(header Retry-After), $(header Content-Type), $(header Cache-Control)" \
	"1, application/json; charset=utf-8, no-store"
answers "a small one does not" "$(query small none)" 200 '["é"]'
is "nor does a single file" "$(ask "$(query big1)" -I)" 200
for fd in "${open[@]}"; do
	exec {fd}>&-
done
served() {
	[ "$(ask "$(query big{1..8})" -I)" = 200 ]
}
ok "when clients have gone, others are served" wait_until 20 served
left() {
	[ "$(descriptors)" -le "$before" ]
}
ok "and no file stays open" wait_until 20 left

# Files that are replaced meanwhile: an answer holds the old or the new one.
printf '["old","old"]' >"$FILES/old"
printf '["new"]' >"$FILES/new"
cp "$FILES/new" "$FILES/changed.json"
replace() {
	while :; do
		for version in old new; do
			cp "$FILES/$version" "$FILES/tmp"
			mv "$FILES/tmp" "$FILES/changed.json"
		done
		rm "$FILES/changed.json"
	done
}
export FILES
export -f replace
spawn replace bash -c replace
for i in {1..150}; do
	echo "$(ask "$(query small changed none)") $(<"$T/body")"
done | sort -u >"$T/answers"
stop replace
rm -f "$FILES"/{tmp,old,new,changed.json}
is "while a file is replaced and removed, every answer is whole" \
	"$(grep -vxF -e '200 ["é"]' -e '200 ["é","new"]' -e '200 ["é","old","old"]' "$T/answers")" ""
ok "and answers differ" [ "$(wc -l <"$T/answers")" -gt 1 ]

printf '["closed"]' >"$FILES/closed.json"
chmod 000 "$FILES/closed.json"
error='{"error":"internal server error"}'
answers "a file that cannot be read is an error" "$(query small closed)" 500 "$error"
answers "for one image, too" "$(query closed)" 500 "$error"
printf '[1]' >"$SITE/api/v1/albums/A/images.json"
chmod 000 "$SITE/api/v1/albums/A/images.json"
answers "and for an album that is there" /api/v1/albums/A/images 500 "$error"
rm "$SITE/api/v1/albums/A/images.json"
chmod 000 "$FILES" "$SITE/api/v1/albums/A"
answers "so is a folder" "$(query small none)" 500 "$error"
answers "for one image" "$(query small)" 500 "$error"
answers "and for an album" /api/v1/albums/A/images 500 "$error"
chmod 755 "$FILES" "$SITE/api/v1/albums/A"

# A site that is not there, or was never published to its end.
away='{"error":"there is no complete site in this folder"}'
mv "$SITE/snapshot.json" "$T/snapshot.json"
for path in "$(query unknown)" "$(query small unknown)" /api/v1/albums/A/images /api/v1/tag_images; do
	answers "without snapshot.json, what is missing is not said to be unknown: $path" "$path" 503 "$away"
done
answers "what is there is served" "$(query small none)" 200 '["é"]'
mv "$SITE" "$SITE.away"
mkdir "$SITE"
for path in "$(query small)" "$(query small none)" /api/v1/albums/A/images; do
	answers "on an empty mount point, nothing is unknown: $path" "$path" 503 "$away"
done
rmdir "$SITE"
answers "nor without one" "$(query small)" 503 "$away"
mv "$SITE.away" "$SITE"
mv "$T/snapshot.json" "$SITE/snapshot.json"
answers "when the site is back, an unknown image has no tag images" "$(query unknown)" 200 '[]'

# What is too large for a snapshot.
oversize='{"error":"the response is larger than 256 MiB"}'
: >"$FILES/huge.oversize"
: >"$SITE/api/v1/albums/A/images.oversize"
: >"$SITE/api/v1/albums/A/images/untag.oversize"
mkdir -p "$SITE/api/v1/tags/t"
: >"$SITE/api/v1/tag_images.oversize"
: >"$SITE/api/v1/tags/t/tag_images.oversize"
printf '[2]' >"$SITE/api/v1/albums/B/images.json"
for path in "$(query huge)" /api/v1/albums/A/images /api/v1/albums/A/images.json \
	/api/v1/albums/A/images/untag /api/v1/tag_images /api/v1/tag_images.json \
	/api/v1/tags/t/tag_images "$(query small huge)" "$(query huge huge big1)" \
	"$(query big{1..8} over huge)"; do
	answers "${path:0:60} was left out" "$path" 503 "$oversize"
	is "that is an error like the others" "$(header Content-Type), $(header Cache-Control)" \
		"application/json; charset=utf-8, no-store"
	is "HEAD of it, too" "$(ask "$path" -I) $(header Content-Length)" "503 ${#oversize}"
done
answers "others are there" /api/v1/albums/B/images 200 '[2]'
answers "or not" /api/v1/albums/B/images/untag 404 '{"error":"not found"}'
answers "the file in its place is not served" /api/v1/tag_images/huge.oversize 404 '{"error":"not found"}'
answers "an id with that end is another" "$(query huge.oversize)" 200 '[]'
printf '[3]' >"$FILES/huge.json"
answers "when the response fits again, it is served" "$(query huge)" 200 '[3]'
answers "and joined" "$(query small huge)" 200 '["é",3]'
done_testing
