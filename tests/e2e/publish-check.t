#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A site that somebody changed: `publish --check` lists what differs, `--repair` corrects
# it, and a publication that misses a file says so.
. "$(dirname "$0")/lib.sh"

publish() {
	"$EXPORTER" publish --repo "$T/repo" --site "$T/site" "$@"
}
files() { # SITE: prints the hash of every file that is served
	(cd "$1" && find . -path ./.albumen -prune -o -type f -exec sha1sum {} + | sort -k2)
}
inodes() { # SITE: prints every file and folder as they are on disk, except the lock
	find "$1" ! -name lock -printf '%p %i %T@ %C@\n' | sort
}
whole() { # NAME: passes if the site is as it was
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

# A site without a difference.
echo "User-agent: *" >"$T/site/robots.txt"
mkdir "$T/site/audit/mine"
echo hello >"$T/site/audit/mine/index.html"
cp -a "$T/site/robots.txt" "$T/good"
cp -a "$T/site/audit/mine" "$T/good/audit"
inodes "$T/site" >"$T/before"
exits "--check of an intact site succeeds" 0 publish --check
is "and finds no difference" "$(tail -n 1 "$T/out")" "site: nothing differs"
exits "so it does with --json" 0 publish --check --json
is "which prints counts" "$(jq -c '[.missing,.changed,.extra,.unfinished,.repaired]' "$T/out")" \
	"[0,0,0,false,false]"
same "--check changes nothing" <(inodes "$T/site") "$T/before"
exits "--repair of an intact site succeeds" 0 publish --repair
is "and finds no difference" "$(tail -n 1 "$T/out")" "site: nothing differs"
same "and changes nothing" <(inodes "$T/site" | grep -v '/.albumen') <(grep -v '/.albumen' "$T/before")

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
extra "api/v1/tag_images/stray\\x0a\"name\".json"
extra "audit/data/untagged/ghost.js"
missing "api/v1/albums/a1/images.json"
missing "api/v1/albums/a1/images/untag.json"
missing "api/v1/tag_images/i1.json"
missing "audit/index.html"
EOS
inodes "$T/site" >"$T/before"
exits "--check of a damaged site fails" 1 publish --check --json
same "each file that differs has a line" \
	<(grep '"path"' "$T/out" | jq -r '"\(.differs) \(.path | tojson)"' | sort) "$T/want"
is "and all are counted" \
	"$(tail -n 1 "$T/out" | jq -c '[.missing,.changed,.extra,.unfinished,.repaired]')" \
	"[4,7,3,false,false]"
exits "without --json it fails, too" 1 publish --check
is "each file has a line there, too" "$(grep -c '^\(missing\|changed\|extra\): ' "$T/out")" 14
is "a name with a newline stays on its line" \
	"$(grep '^extra: .*stray' "$T/out")" 'extra: api/v1/tag_images/stray\x0a"name".json'
is "the log names --repair" "$(grep -c -e '--repair' "$T/err")" 1
same "--check changes nothing" <(inodes "$T/site") "$T/before"
exits "--repair succeeds" 0 publish --repair --json
same "it lists the same files" <(grep '"path"' "$T/out" | jq -r '"\(.differs) \(.path | tojson)"' | sort) \
	"$T/want"
is "and counts them" "$(tail -n 1 "$T/out" | jq -c '[.missing,.changed,.extra,.repaired]')" "[4,7,3,true]"
whole "the site is as before, and files of others are kept"
exits "--check succeeds after it" 0 publish --check

# A whole folder is missing.
rm -rf "$T/site/api"
exits "publish to a site without api/ fails" 1 publish --collections --audit-page
is "and does not say that there is nothing to do" "$(grep -c 'nothing to do' "$T/out")" 0
is "the message names --repair" "$(grep -c "lacks 'api/v1/tag_images'.* --repair" "$T/err")" 1
exits "export fails, too" 1 export_all --collections --audit-page
is "and says that the site is damaged" "$(tail -n 1 "$T/out")" "site: damaged, nothing written"
ok "--repair succeeds" publish --repair
whole "all files are there again"
for path in api/v1/albums api/v1/tag_images.json audit/index.html; do
	rm -r "${T:?}/site/$path"
	exits "publish without $path fails" 1 publish --collections --audit-page
	is "the message names it" "$(grep -c "lacks '$path'" "$T/err")" 1
	ok "--repair succeeds" publish --repair
done
whole "--repair knows what the site had without options"

# A change of files that are missing.
rm "$T/site/api/v1/albums/a1/images.json" "$T/site/api/v1/tag_images/i2.json"
sed -i 's/"i1"\(.*\)one/"i1"\1two/; /"i2"/d; s/"i3"\(.*\)one/"i3"\1two/' "$T/data/some.ndjson"
scan >"$T/out"
exits "an export that should replace missing files succeeds" 0 export_all --collections --audit-page
is "but names one, and --repair" \
	"$(grep -c "2 files .*missing.*'api/v1/albums/a1/images.json'.* --repair" "$T/err")" 1
exits "what it wrote is right" 0 publish --check
"$EXPORTER" publish --repo "$T/repo" --site "$T/fresh" --collections --audit-page >"$T/out" 2>"$T/err"
is "a new site has no missing files" "$(grep -c missing "$T/err")" 0
exits "publish goes back to an older snapshot" 0 publish --at HEAD~1 --collections --audit-page
exits "--check of a site at an older snapshot succeeds" 0 publish --check
is "it compares with that snapshot" "$(head -n 1 "$T/out")" "snapshot $(git -C "$T/repo" rev-parse HEAD~1)"
exits "--at compares with another snapshot" 1 publish --check --at now
exits "--repair --at brings the site to it" 0 publish --repair --at now
is "which is the last" "$(jq -r .commit "$T/site/snapshot.json")" "$(git -C "$T/repo" rev-parse main)"

# Wrong uses, and other states of a site.
exits "--check and --repair together are refused" 2 publish --check --repair
exits "--at and --rev together are refused" 2 publish --at now --rev HEAD
exits "--check of a missing folder fails" 1 "$EXPORTER" publish --repo "$T/repo" --site "$T/none" --check
ok "and does not make it" [ ! -e "$T/none" ]
mkdir "$T/empty"
exits "--check of an empty folder fails" 1 \
	"$EXPORTER" publish --repo "$T/repo" --site "$T/empty" --check
is "and leaves it empty" "$(ls -A "$T/empty")" ""
exec {lock}>"$T/site/.albumen/lock"
flock "$lock"
exits "--check of a locked site is exit status 75" 75 publish --check
exec {lock}>&-
echo "$(git -C "$T/repo" rev-parse HEAD~1)" >"$T/site/.albumen/pending"
exits "--check of an unfinished publication fails" 1 publish --check
is "and says that it is unfinished" "$(grep -c "^unfinished: " "$T/out")" 1
exits "--repair finishes it" 0 publish --repair
exits "--check succeeds after that" 0 publish --check
if [ "$(id -u)" != 0 ] || command -v setpriv >"$T/out"; then
	chmod -R a+rX "$T"
	run=()
	if [ "$(id -u)" = 0 ]; then
		run=(setpriv --reuid 65534 --regid 65534 --clear-groups)
		chown -R 65534 "$T/repo" # a repository of another is refused
	fi
	chmod 555 "$T/site" "$T/site/.albumen"
	chmod 444 "$T/site/.albumen/lock"
	exits "--check works on a read-only site" 0 "${run[@]}" "$EXPORTER" publish \
		--repo "$T/repo" --site "$T/site" --check
	chmod -R u+w "$T/site"
fi
done_testing
