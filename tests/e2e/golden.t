#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# data/samples gives these bytes: digests of the files of the site, the tree of the
# snapshot, and some whole bodies that a person can read.
# `make golden` (GOLDEN=write) writes the golden files again.
. "$(dirname "$0")/lib.sh"
golden=$ROOT/tests/golden

cp -r "$ROOT/data/samples" "$T/data"
exits "scan of the samples rejects nothing" 0 scan
ok "export of the samples" export_all --collections

(cd "$T/site" && find api -type f -print0 | sort -z | xargs -0 sha256sum) >"$T/site.sha256"
git --git-dir "$T/repo" ls-tree -r HEAD >"$T/snapshot.tree" # modes, ids, paths
git --git-dir "$T/repo" rev-parse 'HEAD^{tree}' >>"$T/snapshot.tree"

got=("$T/site.sha256" "$T/snapshot.tree")
for body in albums/harbour-1931/images/untag tag_images/HA-1931-0005 \
	tag_images/885999a5-58a5-406a-bc8e-2ac5420d60a3 \
	albums/00324000005TXjIAAW/images/untag; do
	cp "$T/site/api/v1/$body.json" "$T/${body//\//-}.json"
	got+=("$T/${body//\//-}.json")
done
if [ "${GOLDEN-}" = write ]; then
	rm -rf "$golden" && mkdir "$golden" && cp "${got[@]}" "$golden"
fi
for file in "${got[@]}"; do
	same "${file##*/}" "$file" "$golden/${file##*/}"
done
is "no golden file is left over" "$(ls "$golden")" \
	"$(printf '%s\n' "${got[@]##*/}" | sort)"
is "the model makes the same tree" \
	"$("$PYTHON" "$ROOT/tests/model/model.py" --tree "$T/data")" \
	"$(git --git-dir "$T/repo" rev-parse 'HEAD^{tree}')"
done_testing
