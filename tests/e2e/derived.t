#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What git derives from objects, and then reads in place of them: verify compares a commit-graph
# and a multi-pack-index with the objects, as their checksums prove nothing.
. "$(dirname "$0")/lib.sh"

verify() {
	"$EXPORTER" verify --repo "$T/clone"
}
found() { # NAME PATTERN
	grep -qE "$2" "$T/out" && [ ! -s "$T/err" ]
	result $? "$1" || cat "$T/out" "$T/err" | diag
}
fresh() {
	rm -rf "$T/clone"
	git clone -q --bare --no-local "$T/repo" "$T/clone"
}
# forge FILE CODE: in Python; d: the bytes, at(CHUNK): where it begins, ids: those in the file,
# n(REVISION): which of them
forge() {
	chmod u+w "$T/clone/objects/$1"
	"$PYTHON" - "$T/clone" "$1" "$2" <<-'END'
		import hashlib, struct, subprocess, sys
		repo, name, code = sys.argv[1:]
		with open(f"{repo}/objects/{name}", "rb") as file:
		    d = bytearray(file.read())
		head = 8 if d[:4] == b"CGPH" else 12
		rows = [d[head + 12 * i : head + 12 * i + 12] for i in range(d[6])]
		chunks = {bytes(row[:4]).decode(): struct.unpack(">Q", row[4:])[0] for row in rows}
		at = chunks.__getitem__
		count = struct.unpack_from(">I", d, at("OIDF") + 1020)[0]
		ids = [d[at("OIDL") + 20 * i :][:20].hex() for i in range(count)]
		def n(revision):
		    id = subprocess.check_output(["git", "-C", repo, "rev-parse", revision], text=True)
		    return ids.index(id.strip())
		exec(code)
		d[-20:] = hashlib.sha1(d[:-20]).digest()
		with open(f"{repo}/objects/{name}", "wb") as file:
		    file.write(d)
	END
}

mkdir "$T/data"
for n in 1 2 3 4; do
	printf '{"public_id":"i%s","album_id":"a","created_at":"2020-01-01T00:00:00Z"}' "$n" >"$T/data/$n.json"
	scan >"$T/out" 2>&1
	SOURCE_DATE_EPOCH=$((1700000000 + 60 * n)) "$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out" 2>&1
done
tip=$(git -C "$T/repo" rev-parse main)
file=$(git -C "$T/repo" ls-tree -r --name-only main | grep '/images.json$')

# What git writes is good.
fresh
git -C "$T/clone" gc -q
git -C "$T/clone" commit-graph write --reachable --no-progress
git -C "$T/clone" multi-pack-index write --no-progress
exits "what git derives is good" 0 verify
ok "both are there" [ -f "$T/clone/objects/info/commit-graph" -a -f "$T/clone/objects/pack/multi-pack-index" ]
cp -r "$T/clone" "$T/good"
fresh
for revision in main~2 main; do
	git -C "$T/clone" rev-parse $revision | git -C "$T/clone" commit-graph write --stdin-commits --split=no-merge --no-progress
done
is "so is a graph in layers" "$(verify | sed -n 's/.*; //p') $(wc -l <"$T/clone/objects/info/commit-graphs/commit-graph-chain")" "0 failures 2"
layer=info/commit-graphs/graph-$(tail -1 "$T/clone/objects/info/commit-graphs/commit-graph-chain").graph
forge "$layer" 'd[at("CDAT") + 36 * n("main") + 27] ^= 1'
exits "not if one is forged" 1 verify
found "that names it" "^$tip objects/info/commit-graphs/commit-graph-chain: because of it git shows another parent$"

graph() { # WHAT CODE
	rm -rf "$T/clone"
	cp -r "$T/good" "$T/clone"
	forge info/commit-graph "$2"
	exits "a commit-graph with another $1 is a failure" 1 verify
	found "another $1: it is said" "^$tip objects/info/commit-graph: because of it git shows another $1$"
}
graph parent 'struct.pack_into(">I", d, at("CDAT") + 36 * n("main") + 20, n("main~3"))'
is "git hides two snapshots then" "$(git -C "$T/clone" rev-list --count main)" 2
graph tree 'struct.pack_into("20s", d, at("CDAT") + 36 * n("main"), bytes(20))'
graph time 'd[at("CDAT") + 36 * n("main") + 35] ^= 1'
graph order 'd[at("CDAT") + 36 * n("main") + 31] ^= 4'
rm -rf "$T/clone"
cp -r "$T/good" "$T/clone"
forge info/commit-graph 'd[at("OIDF") + 1023] += 1'
exits "one that contradicts itself is a failure" 1 verify
found "that says so" '^objects/info/commit-graph: the file is damaged: it is no commit-graph of version 1$'
git -C "$T/clone" commit-graph write --reachable --changed-paths --no-progress 2>"$T/none"
exits "so is one with filters" 1 verify
found "as nothing compares them" '^objects/info/commit-graph: git log may leave out snapshots because of the filters of paths in it, which are not verified: remove the file$'

rm -rf "$T/clone"
cp -r "$T/good" "$T/clone"
forge pack/multi-pack-index "a, b = (at('OOFF') + 8 * n(r + ':$file') for r in ('main', 'main~1'))
d[a : a + 8], d[b : b + 8] = d[b : b + 8], d[a : a + 8]"
is "git shows another answer, because of a forged index" "$(git -C "$T/clone" show "main:$file")" "$(git -C "$T/repo" show "main~1:$file")"
exits "which is a failure" 1 verify
found "that names the object" "^objects/pack/multi-pack-index: because of it git shows another object in place of $(git -C "$T/repo" rev-parse "main:$file")$"
rm -f "$T/clone"/objects/pack/*.idx
exits "a pack without an index of its own is a failure" 1 verify
found "of this one, too" '^objects/pack/multi-pack-index: it is about a pack that is not there, or has no index$'
done_testing
