#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The folder of a library as the service units make it: who may read the index, the repository
# and the site, and how others clone the repository, as albumen(7), SERVICES, says.
. "$(dirname "$0")/lib.sh"

# Users and groups that nobody else has.
owner=61001 group=61002 web=61003 alice=61004
chmod 755 "$T"
cp -r "$INDEXER" "$EXPORTER" "$BUILD/page" "$T"
mkdir -m 700 "$T/home" && chown "$alice" "$T/home"
mkdir "$T/data" && echo '{"public_id":"i","album_id":"a"}' >"$T/data/1.json"
state=$T/photos
mkdir -m 751 "$state" && chown "$owner:$group" "$state"
install -d -o "$owner" -g "$web" -m 2750 "$state/site"

as() { # UID GID GROUPS CMD...
	local user=(--reuid "$1" --regid "$2" --clear-groups)
	[ "$3" = none ] || user=(--reuid "$1" --regid "$2" --groups "$3")
	(if [ "$1" = "$alice" ]; then cd "$T/home"; else cd "$T"; fi && shift 3 && env -u GIT_CONFIG_GLOBAL HOME="$T/home" setpriv "${user[@]}" "$@")
}
service() { (umask 027 && as "$owner" "$group" none "$@"); }
member() { as "$alice" "$alice" "$group" "$@"; } # of the group
server() { as "$web" "$web" none "$@"; }
other() { as "$alice" "$alice" none "$@"; }

ok "the service indexes" service "$T/albumen-indexer" scan --data "$T/data" --index "$state/index"
ok "and exports" service "$T/albumen-exporter" export --index "$state/index" --repo "$state/repo" --site "$state/site" --audit-page
is "the web server reads every file of the site" \
	"$(server find "$state/site" -path "$state/site/.albumen" -prune -o ! -readable -print 2>&1)" ""
ok "as here" server cat "$state/site/api/v1/albums/a/images.json"
ok "but not the exporter's own files in it" not server ls "$state/site/.albumen"
echo '{"public_id":"j","album_id":"b"}' >"$T/data/2.json"
service "$T/albumen-indexer" scan --data "$T/data" --index "$state/index" >"$T/out"
ok "after the next snapshot, too" service "$T/albumen-exporter" export --index "$state/index" --repo "$state/repo" --site "$state/site" --audit-page
is "every file" "$(server find "$state/site" -path "$state/site/.albumen" -prune -o ! -readable -print 2>&1)" ""
for folder in index repo; do
	ok "it does not read the $folder" not server ls "$state/$folder"
	ok "nor does another user" not other ls "$state/$folder"
	is "a member of the group reads all of the $folder" "$(member find "$state/$folder" ! -readable)" ""
	is "and writes nothing in it" "$(member find "$state/$folder" -writable)" ""
done
ok "another user does not read the site" not other ls "$state/site"

clones() { # NAME: the clone is whole, and its history is the repository's
	ok "$1: a clone is made" test -d "$T/home/$1"
	is "$1: it has the last snapshot" "$(git -c safe.directory='*' -C "$T/home/$1" rev-parse HEAD)" \
		"$(git -c safe.directory='*' -C "$state/repo" rev-parse main)"
	ok "$1: the exporter verifies it" member "$T/albumen-exporter" verify --repo "$T/home/$1"
	ok "$1: and audits it" member "$T/albumen-exporter" audit --repo "$T/home/$1"
	ok "$1: fetch works" member git -C "$1" fetch -q
}
ok "git does not trust the repository of another user" not member git clone -q "$state/repo" refused
ok "nor does a clone by URL" not member git clone -q "file://$state/repo" refused
exits "nor does the exporter" 1 member "$T/albumen-exporter" log --repo "$state/repo"
ok "which says what to do" grep -q "git config --global --add safe.directory '$state/repo'" "$T/err"
member git clone -q -u "git -c safe.directory=$state/repo upload-pack" "file://$state/repo" once
ok "one command may trust it" test -d "$T/home/once"
member git config --global --add safe.directory "$state/repo"
member git clone -q "$state/repo" path
clones path
member git clone -q "file://$state/repo" url
clones url
member git clone -q --mirror "$state/repo" mirror
clones mirror
ok "a clone may be narrowed to some snapshots" member git clone -q --depth 1 "file://$state/repo" shallow
exits "the exporter reads the repository itself" 0 member "$T/albumen-exporter" log --repo "$state/repo"
exits "but does not write it" 1 member "$T/albumen-exporter" snapshot --repo "$state/repo" --label l --reason r
exits "and says how things stand" 0 member "$T/albumen-exporter" status --repo "$state/repo" --index "$state/index" --fail-on rejects,damaged,failed
exits "but for the site, of which the exporter's own files are closed" 1 \
	as "$alice" "$alice" "$group,$web" "$T/albumen-exporter" status --repo "$state/repo" --site "$state/site"
is "which it says, and nothing of a publication" "$(<"$T/err")" \
	"albumen-exporter: error: cannot read '$state/site/.albumen/pending': Permission denied"
other git clone -q "$state/repo" stranger 2>"$T/err"
ok "who is not in the group clones nothing, however much git trusts" not test -d "$T/home/stranger"
done_testing
