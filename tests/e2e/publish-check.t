#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A site that other hands changed: `publish --check` lists what differs, `--repair` mends
# it, and a publication that meets a missing file says so.
. "$(dirname "$0")/lib.sh"

publish() {
	"$EXPORTER" publish --repo "$T/repo" --site "$T/site" "$@"
}
files() { # SITE: every file that is served, and what is in it
	(cd "$1" && find . -path ./.albumen -prune -o -type f -exec sha1sum {} + | sort -k2)
}
inodes() { # SITE: every file and folder, as they are on disk (the lock is written)
	find "$1" ! -name lock -printf '%p %i %T@ %C@\n' | sort
}
whole() { # NAME: the site is as it was
	files "$T/site" >"$T/files.got"
	files "$T/good" >"$T/files.want"
	same "$1" "$T/files.got" "$T/files.want"
}

mkdir "$T/data"
for i in {1..20}; do
	printf '{"public_id":"i%s","album_id":"a%s","title":"one"}\n' "$i" $((i % 3))
done >"$T/data/some.ndjson"
scan >"$T/out" && export_all --collections --audit-page >"$T/out"
cp -a "$T/site" "$T/good"

# A site that is right.
echo "User-agent: *" >"$T/site/robots.txt"
mkdir "$T/site/audit/mine"
echo hello >"$T/site/audit/mine/index.html"
cp -a "$T/site/robots.txt" "$T/good"
cp -a "$T/site/audit/mine" "$T/good/audit"
inodes "$T/site" >"$T/before"
exits "a site that is right" 0 publish --check
is "has nothing that differs" "$(tail -n 1 "$T/out")" "site: nothing differs"
exits "as JSON, too" 0 publish --check --json
is "with counts" "$(jq -c '[.missing,.changed,.extra,.unfinished,.mended]' "$T/out")" \
	"[0,0,0,false,false]"
same "looking changes nothing" <(inodes "$T/site") "$T/before"
exits "mending what is right" 0 publish --repair
is "does nothing" "$(tail -n 1 "$T/out")" "site: nothing differs"
same "either" <(inodes "$T/site" | grep -v '/.albumen') <(grep -v '/.albumen' "$T/before")

# Every kind of damage.
cd "$T/site" || exit 1
rm api/v1/tag_images/i1.json
echo '[ ]' >api/v1/tag_images/i2.json
printf X | dd of=api/v1/tag_images/i3.json bs=1 seek=3 conv=notrunc 2>"$T/err"
rm api/v1/tag_images/i4.json && ln -s i5.json api/v1/tag_images/i4.json
rm api/v1/tag_images/i6.json && mkdir -p api/v1/tag_images/i6.json/deep
echo x >api/v1/tag_images/$'stray\n"name".json'
mkdir api/v1/albums/ghost
echo x >api/v1/albums/ghost/images.json
rm -r api/v1/albums/a1
echo x >>api/v1/tag_images.json
echo x >>audit/data/summary.js
echo x >audit/data/untagged/ghost.js
rm audit/index.html
jq -c '.counts.images=7' "$T/good/snapshot.json" >snapshot.json
cd "$ROOT" || exit 1
cat >"$T/want" <<'EOS'
changed "api/v1/tag_images.json"
changed "api/v1/tag_images/i2.json"
changed "api/v1/tag_images/i3.json"
changed "api/v1/tag_images/i4.json"
changed "api/v1/tag_images/i6.json"
changed "audit/data/summary.js"
changed "snapshot.json"
extra "api/v1/albums/ghost/images.json"
extra "api/v1/tag_images/stray\n\"name\".json"
extra "audit/data/untagged/ghost.js"
missing "api/v1/albums/a1/images.json"
missing "api/v1/albums/a1/images/untag.json"
missing "api/v1/tag_images/i1.json"
missing "audit/index.html"
EOS
inodes "$T/site" >"$T/before"
exits "a damaged site" 1 publish --check --json
same "each file that differs has a line" \
	<(grep '"path"' "$T/out" | jq -r '"\(.differs) \(.path | tojson)"' | sort) "$T/want"
is "and all are counted" \
	"$(tail -n 1 "$T/out" | jq -c '[.missing,.changed,.extra,.unfinished,.mended]')" \
	"[4,7,3,false,false]"
exits "for people" 1 publish --check
is "it reads so" "$(grep -c '^\(missing\|changed\|extra\): ' "$T/out")" 14
is "a name with odd characters stays on its line" \
	"$(grep '^extra: .*stray' "$T/out")" 'extra: "api/v1/tag_images/stray\n\"name\".json"'
is "the log names the remedy" "$(grep -c -e '--repair' "$T/err")" 1
same "looking changes nothing" <(inodes "$T/site") "$T/before"
exits "it is mended" 0 publish --repair --json
same "and said what" <(grep '"path"' "$T/out" | jq -r '"\(.differs) \(.path | tojson)"' | sort) \
	"$T/want"
is "in numbers" "$(tail -n 1 "$T/out" | jq -c '[.missing,.changed,.extra,.mended]')" "[4,7,3,true]"
whole "all is as before, and what is not albumen's is there"
exits "and stands the check" 0 publish --check

# The whole of it.
rm -rf "$T/site/api"
exits "a site without its files" 1 publish --collections --audit-page
is "is not as it should be" "$(grep -c 'nothing to do' "$T/out")" 0
is "what mends it is said" "$(grep -c "lacks 'api/v1/tag_images'.* --repair" "$T/err")" 1
exits "to an export, too" 1 export_all --collections --audit-page
is "in its report" "$(tail -n 1 "$T/out")" "site: damaged, nothing written"
ok "which it does" publish --repair
whole "so that all is there"
for path in api/v1/albums api/v1/tag_images.json audit/index.html; do
	rm -r "${T:?}/site/$path"
	exits "without $path" 1 publish --collections --audit-page
	is "it is said" "$(grep -c "lacks '$path'" "$T/err")" 1
	ok "and mended" publish --repair
done
whole "without a word of what the site had"

# A change that meets what is not there.
rm "$T/site/api/v1/albums/a1/images.json" "$T/site/api/v1/tag_images/i2.json"
sed -i 's/"i1"\(.*\)one/"i1"\1two/; /"i2"/d; s/"i3"\(.*\)one/"i3"\1two/' "$T/data/some.ndjson"
scan >"$T/out"
exits "an export that should replace a missing file" 0 export_all --collections --audit-page
is "says so, and what finds the others" \
	"$(grep -c "2 files .*missing.*'api/v1/albums/a1/images.json'.* --repair" "$T/err")" 1
exits "what it wrote is right" 0 publish --check
"$EXPORTER" publish --repo "$T/repo" --site "$T/fresh" --collections --audit-page >"$T/out" 2>"$T/err"
is "a site that is new lacks nothing" "$(grep -c missing "$T/err")" 0
exits "it goes back" 0 publish --at HEAD~1 --collections --audit-page
exits "a site at an older snapshot" 0 publish --check
is "is compared with that" "$(head -n 1 "$T/out")" "snapshot $(git -C "$T/repo" rev-parse HEAD~1)"
exits "with the one that is asked for" 1 publish --check --at now
exits "or brought to it" 0 publish --repair --at now
is "that is the last" "$(jq -r .commit "$T/site/snapshot.json")" "$(git -C "$T/repo" rev-parse main)"

# Who may ask, and of what.
exits "one of both" 2 publish --check --repair
exits "one way to name a snapshot" 2 publish --at now --rev HEAD
exits "a folder that is not there" 1 "$EXPORTER" publish --repo "$T/repo" --site "$T/none" --check
ok "is not made" [ ! -e "$T/none" ]
mkdir "$T/empty"
exits "an empty folder lacks everything" 1 \
	"$EXPORTER" publish --repo "$T/repo" --site "$T/empty" --check
is "and stays empty" "$(ls -A "$T/empty")" ""
exec {lock}>"$T/site/.albumen/lock"
flock "$lock"
exits "a site that is being published" 75 publish --check
exec {lock}>&-
echo "$(git -C "$T/repo" rev-parse HEAD~1)" >"$T/site/.albumen/pending"
exits "a publication that was not finished" 1 publish --check
is "is told apart" "$(grep -c "^unfinished: " "$T/out")" 1
exits "and finished" 0 publish --repair
exits "then" 0 publish --check
if [ "$(id -u)" != 0 ] || command -v setpriv >"$T/out"; then
	chmod -R a+rX "$T"
	run=()
	[ "$(id -u)" = 0 ] && run=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	chmod 555 "$T/site" "$T/site/.albumen"
	chmod 444 "$T/site/.albumen/lock"
	exits "a site that one may only read" 0 "${run[@]}" "$EXPORTER" publish \
		--repo "$T/repo" --site "$T/site" --check
	chmod -R u+w "$T/site"
fi
done_testing
