#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A response that is larger than 256 MiB: it costs no more memory than albumen(7)
# says, it is named everywhere, and the rest of the library is as always.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
cat >"$T/make.py" <<'END'
# One image of SIZE bytes with COUNT tag images, beside a small library.
import sys
name, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(name, "w") as f:
    f.write('{"id":"t","name":"n","label":"l"}\n{"id":"u","name":"n","label":"l"}\n')
    f.write('{"public_id":"big","album_id":"a","text":"%s"}\n' % ("x" * size))
    f.write('{"public_id":"small","album_id":"a"}\n{"public_id":"other","album_id":"b"}\n')
    for n in range(count):
        f.write('{"id":"g%d","image_id":"big","tag_id":"t"}\n' % n)
    f.write('{"id":"s","image_id":"small","tag_id":"t"}\n')
    f.write('{"id":"su","image_id":"small","tag_id":"u"}\n')
END
cat >"$T/check.py" <<'END'
# Compares snapshot, trailers and site with the model.
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from model import Model
import os
folder = sys.argv[2]
model = Model()
model.read_folder(folder + "/data")
git = ["git", "-C", folder + "/repo"]
message = subprocess.check_output(git + ["log", "-1", "--format=%B"], text=True)
named = [line.split(": ", 1)[1] for line in message.splitlines() if line.startswith("Albumen-Oversize")]
assert named == model.oversize(), named
tree = subprocess.check_output(git + ["rev-parse", "HEAD^{tree}"], text=True).strip()
assert tree == model.git_tree_id(), tree
want = model.responses(collections="collections" in sys.argv)
got = {}
for root, _, names in os.walk(folder + "/site/api"):
    for name in names:
        path = os.path.relpath(root + "/" + name, folder + "/site")
        got[path] = open(root + "/" + name, "rb").read()
assert got.keys() == want.keys(), sorted(got.keys() ^ want.keys())
assert got == want
END
cat >"$T/peak.py" <<'END'
# Runs a command; fails if its anonymous memory ever exceeds MIB mebibytes.
import subprocess, sys, time
process, peak = subprocess.Popen(sys.argv[2:]), 0
while process.poll() is None:
    with open("/proc/%d/status" % process.pid) as status:
        for line in status:
            if line.startswith("RssAnon"):
                peak = max(peak, int(line.split()[1]) >> 10)
    time.sleep(0.002)
if peak > int(sys.argv[1]):
    sys.exit("%d MiB of anonymous memory" % peak)
sys.exit(process.returncode)
END
make_big() { # SIZE COUNT
	"$PYTHON" "$T/make.py" "$T/data/big.ndjson" "$1" "$2"
	scan >/dev/null
}
matches() { # [collections]
	"$PYTHON" "$T/check.py" "$ROOT/tests/model" "$T" "$@"
}
path=api/v1/tag_images/fa/69/big.json
# The sanitizers have memory of their own.
most=300
[[ $BUILD = */build ]] || most=6000

make_big 16000000 300
is "seventeen megabytes of metadata" "$(($(stat -c %s "$T/data/big.ndjson") / 1000000))" 16
exits "an export that leaves out a response is done, and says so" 3 \
	"$PYTHON" "$T/peak.py" "$most" "$EXPORTER" export --index "$T/index" --repo "$T/repo" \
	--site "$T/site" --collections --audit-page
ok "its result names the response" grep -q "larger than 256 MiB.*: $path\$" "$T/out"
ok "and so does its log" grep -q "warning: the snapshot lacks '$path'" "$T/err"
ok "the log names what is collected of it" \
	grep -q "2 collected responses would lack tag images.*'api/v1/tags/t/tag_images.oversize'" \
	"$T/err"
ok "trailers, tree and site are those of the model" matches collections
ok "the site is as the snapshot" "$EXPORTER" publish --repo "$T/repo" --site "$T/site" --check
rm "$T/site/api/v1/tag_images/big.oversize"
: >"$T/site/api/v1/tag_images/small.oversize"
exits "a mark that is missing and one that is too many are found" 1 \
	"$EXPORTER" publish --repo "$T/repo" --site "$T/site" --check
ok "the first is missing" grep -qx 'missing: api/v1/tag_images/big.oversize' "$T/out"
ok "the second is extra" grep -qx 'extra: api/v1/tag_images/small.oversize' "$T/out"
ok "they are mended" "$EXPORTER" publish --repo "$T/repo" --site "$T/site" --repair
ok "to what the model has" matches collections
ok "the snapshot is verified" "$EXPORTER" verify --repo "$T/repo"
exits "show has no body for it" 1 "$EXPORTER" show --repo "$T/repo" '/api/v1/tag_images?image_ids[]=big'
ok "and says why" grep -q "larger than 256 MiB, so the snapshot lacks it: '$path'" "$T/err"
exits "nor for a join with it" 1 "$EXPORTER" show --repo "$T/repo" \
	'/api/v1/tag_images?image_ids[]=small&image_ids[]=big'
is "without a part of one" "$(cat "$T/out")" ""
exits "nor for what is collected of it" 1 "$EXPORTER" show --repo "$T/repo" /api/v1/tags/t/tag_images
ok "which says why, too" grep -q 'would lack tag images' "$T/err"
ok "what is not of it is shown" "$EXPORTER" show --repo "$T/repo" /api/v1/tags/u/tag_images
"$EXPORTER" audit --repo "$T/repo" --format json >"$T/audit" 2>"$T/err"
is "the audit counts the image as tagged" "$(jq -c '[.all.images, .all.tagged, .all.untagged]' "$T/audit")" \
	'[3,2,1]'
is "and names what it does not know" "$(jq -c .oversize "$T/audit")" "[\"$path\"]"
is "an album's audit does, too" "$("$EXPORTER" audit --repo "$T/repo" --album a --format json 2>/dev/null |
	jq -c '[.all.images, .oversize]')" "[2,[\"$path\"]]"
exits "another export names it again" 3 export_all --collections --audit-page --json
is "as JSON" "$(jq -c .oversize "$T/out")" "[\"$path\"]"
is "and makes no snapshot" "$(git -C "$T/repo" rev-list --count main)" 1

# The next snapshot names it, though it is not rendered again.
echo '{"public_id":"more","album_id":"c"}' >"$T/data/more.json"
scan >/dev/null
exits "an export of something else" 3 export_all
ok "is as the model says" matches
make_big 1600 300
ok "a response that has shrunk is exported" export_all
ok "and has no trailer any more" matches
ok "its site is as the snapshot" "$EXPORTER" publish --repo "$T/repo" --site "$T/site" --check
make_big 16000000 20
exits "one that has grown loses its file" 3 export_all
ok "and has a trailer again" matches
ok "all snapshots are verified" "$EXPORTER" verify --repo "$T/repo"
exits "a difference that is not known is said" 3 "$EXPORTER" diff --repo "$T/repo" HEAD~1 HEAD
ok "by its path" grep -q "'$path' is not compared" "$T/err"
ok "its image has not disappeared" not grep -q disappeared "$T/out"
exits "so it is in the history of the image" 3 "$EXPORTER" log --repo "$T/repo" --image big
ok "which has not disappeared either" not grep -q disappeared "$T/out"
ok "an older snapshot is published" "$EXPORTER" publish --repo "$T/repo" --site "$T/site" --at HEAD~1
ok "without the mark" not test -e "$T/site/api/v1/tag_images/big.oversize"
ok "and a site made anew has it" "$EXPORTER" publish --repo "$T/repo" --site "$T/site2"
is "as an empty file" "$(stat -c '%s' "$T/site2/api/v1/tag_images/big.oversize")" 0

# Only the trailer makes the absence good.
git clone -q --bare "$T/repo" "$T/clone"
forge() { # makes the tip anew, its message changed by sed
	local message commit
	message=$(git -C "$T/repo" log -1 --format=%B main | sed "$1")
	commit=$(git -C "$T/clone" -c user.name=n -c user.email=e commit-tree -m "$message" \
		-p "$(git -C "$T/repo" rev-parse main~1)" "$(git -C "$T/repo" rev-parse 'main^{tree}')")
	git -C "$T/clone" update-ref refs/heads/main "$commit"
}
forge '/^Albumen-Oversize/d'
exits "without its trailer, the file is missing" 1 "$EXPORTER" verify --repo "$T/clone"
ok "which is said" grep -q "$path: the file is missing" "$T/out"
exits "and the audit is refused" 1 "$EXPORTER" audit --repo "$T/clone" --album a
forge 's|^\(Albumen-Oversize: .*\)big.json|&\n\1big.json|'
exits "a trailer that stands twice is a failure" 1 "$EXPORTER" verify --repo "$T/clone"
forge "s|^Albumen-Oversize: .*|&\nAlbumen-Oversize: $(git -C "$T/repo" ls-tree -r --name-only main | grep small.json)|"
exits "so is one about a file that is there" 1 "$EXPORTER" verify --repo "$T/clone"
ok "which is said, too" grep -q 'says that it is oversize, but the file is there' "$T/out"

done_testing
