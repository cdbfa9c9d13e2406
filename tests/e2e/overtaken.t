#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The index changes while an export runs: most images are withdrawn, and the feed drops their
# entries, while the export is stopped between two of its transactions.
. "$(dirname "$0")/lib.sh"

make_library() {
	mkdir -p "$T/data"
	# Texts that take a while to compress.
	awk 'BEGIN { srand(1); for (i = 0; i < 60000; i++) {
		text = ""
		for (j = 0; j < 30; j++) { text = text int(rand() * 1e9) }
		printf "{\"public_id\":\"i%d\",\"album_id\":\"a%d\",\"title\":\"%s\"}\n",
			i, i % 40, text >("'"$T/data"'/" (i % 40) ".ndjson") } }'
}

# True when the export has begun to write.
is_writing() {
	compgen -G "$T/repo/objects/pack/*" >"$T/packs"
}

# The export is stopped wherever it is. That is the middle if it has not logged yet
# how many responses it rendered.
stop_in_the_middle() {
	local try
	for try in 1 2 3 4 5; do
		rm -rf "$T/repo"
		spawn export "$EXPORTER" export --index "$T/index" --repo "$T/repo" -v
		wait_until 30 is_writing
		kill -STOP "$(<"$T/export.pid")"
		alive export && ! grep -q rendered "$T/export.log" && return 0
		stop export KILL
	done
	return 1
}

ended() {
	! alive export
}

tree() { # REPO
	git -C "$1" rev-parse 'main^{tree}'
}

make_library
ok "60,000 images are scanned" scan
ok "an export is stopped in the middle" stop_in_the_middle
for i in {2..39}; do
	rm "$T/data/$i.ndjson"
done
ok "most images are withdrawn meanwhile" scan --accept-withdrawal
rm "$T/data/1.ndjson"
ok "the next change drops their entries from the feed" scan
kill -CONT "$(<"$T/export.pid")"
ok "the export goes on" wait_until 60 ended
ok "and ends with status 0" stop export
ok "it says that it began again" grep -q 'begins again' "$T/export.log"
ok "a clean export is made" "$EXPORTER" export --index "$T/index" --repo "$T/clean"
is "its tree is that of the clean export" "$(tree "$T/repo")" "$(tree "$T/clean")"
"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out"
ok "the next export has nothing to do" grep -q 'nothing changed' "$T/out"
done_testing
