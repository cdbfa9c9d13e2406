#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# follow keeps running: without inotify, beside other writers, on a full disk, and when the
# index is replaced.
. "$(dirname "$0")/lib.sh"

follow=("$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site")
has() { # ID: the site has that image
	[ -e "$T/site/api/v1/tag_images/$1.json" ]
}
add() { # ID
	printf '{"public_id":"%s","album_id":"x"}\n' "$1" >"$T/data/$1.json"
	scan >"$T/out"
}
said() { # NAME WORDS: how often
	grep -c "$2" "$T/$1.log"
}
mkdir "$T/data"
add one

# Without inotify.
if unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_inotify_watches' 2>"$T/err"; then
	for limit in max_inotify_instances max_inotify_watches; do
		ok "follow starts with $limit at 0" start follow unshare --user --map-root-user \
			sh -c 'echo 0 >"/proc/sys/user/$0"; exec "$@"' $limit "${follow[@]}"
		is "and says so" "$(said follow 'warning: .*inotify.*every second')" 1
		add $limit
		ok "it exports a change" wait_until 10 has $limit
		mv "$T/index" "$T/old"
		add again$limit
		ok "and another index in the place of the first" wait_until 10 has again$limit
		is "it has said so once" "$(said follow 'warning: .*inotify.*every second')" 1
		ok "it stops" stop follow
		rm -rf "$T/old"
	done
else
	result 0 "without inotify # SKIP no limits per user here"
fi

# The first export into a store that does not answer.
ok "follow starts beside a store that does not answer" spawn follow env AWS_ACCESS_KEY_ID=a \
	AWS_SECRET_ACCESS_KEY=b "$EXPORTER" follow --index "$T/index" --repo "$T/far" \
	--site s3://photos/harbour --endpoint-url http://127.0.0.1:1
ok "it waits for it" wait_until 30 grep -q 'warning: .*s3://photos/harbour.*; waiting' "$T/follow.log"
ok "and has made no repository for it" not test -e "$T/far"
ok "it stops" stop follow

# The index is moved away, and another one made.
ok "follow starts" start follow "${follow[@]}"
mv "$T/index" "$T/old"
ok "follow says that the index was moved" wait_until 10 grep -q 'was replaced or removed' "$T/follow.log"
add two
ok "it exports the new index" wait_until 10 has two
rm -r "$T/index"
add three
ok "and one that was removed and made again" wait_until 10 has three

# Another program publishes the site.
exec {lock}>"$T/site/.albumen/lock"
flock "$lock"
add four
ok "follow waits for a locked site" wait_until 10 grep -q 'locked by.*; waiting' "$T/follow.log"
wait_until 1 false # by now a second message would have been logged
ok "it keeps running" alive follow
is "it says so once" "$(said follow 'locked by.*; waiting')" 1
exec {lock}>&-
ok "it publishes when the lock is gone" wait_until 10 has four
ok "it stops" stop follow

# Another program writes the repository.
exec {lock}>"$T/repo/albumen-exporter.lock"
flock "$lock"
eval "spawn follow \"\${follow[@]}\" $lock>&-" # it must not inherit the lock
add five
ok "follow waits for a locked repository" wait_until 10 grep -q 'locked by.*; waiting' "$T/follow.log"
ok "it keeps running" alive follow
exec {lock}>&-
ok "it exports when the lock is gone" wait_until 10 has five
ok "it stops" stop follow

# A full disk, in a mount that belongs to the test.
mkdir "$T/disk"
cat >"$T/full" <<'EOS'
mount -t tmpfs -o size=4m none "$T/disk" || exit 99
"$EXPORTER" follow --index "$T/index" --repo "$T/disk/repo" --site "$T/disk/site" \
	>"$T/full.log" 2>&1 &
pid=$!
for _ in {1..200}; do
	[ -e "$T/disk/site/snapshot.json" ] && break
	read -rt 0.05 -u "$pause_fd" _
done
head -c 5000000 /dev/zero >"$T/disk/ballast" 2>"$T/out"
"$INDEXER" scan --data "$T/data2" --index "$T/index" >"$T/out" 2>&1
for _ in {1..200}; do
	grep -q 'No space left.*; waiting' "$T/full.log" && break
	read -rt 0.05 -u "$pause_fd" _
done
kill -0 $pid || exit 98
rm "$T/disk/ballast"
for _ in {1..400}; do
	[ -e "$T/disk/site/api/v1/tag_images/six.json" ] && break
	read -rt 0.05 -u "$pause_fd" _
done
kill $pid
wait $pid || exit 97
[ -e "$T/disk/site/api/v1/tag_images/six.json" ]
EOS
export T EXPORTER INDEXER pause_fd
if unshare --user --map-root-user --mount true 2>"$T/err"; then
	printf '{"public_id":"six","album_id":"x"}\n' >"$T/data/six.json"
	cp -a "$T/data" "$T/data2"
	rm -rf "$T/index"
	rm "$T/data/six.json"
	scan >"$T/out"
	sed -i 's/data2/data/g' "$T/full"
	mv "$T/data2/six.json" "$T/six.json"
	sed -i 's|^"$INDEXER"|cp "$T/six.json" "$T/data/"; &|' "$T/full"
	ok "follow waits until a full disk has room" unshare --user --map-root-user --mount bash "$T/full"
	is "it says so once" "$(grep -c 'No space left.*; waiting' "$T/full.log")" 1
	is "and says when it goes on" "$(grep -c 'going on' "$T/full.log")" 1
else
	result 0 "a full disk # SKIP no mounts per user here"
fi
done_testing
