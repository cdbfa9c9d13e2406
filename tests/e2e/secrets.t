#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Secrets stay out of history: 20 of each kind are planted in 10,000 records, and searched
# for in everything that the programs write. With --allow-secrets all are found.
. "$(dirname "$0")/lib.sh"

D=$T/data
plant=$ROOT/tests/model/plant.py
seed=${ALBUMEN_SEED:-$RANDOM}
echo "# seed $seed"
status() { # FIELD
	"$INDEXER" status --index "$T/index" --json | jq -r "$1"
}
counts() {
	status '{images,tags,tag_images} | tojson'
}
tree() {
	git -C "$T/repo" rev-parse 'HEAD^{tree}'
}
fresh_tree() { # OPTION...: prints the tree of a new index of the folder
	rm -rf "$T/fresh" "$T/fresh-repo"
	"$INDEXER" scan --data "$D" --index "$T/fresh" "$@" >/dev/null 2>&1
	"$EXPORTER" export --index "$T/fresh" --repo "$T/fresh-repo" >/dev/null &&
		git -C "$T/fresh-repo" rev-parse 'HEAD^{tree}'
}
objects() { # prints every object of the repository
	git -C "$T/repo" cat-file --batch-all-objects --batch
}
found() { # [FILE...]: prints how many of the planted secrets are there
	"$PYTHON" "$plant" find "$T/list" "$@" | wc -l
}
found_in_site() {
	find "$T/site" -type f -exec cat {} + | found
}
# Everything that the programs print: results, logs, reports.
reports() {
	"$INDEXER" status --index "$T/index"
	"$INDEXER" status --index "$T/index" --json
	"$INDEXER" check --index "$T/index"
	"$EXPORTER" log --repo "$T/repo"
	"$EXPORTER" log --repo "$T/repo" --json
	"$EXPORTER" audit --repo "$T/repo"
	for format in json csv html; do
		"$EXPORTER" audit --repo "$T/repo" --format $format
	done
	cat "$T/logs"
}

expected=$("$PYTHON" "$plant" make "$D" "$T/list" "$seed")
none=$(jq -c .none <<<"$expected")
all=$(jq -c .all <<<"$expected")
: >"$T/logs"

scan -v >>"$T/logs" 2>&1
is "a scan ends with status 3" $? 3
is "every record without a secret is claimed" "$(counts)" "$none"
is "each with a secret is rejected by itself" "$(status .rejects)" 60
kinds() {
	status '[.rejected[].reason | capture("(?<kind>a JSON Web Token|a private key|an Authorization value)$").kind] | group_by(.) | map(length) | tojson'
}
is "the reason names the kind of secret" "$(kinds)" "[20,20,20]"
export_all -v >>"$T/logs" 2>&1
is "an export succeeds" $? 0
is "no object of any pack holds a secret" "$(objects | found)" 0
is "no file of the site does" "$(found_in_site)" 0
is "the index does not" "$(found "$T"/index/*)" 0
reports >"$T/reports" 2>&1
is "no log and no report does" "$(found "$T/reports")" 0
is "and those are not empty" "$(($(wc -c <"$T/reports") > 10000))" 1
clean=$(tree)

# The search itself works.
scan --allow-secrets >>"$T/logs" 2>&1
is "a scan with --allow-secrets succeeds" $? 0
is "it claims all records" "$(counts)" "$all"
is "although no file has changed" "$(status '[.allow_secrets, .rejects] | tojson')" "[true,0]"
export_all >>"$T/logs" 2>&1
is "then all secrets are in the objects" "$(objects | found)" 60
# Except those of tags that no image has.
is "and in the site" "$(($(found_in_site) > 40))" 1
is "the tree is that of a new index" "$(tree)" "$(fresh_tree --allow-secrets)"
is "the files are not read again" "$(scan --allow-secrets --json | jq .read)" 0

# Without --allow-secrets again.
scan >>"$T/logs" 2>&1
is "a scan without --allow-secrets ends with status 3" $? 3
is "it withdraws the records with secrets" "$(counts)" "$none"
is "status says so" "$(kinds) $(status .allow_secrets)" "[20,20,20] false"
export_all >>"$T/logs" 2>&1
is "they are gone from the snapshot" "$(tree)" "$clean"
is "and from the site" "$(found_in_site)" 0
ok "the tables of the index are right" "$INDEXER" check --index "$T/index"
is "no reason quotes a secret" \
	"$("$INDEXER" status --index "$T/index" | found)" 0

# The setting survives a kill at any time.
for delay in 0.02 0.1 0.3; do
	scan --allow-secrets >/dev/null 2>&1
	timeout --foreground -s KILL "$delay" "$INDEXER" scan --data "$D" --index "$T/index" >/dev/null 2>&1
done
scan >/dev/null 2>&1
export_all >/dev/null 2>&1
is "the next scan after a kill completes the change" "$(tree)" "$clean"

# A file that can no longer be read keeps its claims, except those with secrets.
D=$T/small
mkdir -p "$D/closed" "$D/a"
jwt=eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ.c2lnbmF0dXJl
echo "[{\"public_id\":\"i1\",\"album_id\":\"a\",\"x\":\"$jwt\"},{\"public_id\":\"i2\",\"album_id\":\"a\"}]" \
	>"$D/broken.json"
echo "{\"public_id\":\"i3\",\"album_id\":\"a\",\"x\":[\"Basic dXNlcjpwYXNz\"]}" >"$D/closed/i3.json"
echo "{\"id\":\"t\",\"image\":{\"public_id\":\"i4\",\"album_id\":\"a\"},\"tag\":{\"id\":\"g\",\"name\":\"n\",\"label\":\"l\",\"authorization\":\"x\"}}" \
	>"$D/a/t.json"
small() {
	"$INDEXER" "$@" --data "$D" --index "$T/small-index"
}
field() {
	"$INDEXER" status --index "$T/small-index" --json | jq -c "$1"
}
small scan --allow-secrets >/dev/null
is "an index with secrets is made" "$(field '[.images,.tags,.tag_images]')" "[4,1,1]"
truncate -s -2 "$D/broken.json"
chmod 0 "$D/closed"
exits "a scan without --allow-secrets of a broken file ends with status 3" 3 small scan
# Root reads the closed folder; other users withdraw its claims without reading it.
is "records with secrets are withdrawn, others are kept" \
	"$(field '[.images,.tags,.tag_images]')" "[1,0,0]"
chmod 755 "$D/closed"
is "a tag image with a secret in its tag is rejected as a whole" \
	"$(field '[.rejected[] | select(.path == "a/t.json")] | map([.line,.column,.reason])')" \
	"[[1,108,\"'tag.authorization' holds an Authorization value\"]]"
ok "the tables of the index are right" "$INDEXER" check --index "$T/small-index"

# A folder that looks like an unmounted disk changes nothing, not even the setting.
for n in 1 2 3 4 5 6 7 8 9; do
	echo "{\"public_id\":\"b$n\",\"album_id\":\"b\"}" >"$D/b$n.json"
done
small scan --allow-secrets >/dev/null 2>&1
mv "$D" "$T/away"
mkdir "$D"
exits "an empty folder is refused" 1 small scan
is "nothing is withdrawn" "$(field '[.images, .allow_secrets]')" "[12,true]"
rm -r "$D"
mv "$T/away" "$D"

# watch does the same.
start watch "$INDEXER" watch --data "$D" --index "$T/small-index"
is "watch without --allow-secrets rejects them" "$(field .allow_secrets)" false
echo "{\"public_id\":\"i9\",\"album_id\":\"a\",\"x\":\"Bearer 7f9c2ba4e88f827d\"}" >"$D/i9.json"
rejects() {
	[ "$(field '[.rejected[] | select(.path == "i9.json")] | length')" = "$1" ]
}
ok "and those that come later" wait_until 10 rejects 1
echo "{\"public_id\":\"i9\",\"album_id\":\"a\",\"x\":\"Bearer of news\"}" >"$D/i9.json"
ok "until the secret is removed" wait_until 10 rejects 0
stop watch
start watch "$INDEXER" watch --data "$D" --index "$T/small-index" --allow-secrets
is "watch --allow-secrets accepts them" "$(field .allow_secrets)" true
echo "{\"public_id\":\"i9\",\"album_id\":\"a\",\"x\":\"Bearer 7f9c2ba4e88f827d\"}" >"$D/i9.json"
known() {
	"$EXPORTER" export --index "$T/small-index" --repo "$T/small-repo" &&
		git -C "$T/small-repo" grep -q 7f9c2ba4e88f827d HEAD
}
ok "and claims them" wait_until 10 known
stop watch

done_testing
