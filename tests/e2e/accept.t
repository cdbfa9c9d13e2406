#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What contradicts the last snapshot is refused, and nothing is changed: another index, another
# repository's site, a folder of other things, a work tree of git, a snapshot that is no longer
# signed. --accept allows it once.
. "$(dirname "$0")/lib.sh"

state() { # DIR...: every file, folder and link with its content
	find "$@" ! -name albumen-exporter.lock ! -name lock.mdb -printf '%p %y %l\n' | sort
	find "$@" -type f ! -name albumen-exporter.lock ! -name lock.mdb -exec sha256sum {} + | sort
}
refused() { # NAME WHAT REASON CMD...: CMD is refused, says REASON and --accept WHAT, and changes nothing
	local name=$1 what=$2 reason=$3
	shift 3
	state "$T"/{repo,site,other,src,data,index} "$T"/w* 2>/dev/null >"$T/before"
	exits "$name: refused" 1 "$@"
	ok "$name: the reason" grep -qE -- "$reason" "$T/err"
	ok "$name: the option" grep -q -- "run this once with --accept $what\$" "$T/err"
	state "$T"/{repo,site,other,src,data,index} "$T"/w* 2>/dev/null >"$T/after"
	same "$name: nothing has changed" "$T/after" "$T/before"
}
accepted() { # prints the trailers of main
	git -C "$T/repo" log -1 --format='%(trailers:key=Albumen-Accepted,valueonly,separator=%x2C)' main
}
images() { # FROM TO ALBUM: prints images
	for ((i = $1; i <= $2; i++)); do
		printf '{"public_id":"i%d","album_id":"%s"}\n' "$i" "$3"
	done
}
export_to() { # SITE [OPTION...]
	local site=$1
	shift
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$site" "$@"
}

mkdir "$T/data"
images 1 60 a >"$T/data/a.ndjson"
scan >"$T/out" && export_all >"$T/out"
tip=$(git -C "$T/repo" rev-parse main)

# --- site: another repository's -----------------------------------------------------
mkdir "$T/data2"
images 1 3 b >"$T/data2/b.ndjson"
"$INDEXER" scan --data "$T/data2" --index "$T/index2" >"$T/out"
other() { # COMMAND [OPTION...]: with the other index and repository
	local command=$1
	shift
	[ "$command" = publish ] || set -- --index "$T/index2" "$@"
	"$EXPORTER" "$command" --repo "$T/other" --site "$T/site" "$@"
}
is_at="site '$T/site' is at snapshot $tip, "
refused "a site, and no repository yet" site "${is_at}and there is no repository yet: check --repo and --site" other export
ok "no repository was made" [ ! -e "$T/other" ]
refused "follow: a site, and no repository yet" site "$is_at" timeout 60 "$EXPORTER" follow --index "$T/index2" --repo "$T/other" --site "$T/site"
ok "no repository was made" [ ! -e "$T/other" ]
"$EXPORTER" export --index "$T/index2" --repo "$T/other" >"$T/out"
images 4 4 b >>"$T/data2/b.ndjson"
"$INDEXER" scan --data "$T/data2" --index "$T/index2" >"$T/out"
theirs="${is_at}which the repository '$T/other' does not have: the site is of another repository"
for command in export publish 'publish --repair' 'publish --at HEAD'; do
	# shellcheck disable=SC2086
	refused "another repository's site: $command" site "$theirs" other $command
done
refused "another repository's site: follow" site "$theirs" timeout 60 "$EXPORTER" follow --index "$T/index2" --repo "$T/other" --site "$T/site"
exits "--check may compare them" 1 other publish --check
ok "it says which they are" grep -q "warning: ${is_at}which the repository '$T/other' does not have, so it is compared with the last one; --repair needs --accept site" "$T/err"
exits "neither environment nor another WHAT accepts it" 1 env ALBUMEN_ACCEPT=site "$EXPORTER" export --index "$T/index2" --repo "$T/other" \
	--site "$T/site" --accept history --accept index --accept unsigned

# Until the other's first publication is finished, the site is both's.
cp -a "$T/site" "$T/kept"
(strace -f -qq -o "$T/trace" -e trace=syncfs -e inject=syncfs:signal=KILL "$EXPORTER" export --index "$T/index2" \
	--repo "$T/other" --site "$T/site" --accept site; exit $?) >"$T/out" 2>&1
is "a publication that is killed" $? 137
is "left snapshot.json as it was" "$(jq -r .commit "$T/site/snapshot.json")" "$tip"
exits "the next one goes on without --accept" 0 other export
is "it is at the other's snapshot" "$(jq -r .commit "$T/site/snapshot.json")" "$(git -C "$T/other" rev-parse main)"
is "no trailer: the snapshot did not need it" "$(git -C "$T/other" log --format=%B | grep -c Accepted)" 0
exits "all of it" 0 other publish --check
rm -rf "$T/site" && mv "$T/kept" "$T/site"

exits "--accept site takes it" 0 other publish --accept site
ok "the log says so" grep -q "warning: accepted: $theirs" "$T/err"
exits "and then it is its own" 0 other export
refused "now it is not the first one's" site "which the repository '$T/repo' does not have" export_to "$T/site"
start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site" --accept site
is "follow --accept site takes it back" "$(jq -r .commit "$T/site/snapshot.json")" "$tip"
other publish --accept site >"$T/out" 2>"$T/err"
images 61 61 a >"$T/data/a61.ndjson"
scan >"$T/out"
ended() {
	! alive follow
}
ok "follow ends when it finds the same later" wait_until 30 ended
stop follow
is "with status 1" "$?" 1
exits "--repair --accept site" 0 "$EXPORTER" publish --repair --repo "$T/repo" --site "$T/site" --accept site
exits "repaired it" 0 "$EXPORTER" publish --check --repo "$T/repo" --site "$T/site"

# A first publication that was killed, before or after its note was written; and a site whose
# snapshot.json is lost: these go on.
for call in mkdirat openat:when=60 fsync syncfs renameat unlinkat; do
	rm -rf "$T/w1"
	(strace -f -qq -o "$T/trace" -e "trace=${call%%:*}" -e "inject=${call%%:*}:signal=KILL${call#"${call%%:*}"}" \
		"$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$T/w1"; :) >"$T/out" 2>&1
	exits "a first publication that was killed at $call goes on" 0 export_to "$T/w1"
	exits "to its end" 0 "$EXPORTER" publish --check --repo "$T/repo" --site "$T/w1"
done
rm -rf "$T/w1"
mkdir -p "$T/w1/.albumen"
exits "so does one that was killed before its lock was made" 0 export_to "$T/w1"
rm "$T/w1/snapshot.json"
exits "a site without snapshot.json is still a site" 0 export_to "$T/w1"
printf '{"commit":"%s"' "$tip" >"$T/w1/snapshot.json"
exits "so is one whose snapshot.json is damaged" 0 "$EXPORTER" publish --repair --repo "$T/repo" --site "$T/w1"
# The first publication of another repository was killed.
rm -rf "$T/w1"
(strace -f -qq -o "$T/trace" -e trace=syncfs -e inject=syncfs:signal=KILL "$EXPORTER" publish --repo "$T/other" --site "$T/w1"; :) >"$T/out" 2>&1
refused "the unfinished site of another repository" site "is at snapshot $(git -C "$T/other" rev-parse main), which" export_to "$T/w1"

# --- site: a folder of other things -------------------------------------------------
mkdir "$T/src" "$T/w2" "$T/w2/lost+found" "$T/w3"
echo 'int main;' >"$T/src/main.c"
echo x >"$T/w3/.profile"
for command in export publish 'publish --repair'; do
	index="--index $T/index"
	[ "$command" = export ] || index=
	# shellcheck disable=SC2086
	refused "a source tree: $command" site "folder '$T/src' is neither empty nor a site: it has 'main.c'" \
		"$EXPORTER" $command $index --repo "$T/repo" --site "$T/src"
done
refused "a home folder" site "it has '.profile'" export_to "$T/w3"
refused "a source tree, and no repository yet" site "it has 'main.c'" "$EXPORTER" export --index "$T/index" --repo "$T/w4" --site "$T/src"
exits "a fresh file system is taken" 0 export_to "$T/w2"
exits "--accept site takes the folder" 0 export_to "$T/src" --accept site
is "and leaves what is there" "$(<"$T/src/main.c")" 'int main;'
exits "and later needs no --accept" 0 "$EXPORTER" publish --repo "$T/repo" --site "$T/src" --at HEAD

# --- site: among git's files --------------------------------------------------------
git init -q "$T/w5"
echo /public >"$T/w5/.gitignore"
echo build/ >>"$T/w5/.gitignore"
mkdir -p "$T/w5/docs/deep" "$T/w5/empty" "$T/w5/build"
git init -q --bare "$T/w6"
for site in w5/site w5/site/ w5/docs/deep/site w5/empty w5/docs/new/site; do
	refused "in a work tree: $site" site "site '$T/$site' would be among the files of the git work tree '$T/w5'; name a folder outside it, or one that git ignores" \
		export_to "$T/$site"
done
rm -r "$T/w5/docs"
cd "$T/w5" || exit 1
refused "a relative path" site "the git work tree '$T/w5'" export_to ./site
cd / || exit 1
mkdir "$T/w7"
ln -s "$T/w5" "$T/w7/link"
refused "through a link" site "the git work tree '$T/w5'" export_to "$T/w7/link/site"
refused "in a bare repository" site "the git repository '$T/w6'" export_to "$T/w6/site"
refused "in .git" site "the git repository '$T/w5/.git'" export_to "$T/w5/.git/site"
refused "the top of a work tree" site "it has '.git" export_to "$T/w5"
for site in w5/public/ w5/build/a/site; do
	exits "a folder that git ignores: $site" 0 export_to "$T/$site"
	is "git does not see it" "$(git -C "$T/w5" status --porcelain --ignored=no)" "?? .gitignore"
done
git -C "$T/w5" add .gitignore
git -C "$T/w5" -c user.name=u -c user.email=u@example.org commit -qm 'what is ignored'
git -C "$T/w5" worktree add -q "$T/w8"
refused "in a work tree that another one has" site "the git work tree '$T/w8'" export_to "$T/w8/site"
exits "but for a folder that is ignored there" 0 export_to "$T/w8/build/site"
exits "--accept site allows it" 0 export_to "$T/w5/site" --accept site
exits "once: then it is a site" 0 export_to "$T/w5/site"

# --- index ---------------------------------------------------------------------------
# The responses of 61 images in 1 album: 63 files.
export_all >"$T/out" 2>"$T/err" || export_all --accept site >"$T/out"
tip=$(git -C "$T/repo" rev-parse main)
with() { # INDEX [OPTION...]
	local index=$1
	shift
	"$EXPORTER" export --index "$index" --repo "$T/repo" --site "$T/site" "$@"
}
rebuilt() { # DATA: makes $T/w8, another index of it
	rm -rf "$T/w8"
	"$INDEXER" scan --data "$1" --index "$T/w8" >"$T/out"
}
exits "another index, of 63 responses 57 would go, not all" 0 with "$T/index2"
is "so it is taken" "$(accepted)" ''
git -C "$T/repo" update-ref refs/heads/main "$tip"
with "$T/index" --accept history >"$T/out" 2>"$T/err"
tip=$(git -C "$T/repo" rev-parse main)

images 62 100 a >"$T/data/more.ndjson"
scan >"$T/out" && export_all >"$T/out"
tip=$(git -C "$T/repo" rev-parse main)
reason="'$T/index2' is another index \\([-0-9a-f]{36}\\) than that of snapshot ${tip:0:12} \\([-0-9a-f]{36}\\), and of the snapshot's 102 responses 98 would go"
refused "another index" index "$reason" with "$T/index2"
refused "follow: another index" index "$reason" timeout 60 "$EXPORTER" follow --index "$T/index2" --repo "$T/repo" --site "$T/site"
exits "another WHAT does not accept it" 1 with "$T/index2" --accept history --accept site --accept unsigned
rebuilt "$T/data"
exits "a rebuilt index is taken" 0 with "$T/w8"
is "without a snapshot" "$(git -C "$T/repo" rev-parse main)" "$tip"
mkdir "$T/w9"
images 1 52 a >"$T/w9/half.ndjson"
rebuilt "$T/w9"
exits "a rebuilt index without 48 of 102 responses is taken" 0 with "$T/w8"
with "$T/index" >"$T/out"
images 1 49 a >"$T/w9/half.ndjson"
rebuilt "$T/w9"
exits "so is one without 51 of 102" 0 with "$T/w8"
with "$T/index" >"$T/out"
images 1 48 a >"$T/w9/half.ndjson"
rebuilt "$T/w9"
refused "a rebuilt index without 52 of 102" index "of the snapshot's 102 responses 52 would go" with "$T/w8"
mv "$T/data/more.ndjson" "$T/data/a.ndjson" "$T"
scan --accept-withdrawal >"$T/out"
exits "the same index may lose as much as the indexer lets it" 0 with "$T/index"
mv "$T"/{more,a}.ndjson "$T/data"
scan >"$T/out"
exits "and get it back" 0 with "$T/index"

start follow "$EXPORTER" follow --index "$T/index2" --repo "$T/repo" --site "$T/site" --accept index
is "follow --accept index takes it" "$(accepted)" index
is "the site has it" "$(find "$T/site/api/v1/tag_images" -name '*.json' | wc -l)" 4
rm -rf "$T/index2"
"$INDEXER" scan --data "$T/data" --index "$T/index2" >"$T/out"
followed() {
	[ "$(git -C "$T/repo" rev-parse 'main^{tree}')" != "$(git -C "$T/repo" rev-parse 'main~1^{tree}')" ] && [ -z "$(accepted)" ]
}
ok "a new index in its place is followed while little goes" wait_until 60 followed
mkdir "$T/data3"
images 1 2 c >"$T/data3/c.ndjson"
"$INDEXER" scan --data "$T/data3" --index "$T/index3" >"$T/out"
mv "$T/index2" "$T/gone" && mv "$T/index3" "$T/index2"
ok "follow ends when another index takes its place" wait_until 60 ended
stop follow
is "with status 1" "$?" 1
ok "and says why" grep -q "error: '$T/index2' is another index .* run this once with --accept index" "$T/follow.log"
exits "--accept index takes it" 0 with "$T/index2" --accept index
is "the snapshot says so" "$(accepted)" index
ok "the log says so" grep -q "warning: accepted: '$T/index2' is another index" "$T/err"
exits "verify finds nothing" 0 "$EXPORTER" verify --repo "$T/repo"
for n in 9 10; do
	rm -rf "$T/repo" "$T/index" "$T/data/"* "$T/site"
	images 201 $((198 + n)) d >"$T/data/d.ndjson"
	scan >"$T/out" && export_all >"$T/out"
	[ "$n" = 9 ] && exits "another index takes away all of 9 responses" 0 with "$T/index2"
done
refused "another index takes away all of 10 responses" index "of the snapshot's 10 responses 10 would go" with "$T/index2"

# --- unsigned ------------------------------------------------------------------------
ssh-keygen -q -t ed25519 -N '' -f "$T/key"
ssh-keygen -q -t ed25519 -N '' -f "$T/key2"
for key in key key2; do
	echo "$key@example.org $(cat "$T/$key.pub")"
done >"$T/signers"
next() { # makes the next export a snapshot
	images "$1" "$1" d >"$T/data/d$1.ndjson"
	scan >"$T/out"
}
verified() {
	"$EXPORTER" verify --repo "$T/repo" --signers "$T/signers"
}
next 20
export_all --sign "$T/key" >"$T/out"
exits "nothing to do: nothing to sign" 0 export_all
next 21
name=$(ssh-keygen -lf "$T/key" | cut -d' ' -f2)
refused "unsigned after signed" unsigned "snapshot $(git -C "$T/repo" rev-parse --short=12 main) is signed \\(key SHA256:.*\\), and this one would not be: give --sign KEY" export_all
ok "it names the key" grep -qF "$name" "$T/err"
refused "follow: unsigned after signed" unsigned "is signed \\(key" timeout 60 "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
exits "ALBUMEN_SIGN signs" 0 env ALBUMEN_SIGN="$T/key" "$EXPORTER" export --index "$T/index" --repo "$T/repo" --site "$T/site"
exits "verify finds nothing" 0 verified
next 22
other=$(ssh-keygen -lf "$T/key2" | cut -d' ' -f2)
exits "another key signs" 0 export_all --sign "$T/key2"
ok "the log says so" grep -q "warning: snapshot $(git -C "$T/repo" rev-parse --short=12 main) is signed with another key ($other) than the one before ($name)" "$T/err"
is "the result says so" "$(sed -n 2p "$T/out")" "key: now $other, before $name"
next 23
exits "back to the first key" 0 export_all --sign "$T/key" --json
is "--json says so" "$(jq -r '.key + " " + .key_before' "$T/out")" "$name $other"
next 24
exits "the same key again" 0 export_all --sign "$T/key" --json
is "is not worth a word" "$(jq -r '.key_before' "$T/out")$(grep -c key "$T/err")" null0
exits "verify accepts both keys" 0 verified
exits "a label without --sign" 0 "$EXPORTER" snapshot --repo "$T/repo" --label plain --reason why
ok "is warned of" grep -q "warning: snapshots are signed and the label 'plain' is not, so verify --signers fails" "$T/err"
mend=$(sed -n 's/.*to sign it: \(git .*\), and label again.*/\1/p' "$T/err")
exits "as verify does fail" 1 verified
eval "$mend" >"$T/out"
exits "what the warning says mends it" 0 "$EXPORTER" snapshot --repo "$T/repo" --label plain --reason why --sign "$T/key"
exits "verify finds nothing" 0 verified
next 25
exits "--accept unsigned" 0 export_all --accept unsigned
is "the snapshot says so" "$(accepted)" unsigned
exits "verify does not believe that" 1 verified
ok "as anybody could have written it" grep -q 'not signed' "$T/out"
next 26
exits "what is unsigned goes on so" 0 export_all
next 27
exits "and can be signed again" 0 export_all --sign "$T/key"
exits "verify accepts what comes after" 0 "$EXPORTER" verify --repo "$T/repo" --signers "$T/signers" --from main
done_testing
