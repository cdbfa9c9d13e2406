#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scan and watch leave INDEX/status.json, which `status` of both programs reads where the index
# itself cannot be opened for want of write access to its lock.
. "$(dirname "$0")/lib.sh"

# A user who may read everything, and write nothing.
cp "$INDEXER" "$T/indexer" && cp "$EXPORTER" "$T/exporter"
export GIT_CONFIG_GLOBAL=$T/gitconfig
git config --file "$GIT_CONFIG_GLOBAL" safe.directory '*'
as_reader() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}
lock_away() {
	chmod 755 "$T" && chmod 444 "$T/index/lock.mdb"
}
without_times() { # JSON
	jq -S 'del(.as_of)' "$1"
}
status() { # [OPTION]...
	as_reader "$T/indexer" status --index "$T/index" "$@"
}

mkdir "$T/data"
cp -r "$ROOT/data/samples/." "$T/data"
scan >"$T/out" && export_all >"$T/out"
ok "scan leaves a report" [ -s "$T/index/status.json" ]
is "that all may read" "$(stat -c %a "$T/index/status.json")" 644
exits "status --json" 0 "$INDEXER" status --index "$T/index" --json
same "is the same" <(without_times "$T/index/status.json") <(without_times "$T/out")
is "all of it" "$(jq -c '[.version, .complete, .rejected]' "$T/out")" '[1,true,[]]'
(umask 027 && rm -r "$T/index" && scan) >"$T/out"
is "but for those whom the umask keeps out" "$(stat -c %a "$T/index/status.json")" 640
chmod 755 "$T/index" && chmod 644 "$T/index"/*
# What a kill may leave is used again.
echo '{"version":' >"$T/index/status.json.new"
rm "$T/index/data.mdb"
exits "also by the scan that makes the index again" 0 scan
export_all >"$T/out"

# --- without write access ------------------------------------------------------------------
cat >"$T/data/bad.ndjson" <<'END'
{"public_id":"no album"}
{"id":"back\\slash","album_id":"x"
END
scan >"$T/out" 2>&1
"$INDEXER" status --index "$T/index" --json >"$T/json"
"$INDEXER" status --index "$T/index" >"$T/text"
lock_away
ok "nothing else is left" [ ! -e "$T/index/status.json.new" ]
exits "status without write access" 0 status --json
same "prints what was reported" <(without_times "$T/out") <(without_times "$T/json")
is "as of then" "$(jq .as_of "$T/out")" "$(jq .as_of "$T/index/status.json")"
ok "and says so" grep -q "cannot be read without write access to its lock file, so this is what its writer reported at $(jq -r .as_of "$T/out")" "$T/err"
exits "the same for people" 0 status
same "in the same rows" "$T/out" "$T/text"
exits "and for --fail-on" 1 status --fail-on rejects
ok "with the reason" grep -q '^rejects: 2 records of 1 file are rejected$' "$T/out"
exits "check needs the index" 1 as_reader "$T/indexer" check --index "$T/index"
ok "and says what is denied" grep -q "lock.mdb.*Permission denied" "$T/err"
exits "status of the exporter" 1 as_reader "$T/exporter" status --repo "$T/repo" --index "$T/index" --json --fail-on rejects
is "has the figures" "$(jq -c '.index | [.rejects, .rejected_files, .ahead]' "$T/out")" "[2,1,0]"
is "and their time" "$(jq .index.as_of "$T/out")" "$(jq .as_of "$T/index/status.json")"
ok "for people, too" grep -q "as reported $(jq -r .as_of "$T/index/status.json")" \
	<(as_reader "$T/exporter" status --repo "$T/repo" --index "$T/index")
edited() { # SED: the report, with that done to it
	sed -E "$1" "$T/index/status.json"
}
for text in '' '{}' '{"version":1' "$(edited 's/"images":[0-9]+,//')" \
	"$(edited 's/"version":1/"version":2/')" "$(edited 's/"rejects":[0-9]+/"rejects":1e300/')" \
	"$(edited 's/"rejects":[0-9]+/"rejects":18446744073709551616/')"; do
	cp "$T/index/status.json" "$T/kept" && printf %s "$text" >"$T/index/status.json"
	exits "without a report that can be read" 1 status
	ok "the reason is that of the index" grep -q "lock.mdb.*Permission denied" "$T/err"
	cp "$T/kept" "$T/index/status.json"
done
chmod 644 "$T/index/lock.mdb"

# --- how large it gets ------------------------------------------------------------------------
for n in {1..150}; do echo '{"public_id":"no album"}'; done >"$T/data/bad.ndjson"
scan >"$T/out" 2>&1
is "it has a hundred rejects" "$(jq -c '[.rejects, (.rejected | length), .complete]' "$T/index/status.json")" "[150,100,false]"
is "which status shows" "$("$INDEXER" status --index "$T/index" --json | jq -c '[.rejects, (.rejected | length), .complete]')" "[150,150,true]"
rm "$T/data/bad.ndjson"

# --- watch -------------------------------------------------------------------------------------
reported() { # JQ
	jq -e "$1" "$T/index/status.json"
}
ok "watch starts" start watch "$INDEXER" watch --data "$T/data" --index "$T/index"
ok "it has reported" reported '.rejects == 0'
images=$(jq .images "$T/index/status.json")
echo '{"public_id":"new","album_id":"new"}' >"$T/data/new.json"
ok "and reports each change" wait_until 30 reported ".images == $((images + 1))"
rm "$T/index/status.json" && mkdir -p "$T/index/status.json/in-the-way"
echo '{"public_id":"newer","album_id":"new"}' >"$T/data/newer.json"
ok "what it cannot write is said" wait_until 30 grep -q 'the report is tried again' "$T/watch.log"
rm -r "$T/index/status.json"
echo '{"public_id":"newest","album_id":"new"}' >"$T/data/newest.json"
ok "and written later" wait_until 30 reported ".images == $((images + 3))"
ok "watch goes on" stop watch
is "which is said" "$(grep -c 'the report is written again' "$T/watch.log")" 1
is "said once" "$(grep -c 'the report is tried again' "$T/watch.log")" 1
done_testing
