#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What both programs print as JSON, and the files of theirs that are JSON, are as data/schema says:
# every command that has --json has a schema, every output holds to it, and every member that a
# schema names is printed by some command here (tests/model/schema.py).
. "$(dirname "$0")/lib.sh"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

SAID=$T/said
mkdir "$SAID" "$T/data" "$T/run"
count=0
say() { # NAME STATUS CMD...: its output is one of NAME
	count=$((count + 1))
	exits "$1: ${*:4}" "$2" "${@:3}"
	cp "$T/out" "$SAID/$1.$count"
}
indexer() { # STATUS COMMAND [OPTION]...
	say "indexer-$2" "$1" "$INDEXER" "$2" --index "$T/index" --json "${@:3}"
}
exporter() { # STATUS COMMAND [OPTION]...
	say "exporter-$2" "$1" "$EXPORTER" "$2" --repo "$T/repo" --json "${@:3}"
}
I=(--index "$T/index")
S=(--site "$T/site")
at() { # DAY: of 2024, at noon
	export SOURCE_DATE_EPOCH=$((1704110400 + ($1 - 1) * 86400))
}
records() { # replaces the records on standard input
	cat >"$T/data/all.ndjson"
	"$INDEXER" scan "${I[@]}" --data "$T/data" >"$T/out" 2>&1
}
for key in key other; do
	ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$T/$key"
	echo "$key@example.org $(cat "$T/$key.pub")"
done >"$T/signers"

# --- the first snapshot: rejects, redaction, a signature ------------------------------------------

records <<'END'
{"public_id":"one","album_id":"quay","title":"Quay","created_at":"2020-01-01T00:00:00Z","gps":[1.234,5],"exif":1}
{"public_id":"two","album_id":"quay","title":"Two","a":1,"b":2}
{"public_id":"far","album_id":"hill"}
{"id":"T1","name":"boat","label":"Boat"}
{"id":"T2","name":"sea","label":"Sea"}
{"id":"T3","name":"tree","label":"Tree"}
{"id":"K1","image_id":"one","tag_id":"T1","user":"ann","created_at":"2020-01-02T00:00:00Z"}
{"id":"K2","image_id":"two","tag_id":"T2","user":"ann","created_at":"2020-01-03T00:00:00Z"}
END
echo '{"public_id":"gone","album_id":"hill"}' >"$T/data/gone.json"
# Of a file with more than 10,000 rejects, the first 10,000 are kept.
seq 10001 >"$T/data/nonsense.ndjson"
at 1
indexer 3 scan --data "$T/data"
indexer 0 status
indexer 1 status --fail-on rejects
cp "$T/index/status.json" "$SAID/indexer-status.file"
rm "$T/data/nonsense.ndjson" "$T/data/gone.json"
indexer 0 scan --data "$T/data" --accept-withdrawal
indexer 0 check
redact=(--drop exif --round-gps 2)
exporter 0 export "${I[@]}" "${redact[@]}" --dry-run
exporter 0 export "${I[@]}" "${S[@]}" "${redact[@]}" --sign "$T/key" --audit-page --collections --name Ours
exporter 0 export "${I[@]}" "${S[@]}" "${redact[@]}" --sign "$T/key" --dry-run
exporter 0 snapshot --label q1 --reason 'First quarter' --sign "$T/key"
exporter 0 status "${I[@]}" "${S[@]}" --signers "$T/signers"
cp "$T/site/snapshot.json" "$SAID/snapshot.page"

# --- changes of every kind, another key ------------------------------------------------------------

records <<'END'
{"public_id":"one","album_id":"quay","title":"Pier","created_at":"2020-01-01T00:00:00Z","gps":[1.234,5],"exif":1}
{"public_id":"two","album_id":"quay","title":"Two","b":2,"c":3}
{"public_id":"new","album_id":"hill","title":"New","created_at":"2020-01-04T00:00:00Z"}
{"id":"T1","name":"boat","label":"Ship"}
{"id":"T2","name":"sea","label":"Sea","x":[]}
{"id":"T4","name":"hill","label":"Hill"}
{"id":"K1","image_id":"one","tag_id":"T1","user":"eve","created_at":"2020-01-02T00:00:00Z"}
{"id":"K3","image_id":"one","tag_id":"T2","user":"ann"}
END
at 2
exporter 0 export "${I[@]}" "${S[@]}" "${redact[@]}" --sign "$T/other"
exporter 0 diff main~1 main
exporter 0 diff main main~1
exporter 0 diff main main
exporter 0 log
exporter 0 log --image one
exporter 0 log --album quay
exporter 0 log --tag T3
exporter 0 audit
exporter 0 audit --count-from observed --album quay
exporter 0 audit --images
exporter 0 audit --images --count-from observed
exporter 0 verify --signers "$T/signers"
exporter 0 verify
say receipt 0 "$EXPORTER" receipt --repo "$T/repo" '/api/v1/tag_images?image_ids[]=one'
say receipt 0 "$EXPORTER" receipt --repo "$T/repo" /api/v1/albums/none/images

# --- the site --------------------------------------------------------------------------------------

exporter 0 publish "${S[@]}" --at q1
at 3
exporter 1 status "${I[@]}" "${S[@]}" --fail-on lag=1s
exporter 0 publish "${S[@]}" --dry-run
exporter 0 publish "${S[@]}" --check
cp "$T/site/snapshot.json" "$SAID/snapshot.plain"
rm "$T/site/api/v1/tag_images/one.json"
echo '[]' >"$T/site/api/v1/albums/quay/images.json"
echo '[]' >"$T/site/api/v1/tag_images/nobody.json"
exporter 1 publish "${S[@]}" --check
exporter 0 publish "${S[@]}" --repair
exporter 0 publish "${S[@]}"
start follow "$EXPORTER" follow "${I[@]}" --repo "$T/repo" "${S[@]}" "${redact[@]}" --sign "$T/key"
stop follow
cp "$T/site/health.json" "$SAID/health"
port=$(free_port)
"$EXPORTER" edge "${S[@]}" --listen "$port" >"$T/nginx.conf"
spawn nginx nginx -p "$T/run" -c "$T/nginx.conf" -g 'daemon off;'
healthz() { curl -sf "http://127.0.0.1:$port/healthz" >"$SAID/healthz.good"; }
ok "/healthz answers" wait_until 10 healthz
rm "$T/site/health.json"
curl -s "http://127.0.0.1:$port/healthz" >"$SAID/healthz.bad"

# --- what is removed for good, and a history that begins late ---------------------------------------

grep -v '"two"' "$T/data/all.ndjson" | records
exporter 0 export "${I[@]}" "${S[@]}" "${redact[@]}" --sign "$T/key"
at 4
exporter 0 maintain
exporter 0 maintain
exporter 0 prune --before 2024-01-02T18:00 --dry-run
exporter 0 prune --before 2024-01-02T18:00 --sign "$T/key"
exporter 0 prune --before 2024-01-02T18:00 --sign "$T/key"
exporter 0 erase "${I[@]}" "${S[@]}" --image two --reason 'a letter' --sign "$T/key" --dry-run
exporter 0 erase "${I[@]}" "${S[@]}" --image two --reason 'a letter' --sign "$T/key"
exporter 0 log
exporter 0 verify --signers "$T/signers"

# --- what is wrong -----------------------------------------------------------------------------------

cp -r "$T/repo" "$T/kept"
git() { command git -C "$T/repo" "$@"; }
export GIT_INDEX_FILE=$T/tree
git read-tree main
echo '{}' | git hash-object -w --stdin >"$T/blob"
git update-index --add --cacheinfo "100644,$(cat "$T/blob"),api/v1/extra.json"
git update-ref refs/heads/main "$(git cat-file commit main |
	sed "s/^tree .*/tree $(git write-tree)/" | git hash-object -w -t commit --stdin)"
exporter 1 verify --signers "$T/signers"
exporter 1 status --signers "$T/signers" --fail-on damaged
rm -rf "$T/repo"
mv "$T/kept" "$T/repo"
exporter 1 status --index "$T/nothing" --fail-on failed
echo '[7]' >"$T/data/number.json"
start watch "$INDEXER" watch --data "$T/data" "${I[@]}" -v --log json
stop watch
cp "$T/watch.log" "$SAID/log.watch"
exporter 1 status "${I[@]}" --fail-on rejects
"$EXPORTER" export "${I[@]}" --repo "$T/plain" -v --log json >"$T/out" 2>"$SAID/log.export"
say exporter-status 1 "$EXPORTER" status --repo "$T/plain" --json
# The fourth flush is the first one after which the index exists, and its tables do not.
(strace -f -qq -o "$T/trace" -e trace=fdatasync -e inject=fdatasync:signal=KILL:when=4 \
	"$INDEXER" scan --data "$T/data" --index "$T/half"; :) >"$T/out" 2>&1
say indexer-status 1 "$INDEXER" status --index "$T/half" --json --fail-on failed
exits "an error" 1 "$EXPORTER" audit --repo "$T/nothing" --log json
cp "$T/err" "$SAID/log.error"

# --- all of it -----------------------------------------------------------------------------------------

same "all of it is as the schemas say, and they say no more" \
	<("$PYTHON" "$ROOT/tests/model/schema.py" "$ROOT/data/schema" "$SAID" 2>&1) /dev/null
commands() { # PROGRAM: its commands that have --json, as the schemas name them
	"$1" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p' | grep -vx help | while read -r command; do
		"$1" help "$command" | grep -q -e --json && echo "${1##*/albumen-}-$command"
	done
}
commands "$INDEXER" >"$T/commands"
commands "$EXPORTER" >>"$T/commands"
same "every command with --json has a schema, and printed something" \
	<(cd "$SAID" && printf '%s\n' *-* | sed 's/\..*//' | sort -u) <(sort "$T/commands")

done_testing
