#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Secrets stay out of history: 20 of each kind are planted in 10,000 records and looked
# for in everything that the programs write; and with --allow-secrets they are all there.
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
fresh_tree() { # what a new index of the folder comes to; options of scan
	rm -rf "$T/fresh" "$T/fresh-repo"
	"$INDEXER" scan --data "$D" --index "$T/fresh" "$@" >/dev/null 2>&1
	"$EXPORTER" export --index "$T/fresh" --repo "$T/fresh-repo" >/dev/null &&
		git -C "$T/fresh-repo" rev-parse 'HEAD^{tree}'
}
objects() { # every object of the repository, inflated
	git -C "$T/repo" cat-file --batch-all-objects --batch
}
found() { # [FILE...]: how many of the planted secrets stand there
	"$PYTHON" "$plant" find "$T/list" "$@" | wc -l
}
found_in_site() {
	find "$T/site" -type f -exec cat {} + | found
}
# The programs' own words: results, logs, lists, and what they report of a clone.
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
is "a scan says that something was rejected" $? 3
is "every record but those with a secret is taken" "$(counts)" "$none"
is "each of those is rejected by itself" "$(status .rejects)" 60
kinds() {
	status '[.rejected[].reason | capture("(?<kind>a JSON Web Token|a private key|an Authorization value)$").kind] | group_by(.) | map(length) | tojson'
}
is "with what it is" "$(kinds)" "[20,20,20]"
export_all -v >>"$T/logs" 2>&1
is "an export follows" $? 0
is "no object of any pack holds one" "$(objects | found)" 0
is "no file of the site" "$(found_in_site)" 0
is "the index does not" "$(found "$T"/index/*)" 0
reports >"$T/reports" 2>&1
is "no log and no report" "$(found "$T/reports")" 0
is "and they did say something" "$(($(wc -c <"$T/reports") > 10000))" 1
clean=$(tree)

# The search works: it finds what it can find.
scan --allow-secrets >>"$T/logs" 2>&1
is "a scan that allows them takes all" $? 0
is "that were not taken before" "$(counts)" "$all"
is "though no file has changed" "$(status '[.allow_secrets, .rejects] | tojson')" "[true,0]"
export_all >>"$T/logs" 2>&1
is "then all are in the objects" "$(objects | found)" 60
# But for those of tags that no image has.
is "and on the site" "$(($(found_in_site) > 40))" 1
is "as in a new index" "$(tree)" "$(fresh_tree --allow-secrets)"
is "and are no longer read again" "$(scan --allow-secrets --json | jq .read)" 0

# And back.
scan >>"$T/logs" 2>&1
is "a scan that does not allow them any more rejects them" $? 3
is "and withdraws them" "$(counts)" "$none"
is "says so" "$(kinds) $(status .allow_secrets)" "[20,20,20] false"
export_all >>"$T/logs" 2>&1
is "from the snapshot" "$(tree)" "$clean"
is "from the site" "$(found_in_site)" 0
ok "all tables agree" "$INDEXER" check --index "$T/index"
is "it is said only in reasons, never quoted" \
	"$("$INDEXER" status --index "$T/index" | found)" 0

# The setting survives a kill at any time.
for delay in 0.02 0.1 0.3; do
	scan --allow-secrets >/dev/null 2>&1
	timeout --foreground -s KILL "$delay" "$INDEXER" scan --data "$D" --index "$T/index" >/dev/null 2>&1
done
scan >/dev/null 2>&1
export_all >/dev/null 2>&1
is "what was killed on the way is done at the next scan" "$(tree)" "$clean"

# A file that cannot be read any more keeps what it said, but for its secrets.
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
is "an index that takes secrets" "$(field '[.images,.tags,.tag_images]')" "[4,1,1]"
truncate -s -2 "$D/broken.json"
chmod 0 "$D/closed"
exits "is closed when a file is broken" 3 small scan
# Who is root reads the closed folder; who is not withdraws what it said unread.
is "what it holds is withdrawn, the rest of it is kept" \
	"$(field '[.images,.tags,.tag_images]')" "[1,0,0]"
chmod 755 "$D/closed"
is "a tag image with a secret in its tag is rejected as a whole" \
	"$(field '[.rejected[] | select(.path == "a/t.json")] | map([.line,.column,.reason])')" \
	"[[1,108,\"'tag.authorization' holds an Authorization value\"]]"
ok "the tables agree" "$INDEXER" check --index "$T/small-index"

# A folder that looks like an unmounted disk changes nothing, the setting neither.
for n in 1 2 3 4 5 6 7 8 9; do
	echo "{\"public_id\":\"b$n\",\"album_id\":\"b\"}" >"$D/b$n.json"
done
small scan --allow-secrets >/dev/null 2>&1
mv "$D" "$T/away"
mkdir "$D"
exits "an empty folder is refused" 1 small scan
is "and nothing is withdrawn" "$(field '[.images, .allow_secrets]')" "[12,true]"
rm -r "$D"
mv "$T/away" "$D"

# watch does the same, as it happens.
start watch "$INDEXER" watch --data "$D" --index "$T/small-index"
is "watch rejects what was taken" "$(field .allow_secrets)" false
echo "{\"public_id\":\"i9\",\"album_id\":\"a\",\"x\":\"Bearer 7f9c2ba4e88f827d\"}" >"$D/i9.json"
rejects() {
	[ "$(field '[.rejected[] | select(.path == "i9.json")] | length')" = "$1" ]
}
ok "and what comes" wait_until 10 rejects 1
echo "{\"public_id\":\"i9\",\"album_id\":\"a\",\"x\":\"Bearer of news\"}" >"$D/i9.json"
ok "until the secret is gone" wait_until 10 rejects 0
stop watch
start watch "$INDEXER" watch --data "$D" --index "$T/small-index" --allow-secrets
is "watch can be allowed to take them" "$(field .allow_secrets)" true
echo "{\"public_id\":\"i9\",\"album_id\":\"a\",\"x\":\"Bearer 7f9c2ba4e88f827d\"}" >"$D/i9.json"
known() {
	"$EXPORTER" export --index "$T/small-index" --repo "$T/small-repo" &&
		git -C "$T/small-repo" grep -q 7f9c2ba4e88f827d HEAD
}
ok "and does" wait_until 10 known
stop watch

done_testing
