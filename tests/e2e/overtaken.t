#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The index changes under an export: most images are withdrawn, and the feed forgets
# them, while the export stands still between two of its transactions.
. "$(dirname "$0")/lib.sh"

make_library() {
	mkdir -p "$T/data"
	# Texts that take their time to be compressed.
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

# The export is stopped wherever it stands. That is the middle if it has not said yet
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
ok "an export stands still in the middle" stop_in_the_middle
for i in {2..39}; do
	rm "$T/data/$i.ndjson"
done
ok "most are withdrawn meanwhile" scan --accept-withdrawal
rm "$T/data/1.ndjson"
ok "the feed forgets them with the next change" scan
kill -CONT "$(<"$T/export.pid")"
ok "the export goes on" wait_until 60 ended
ok "and ends well" stop export
ok "it says that it began again" grep -q 'begins again' "$T/export.log"
ok "a clean export is made" "$EXPORTER" export --index "$T/index" --repo "$T/clean"
is "the snapshot is that of a clean one" "$(tree "$T/repo")" "$(tree "$T/clean")"
"$EXPORTER" export --index "$T/index" --repo "$T/repo" >"$T/out"
ok "there is nothing to do after it" grep -q 'nothing changed' "$T/out"
done_testing
