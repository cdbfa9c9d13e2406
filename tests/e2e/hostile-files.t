#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A copy of a repository, an index or a site in which files are not what they seem: pipes, links
# that lead outside, holes of a gigabyte, packs that contradict themselves. No command waits for
# ever, takes memory for what is not there, or touches what lies outside.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
for n in 1 2 3; do
	echo "{\"public_id\":\"i$n\",\"album_id\":\"a\",\"title\":\"$n\"}" >"$T/data/$n.json"
	scan >"$T/out" && "$EXPORTER" export --index "$T/index" --repo "$T/honest" --site "$T/site" >"$T/out"
done
"$EXPORTER" snapshot --repo "$T/honest" --label first --at HEAD~2 --reason r >"$T/out"

copies() { # makes $T/repo, $T/s and $T/i anew
	rm -rf "$T/repo" "$T/s" "$T/i" "$T/new" "$T/out.tar"
	cp -r "$T/honest" "$T/repo"
	cp -r "$T/site" "$T/s"
	cp -r "$T/index" "$T/i"
}
# With a limit on memory, and on time: a command that waits for ever ends with 137.
limited() {
	(
		limit_memory -d 400000
		exec timeout -k 1 -s KILL 60 "$EXPORTER" "$@"
	)
}
commands() { # prints each command that did not end with 0, 1 or 3
	local command status
	while read -r command; do
		# shellcheck disable=SC2086 # words
		limited $command >"$T/out" 2>"$T/err"
		status=$?
		case $status in
			0 | 1 | 3) ! grep -i 'out of memory' "$T/err" ;;
			*) echo "$command: exit status $status: $(<"$T/err")" ;;
		esac
	done <<-END
		audit --repo $T/repo
		log --repo $T/repo
		show --repo $T/repo /api/v1/albums/a/images
		receipt --repo $T/repo /api/v1/albums/a/images
		diff --repo $T/repo HEAD~1 now
		verify --repo $T/repo
		bundle --repo $T/repo $T/out.tar
		publish --repo $T/repo --site $T/new
		export --index $T/i --repo $T/repo --dry-run
		publish --repo $T/repo --site $T/s --check
		publish --repo $T/repo --site $T/s --repair
		snapshot --repo $T/repo --label second --reason r
		export --index $T/i --repo $T/repo --site $T/s
		maintain --repo $T/repo
	END
}

# --- the index ---

for file in lock.mdb data.mdb changed; do
	copies
	echo 'not of the index' >"$T/outside"
	ln -sf "$T/outside" "$T/i/$file"
	"$EXPORTER" export --index "$T/i" --repo "$T/new" >"$T/out" 2>"$T/err"
	status=$?
	"$INDEXER" scan --data "$T/data" --index "$T/i" >"$T/out" 2>>"$T/err"
	is "a link in place of $file: what it leads to stays" "$(<"$T/outside")" 'not of the index'
	[ $file = changed ] || is "an export is refused" $status 1
	ok "the message names the file" grep -q "$T/i/$file'" "$T/err"
	rm "$T/outside"
	"$EXPORTER" export --index "$T/i" --repo "$T/new" >"$T/out" 2>"$T/err"
	"$INDEXER" scan --data "$T/data" --index "$T/i" >"$T/out" 2>>"$T/err"
	ok "nothing is made where it leads to" [ ! -e "$T/outside" ]
done
copies
mkfifo "$T/fifo"
mv "$T/fifo" "$T/i/lock.mdb"
exits 'a pipe in place of lock.mdb is refused' 1 "$EXPORTER" export --index "$T/i" --repo "$T/new"
ok 'the message says so' grep -q "lock.mdb' is not a regular file; remove it" "$T/err"

# --- references ---

for file in HEAD refs/heads/main refs/tags/first packed-refs refs/tags/other refs/heads/other; do
	copies
	rm -f "$T/repo/$file"
	mkfifo "$T/repo/$file"
	is "no command waits at a pipe in place of $file" "$(commands)" ''
	# Without HEAD it is no repository.
	[ $file = HEAD ] || ok 'the message names the file' grep -q "$file' is no file of git's references" "$T/err"
	rm "$T/repo/$file"
	truncate -s 1G "$T/repo/$file"
	is "none reads a gigabyte in place of $file" "$(commands)" ''
	ok 'the message says how large it is' grep -q "$file' has more than [0-9]* bytes" "$T/err"
done
copies
ln -s / "$T/repo/refs/tags/all"
exits 'a link to a folder in refs is refused' 1 "$EXPORTER" log --repo "$T/repo"
copies
mkfifo "$T/repo/objects/pipe"
echo 'ref: objects/pipe' >"$T/repo/refs/heads/main"
is 'no reference leads out of refs' "$(commands)" ''
exits 'the message names it' 1 "$EXPORTER" log --repo "$T/repo"
ok 'as such' grep -q "refs/heads/main' is no file of git's references" "$T/err"
copies
echo "ref: refs/heads/trunk" >"$T/repo/refs/heads/main"
git -C "$T/honest" rev-parse main >"$T/repo/refs/heads/trunk"
exits 'a reference that leads to another is read' 0 "$EXPORTER" audit --repo "$T/repo"

# --- what is printed ---

copies
git -C "$T/repo" log -1 --format=%B main | sed '/^$/{1!{$d}}; s/Snapshot: 3/Snapshot: 4/' >"$T/message"
printf 'Albumen-Oversize: api/v1/tag_images/\033[2J\n' >>"$T/message"
forged=$(git -C "$T/repo" -c user.name=a -c user.email=a commit-tree -p main -F "$T/message" 'main^{tree}')
git -C "$T/repo" update-ref refs/heads/main "$forged"
exits 'a trailer with control characters' 3 "$EXPORTER" export --index "$T/i" --repo "$T/repo" --dry-run
ok 'is printed without them' grep -qxF 'larger than 256 MiB, so not in the snapshot: api/v1/tag_images/\x1b[2J' "$T/out"

# --- counts ---

copies
empty=$(git -C "$T/repo" mktree </dev/null)
git -C "$T/repo" log -1 --format=%B main | sed '/^$/{1!{$d}}; s/Snapshot: 3/Snapshot: 4/' >"$T/message"
forged=$(git -C "$T/repo" -c user.name=a -c user.email=a commit-tree -p main -F "$T/message" "$empty")
git -C "$T/repo" update-ref refs/heads/main "$forged"
exits 'a snapshot that lacks what its commit counts is not audited' 1 "$EXPORTER" audit --repo "$T/repo"
ok 'the message has both counts' grep -q 'its commit says 3 images, and its files have 0' "$T/err"

# --- packs ---

for idx in "$T/honest/objects/pack"/*.idx; do
	copies
	chmod u+w "$T/repo/objects/pack/${idx##*/}"
	truncate -s 1T "$T/repo/objects/pack/${idx##*/}"
	is 'no command hashes a pack index that is longer than its ids' "$(commands)" ''
	break
done
for file in objects/pack/multi-pack-index objects/info/commit-graph \
	"objects/pack/$(basename -a "$T/honest"/objects/pack/*.pack | head -n 1)"; do
	copies
	mkdir -p "$T/repo/objects/info"
	[ ! -e "$T/repo/$file" ] || chmod u+w "$T/repo/$file"
	truncate -s 1T "$T/repo/$file"
	exits "a terabyte of holes in $(basename "$file") is not hashed" 1 limited verify --repo "$T/repo"
	ok 'it is damage' grep -q "$file: .*damaged" "$T/out"
done
copies
mkfifo "$T/repo/objects/pack/multi-pack-index"
exits 'a pipe in place of the multi-pack-index: git does not read it' 0 \
	"$EXPORTER" bundle --repo "$T/repo" "$T/out.tar"

# Two deltas, each of the other; git seeks the base of both for ever.
copies
"$PYTHON" - "$T/repo" <<'END'
import hashlib, struct, sys, zlib, subprocess, os
repo = sys.argv[1]
def git(*args, **more):
    return subprocess.run(["git", "-C", repo, *args], check=True, stdout=subprocess.PIPE, **more).stdout.decode().strip()
ids = ["%040x" % 0x2001, "%040x" % 0x2002]
delta = b"\x0a\x0a\x90\x0a"
raw = [bytes([7 << 4 | len(delta)]) + bytes.fromhex(ids[1 - i]) + zlib.compress(delta) for i in (0, 1)]
pack = b"PACK" + struct.pack(">II", 2, 2) + b"".join(raw)
pack += hashlib.sha1(pack).digest()
idx = b"\377tOc" + struct.pack(">I", 2) + struct.pack(">I", 2) * 256 + b"".join(map(bytes.fromhex, ids))
idx += b"".join(struct.pack(">I", zlib.crc32(r)) for r in raw) + struct.pack(">II", 12, 12 + len(raw[0])) + pack[-20:]
idx += hashlib.sha1(idx).digest()
name = repo + "/objects/pack/pack-" + hashlib.sha1(pack).hexdigest()
open(name + ".pack", "wb").write(pack)
open(name + ".idx", "wb").write(idx)
env = dict(os.environ, GIT_INDEX_FILE=repo + "/the-index")
git("read-tree", "main", env=env)
path = git("ls-files", "*/images.json", env=env)
git("update-index", "--cacheinfo", "100644," + ids[0] + "," + path, env=env)
tree = git("write-tree", "--missing-ok", env=env)
message = git("log", "-1", "--format=%B", "main").replace("Snapshot: 3", "Snapshot: 4")
commit = git("-c", "user.name=a", "-c", "user.email=a", "commit-tree", "-p", "main", "-m", message, tree)
git("update-ref", "refs/heads/main", commit)
END
# The sum of all processes that it starts; the limit of their memory is inherited.
(
	limit_memory -v 8000000
	exec timeout -k 1 -s KILL 100 "$EXPORTER" bundle --repo "$T/repo" "$T/out.tar"
) >"$T/out" 2>"$T/err"
is 'deltas of each other are not bundled' "$?" 1
ok 'the message says what checks the repository' grep -q 'albumen-exporter verify' "$T/err"
ok 'no archive is made' [ ! -e "$T/out.tar" ]

# --- the site ---

for kind in pipe link hole; do
	copies
	rm -f "$T/s/.albumen/pending"
	case $kind in
		pipe) mkfifo "$T/s/.albumen/pending" ;;
		link) ln -s "$T/outside" "$T/s/.albumen/pending" ;;
		hole) truncate -s 1G "$T/s/.albumen/pending" ;;
	esac
	is "no command waits for a $kind in place of pending" "$(commands)" ''
	exits 'a repair is refused' 1 limited publish --repo "$T/repo" --site "$T/s" --repair
	ok 'the message says what to do' grep -q "pending' is no note of albumen-exporter: remove it" "$T/err"
	rm "$T/s/.albumen/pending"
	exits 'which mends it' 0 "$EXPORTER" publish --repo "$T/repo" --site "$T/s" --repair
done
ok 'nothing was made outside' [ ! -e "$T/outside" ]

done_testing
