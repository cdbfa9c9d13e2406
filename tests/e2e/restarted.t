#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A first scan is killed while `follow` waits for it, and another one starts from
# nothing: `follow` must not use what it read of the first.
. "$(dirname "$0")/lib.sh"

records() { # SEED COUNT
	awk -v seed="$1" -v count="$2" 'BEGIN { srand(seed); for (i = 0; i < count; i++) {
		text = ""
		for (j = 0; j < 12; j++) { text = text sprintf("%08d", rand() * 1e8) "-" seed " " }
		printf "{\"public_id\":\"i%d\",\"album_id\":\"a%d\",\"title\":\"%s\"}\n", i, i % 9, text
	} }'
}
claims() {
	"$INDEXER" status --index "$T/index" --json | jq .claims
}
has_begun() { # the scan has made its dictionaries
	[ "$(claims)" -ge 3000 ]
}
uuid() {
	"$INDEXER" status --index "$T/index" --json | jq -r .index
}
has_exported() {
	[ -e "$T/site/snapshot.json" ]
}
is_waiting() {
	grep -q 'waiting for the first scan' "$T/follow.log"
}

mkdir "$T/data"
records 1 3000 >"$T/data/1.ndjson"
for i in {2..14}; do
	records "$i" 20000 >"$T/data/$i.ndjson"
done
spawn scan "$INDEXER" scan --data "$T/data" --index "$T/index"
ok "a first scan begins" wait_until 30 has_begun
ok "and is killed" eval 'kill -KILL "$(<"$T/scan.pid")"'
stop scan KILL
"$INDEXER" status --index "$T/index" >"$T/out"
before=$(uuid)
spawn follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
ok "follow waits for it" wait_until 30 is_waiting

# Other records: another dictionary of the same kind.
rm "$T/data"/*
records 77 4000 | sed 's/"title"/"name"/; s/-77/_seventy-seven_/g' >"$T/data/1.ndjson"
ok "a second first scan ends" scan
is "it is another index" "$([ "$(uuid)" != "$before" ] && echo other)" other
ok "follow exports it" wait_until 30 has_exported
ok "and ends with status 0" stop follow
"$EXPORTER" export --index "$T/index" --repo "$T/clean" --site "$T/clean-site" >"$T/out" 2>&1
ok "its site is that of a clean export" diff -r "$T/site/api" "$T/clean-site/api"
done_testing
