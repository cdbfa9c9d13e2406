#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands that keep up an object store: follow, through an outage, a kill and a denial; status
# beside it; erase.
. "$(dirname "$0")/lib.sh"

site=
image() { # ID TITLE
	printf '{"public_id":"%s","album_id":"a","title":"%s"}\n' "$1" "$2"
}
changes() { # TEXT: a change in the index
	image changing "$1" >"$T/data/changing.json"
	scan >"$T/out"
}
tip() { git -C "$T/repo" rev-parse main; }
shows() { # the text of the last change is in the store
	s3 get p/api/v1/albums/a/images.json | grep -q "$1" && [ "$(s3 get p/snapshot.json | jq -r .commit)" = "$(tip)" ]
}
begin() {
	start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$site"
}
said() { grep -c "$1" "$T/follow.log"; }
status() {
	"$EXPORTER" status --index "$T/index" --repo "$T/repo" --site "$site" --fail-on damaged "$@"
}
right() { # the store holds what a folder would
	rm -rf "$T/folder"
	"$EXPORTER" publish --repo "$T/repo" --site "$T/folder" >"$T/out" &&
		s3 rm p/health.json && store_holds p "$T/folder"
}

store ceph && proxy || exit 1
site=s3://$BUCKET/p
mkdir "$T/data"
for i in {1..8}; do image "i$i" one; done >"$T/data/all.ndjson"
changes one
ok "follow starts" begin
ok "the store has the first snapshot" wait_until 60 shows one
proxy
changes two
ok "a change comes" wait_until 60 shows two
health() { [ "$(s3 get p/health.json | jq -r .commit)" = "$(tip)" ]; }
ok "and health.json says that it is kept up" wait_until 60 health
is "nothing is listed" "$(requests | grep -c 'list-type')" 0
ok "status says that the site is current" test "$(status --json | jq .site.current)" = true

# --- an outage
proxy '* * * status 503'
changes three
ok "a store that does not answer is waited for, aloud" wait_until 120 grep -q '503.*; waiting' "$T/follow.log"
exits "status says that it cannot be asked: try again" 75 status
ok "follow keeps running" alive follow
proxy
ok "and goes on when it answers" wait_until 120 shows three
is "it is said once" "$(said '503.*; waiting')" 1

# --- killed
proxy "PUT *api/* 1 drop-after kill -9 \$(<$T/follow.pid)"
changes four
dead() { ! alive follow; }
ok "it is killed while it publishes" wait_until 60 dead
rm "$T/follow.pid"
proxy_idle
proxy
is "status says that a publication is unfinished" "$(status --json | jq .site.unfinished)" true
changes five
ok "it starts again" begin
ok "and goes on at once" wait_until 60 shows five
ok "it ends when it is told to" stop follow
ok "the store holds what a folder would" right
ok "nobody has it, nothing is unfinished" \
	test "$(s3 get p/.albumen/publication.json | jq -c '[.holder,.pending]')" = '[null,[]]'

# --- ended while it publishes
rm -f "$T/there" "$T/go"
ok "it starts" begin
proxy "PUT *api/* 1 before : >$T/there; until [ -e $T/go ]; do read -rt 0.02 _ <> <(:); done"
changes six
ok "a request is held" wait_until 60 test -e "$T/there"
kill -TERM "$(<"$T/follow.pid")"
: >"$T/go"
ok "follow, told to end, does" stop follow
proxy
ok "another publication finishes" "$EXPORTER" publish --repo "$T/repo" --site "$site"
ok "and is right" right

# --- ended while a renewal of its lease hangs, and all else is slow
rm -f "$T/go"
ok "it starts" begin
proxy 'PUT *publication.json 2+ hang' "PUT *api/* * before until [ -e $T/go ]; do read -rt 0.02 _ <> <(:); done"
changes seven
renews() { requests | grep -q 'publication.json if-match hang'; }
ok "the renewal hangs" wait_until 120 renews
kill -TERM "$(<"$T/follow.pid")"
ok "follow, told to end, does not wait for it" wait_until 30 dead
: >"$T/go"
stop follow
proxy_idle
proxy
ok "another publication finishes" "$EXPORTER" publish --repo "$T/repo" --site "$site"
ok "and is right" right

# --- denied
ok "it starts" begin
proxy '* * * status 403'
changes eight
ok "a denial ends it" wait_until 60 dead
wait "$(<"$T/follow.pid")"
is "with status 77" $? 77
rm "$T/follow.pid"
exits "status is denied, too" 77 status
proxy

# --- erase
rm "$T/data/all.ndjson"
for i in {1..7}; do image "i$i" one; done >"$T/data/all.ndjson"
scan >"$T/out" 2>&1
ok "a record goes" "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$site"
ok "and is erased from history and store" "$EXPORTER" erase --index "$T/index" --repo "$T/repo" \
	--site "$site" --image i8 --reason 'asked for'
ok "the store is right" right

is "nothing of it is left there" "$(grep -rl '"i8"' "$T/.held")" ""
done_testing
