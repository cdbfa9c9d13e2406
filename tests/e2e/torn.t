#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A history that somebody edited: export, follow and publish refuse it, change
# nothing, say what they found, and go on with --accept history.
. "$(dirname "$0")/lib.sh"
# LeakSanitizer does not work under strace, which uses ptrace(2).
export ASAN_OPTIONS=detect_leaks=0

repo=$T/repo
HINT='run this once with --accept history'

image() { # ID TITLE
	echo "{\"public_id\":\"$1\",\"album_id\":\"a\",\"title\":\"$2\"}"
}
change() { # makes the next snapshot differ
	changes=$((changes + 1))
	image i0 "changed $changes" >"$T/data/0.json"
	scan >"$T/out"
}
main() {
	git -C "$repo" rev-parse --verify -q refs/heads/main || echo none
}
accepted() {
	git -C "$repo" log -1 --format='%(trailers:key=Albumen-Accepted,valueonly)' main | head -n 1
}
number() {
	git -C "$repo" log -1 --format='%(trailers:key=Albumen-Snapshot,valueonly)' main | head -n 1
}
# What a refusal must not change: refs, objects, the note and the site.
state() {
	(cd "$repo" && git for-each-ref && find . -type f ! -name albumen-exporter.lock -exec sha1sum {} + | sort)
	(cd "$T/site" && find . -type f -exec sha1sum {} + | sort)
}
unpack_fresh() {
	rm -rf "$repo" "$T/site"
	cp -a "$T/repo.good" "$repo"
	cp -a "$T/site.good" "$T/site"
}
refused() { # NAME FOUND: passes if export, follow and publish refuse
	state >"$T/before"
	exits "$1: export refuses" 1 export_all
	ok "$1: it says what it found" grep -qF -- "$2" "$T/err"
	ok "$1: it names the option" grep -qF -- "$HINT" "$T/err"
	exits "$1: follow refuses" 1 "$EXPORTER" follow --index "$T/index" --repo "$repo" --site "$T/site"
	ok "$1: follow says what it found" grep -qF -- "$2" "$T/err"
	exits "$1: publish refuses" 1 "$EXPORTER" publish --repo "$repo" --site "$T/site"
	ok "$1: publish says what it found" grep -qF -- "$2" "$T/err"
	state >"$T/after"
	same "$1: nothing was changed" "$T/after" "$T/before"
}
accepts() { # NAME NUMBER: passes if --accept history makes the snapshot NUMBER
	exits "$1: --accept history goes on" 0 export_all --accept history
	ok "$1: the log says so" grep -q 'warning: accepted: main of\|warning: accepted: .* has no branch main' "$T/err"
	is "$1: the snapshot says so" "$(accepted)" history
	is "$1: the snapshot has the right number" "$(number)" "$2"
	exits "$1: verify finds nothing" 0 "$EXPORTER" verify --repo "$repo"
	change
	exits "$1: the next export needs no --accept" 0 export_all
	is "$1: and does not record it" "$(accepted)" ""
}

mkdir "$T/data"
changes=0
for i in {1..9}; do
	image "i$i" "$i" >"$T/data/$i.json"
done
change
export_all >"$T/out"
change
export_all >"$T/out"
change
export_all >"$T/out"
change
tip=$(main)
cp -a "$repo" "$T/repo.good"
cp -a "$T/site" "$T/site.good"

rm "$repo/refs/heads/main"
refused "main removed" "has no branch main, and snapshot $tip was the last one made here"
accepts "main removed" 1

unpack_fresh
git -C "$repo" update-ref refs/heads/main main~1
refused "main set back" "was set back by 1 snapshot, to"
ok "main set back: it says how to restore it" grep -qF "update-ref refs/heads/main $tip" "$T/err"
accepts "main set back" 3

unpack_fresh
commit=$(GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@localhost GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@localhost \
	git -C "$repo" commit-tree -p main -m 'a correction' 'main^{tree}')
git -C "$repo" update-ref refs/heads/main "$commit"
refused "a person's commit" "main of '$repo' is at $commit, which is no snapshot"
exits "a person's commit: --accept history goes on" 0 export_all --accept history
is "a person's commit: the snapshot says so" "$(accepted)" history
change
exits "a person's commit: the next export needs no --accept" 0 export_all

# Two commits, one on the other, and one has a message copied from a snapshot.
unpack_fresh
for message in 'a correction' "$(git -C "$repo" log -1 --format=%B main)"; do
	commit=$(GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@localhost GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@localhost \
		git -C "$repo" commit-tree -p main -m "$message" 'main~1^{tree}')
	git -C "$repo" update-ref refs/heads/main "$commit"
done
refused "copied messages" "a commit on the way to it is no snapshot"

unpack_fresh
commit=$(GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@localhost GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@localhost \
	git -C "$repo" commit-tree -p main~1 -m "$(git -C "$repo" log -1 --format=%B main)" 'main^{tree}')
git -C "$repo" update-ref refs/heads/main "$commit"
refused "the last snapshot amended" "whose history does not contain snapshot $tip"
accepts "the last snapshot amended" 4

# A genuine message over edited files: the trailers of the tip must not be believed.
unpack_fresh
export_all >"$T/out"
clean=$(git -C "$repo" rev-parse 'main^{tree}')
commit=$(GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@localhost GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@localhost \
	git -C "$repo" commit-tree -p main~1 -m "$(git -C "$repo" log -1 --format=%B main)" 'main~1^{tree}')
git -C "$repo" update-ref refs/heads/main "$commit"
exits "files edited under a genuine message: --accept history goes on" 0 export_all --accept history
is "and everything is rendered again" "$(git -C "$repo" rev-parse 'main^{tree}')" "$clean"

unpack_fresh
: >"$repo/config"
exits "a repository without its configuration is completed" 0 export_all
is "git fsck finds nothing in it" "$(git -C "$repo" fsck --strict 2>&1)" ""
unpack_fresh
mv "$repo/objects" "$T/objects" && ln -s "$T/objects" "$repo/objects"
exits "objects on another file system can be written" 0 strace -f -qq -o "$T/trace" -e trace=link,linkat \
	-e inject=link,linkat:error=EXDEV "$EXPORTER" export --index "$T/index" --repo "$repo"
rm -r "$T/objects"

unpack_fresh
git init -q --bare -b main "$T/other.git"
commit=$(GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@localhost GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@localhost \
	git -C "$T/other.git" commit-tree -m 'quite another' "$(git -C "$T/other.git" mktree </dev/null)")
git -C "$T/other.git" update-ref refs/heads/main "$commit"
git -C "$repo" fetch -q "$T/other.git" +main:main
refused "an unrelated history" "whose history does not contain snapshot $tip"

# Without a note, as an older exporter left it, only the tip can be checked.
rm "$repo/albumen-exporter.note"
refused "an unrelated history, and no note" "main of '$repo' is at $commit, which is no snapshot"
unpack_fresh
rm "$repo/albumen-exporter.note"
exits "a good history without a note is accepted" 0 export_all
is "without a trailer" "$(accepted)" ""
ok "the note is made again" grep -q "^made $(main)$" "$repo/albumen-exporter.note"

# The snapshot that was made here last no longer exists.
unpack_fresh
git -C "$repo" update-ref refs/heads/main main~1
git -C "$repo" -c gc.reflogExpire=now repack -qad
git -C "$repo" prune --expire=now
git -C "$repo" repack -qad
refused "set back and collected" "the last one made here, is no longer in the repository"

# What is not refused: main ahead of the note by snapshots; a lost or a damaged note.
unpack_fresh
cp "$repo/albumen-exporter.note" "$T/note"
export_all >"$T/out"
change
export_all >"$T/out"
cp "$T/note" "$repo/albumen-exporter.note"
change
exits "an old note is ignored" 0 export_all
is "without a trailer" "$(accepted)" ""
for length in 0 1 60 100; do
	head -c "$length" "$T/note" >"$repo/albumen-exporter.note"
	change
	exits "a note of $length bytes is ignored" 0 export_all
	ok "with a warning" grep -q "warning: .*albumen-exporter.note' is damaged" "$T/err"
done
exits "verify finds nothing" 0 "$EXPORTER" verify --repo "$repo"

# A missing pack is neither a moved history nor the absence of one.
unpack_fresh
mkdir "$T/packs"
mv "$repo"/objects/pack/* "$T/packs/"
state >"$T/before"
for command in "export --index $T/index" "export --accept history --index $T/index" "follow --index $T/index" publish; do
	# shellcheck disable=SC2086
	exits "a missing pack: $command fails" 1 "$EXPORTER" $command --repo "$repo" --site "$T/site"
	ok "it says what is missing" grep -q "cannot read object '$tip': it is missing from .*; restore its pack from a copy or a clone" "$T/err"
done
state >"$T/after"
same "nothing was changed" "$T/after" "$T/before"
mv "$T/packs"/* "$repo/objects/pack/"
exits "with the pack the export succeeds" 0 export_all

# If the tree is the same, no snapshot can record it, and --accept is needed once.
unpack_fresh
export_all >"$T/out"
commit=$(GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@localhost GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@localhost \
	git -C "$repo" commit-tree -p main -m empty 'main^{tree}')
git -C "$repo" update-ref refs/heads/main "$commit"
exits "an empty commit is refused" 1 export_all
exits "--accept history goes on" 0 export_all --accept history
is "and makes no snapshot" "$(main)" "$commit"
exits "the next export needs no --accept" 0 export_all

# follow accepts what it finds when it begins, and nothing later.
unpack_fresh
git -C "$repo" update-ref refs/heads/main main~1
start follow "$EXPORTER" follow --index "$T/index" --repo "$repo" --site "$T/site" --accept history
is "follow --accept history goes on" "$(accepted)" history
git -C "$repo" update-ref refs/heads/main main~1
change
ended() {
	! alive follow
}
ok "follow ends when it finds the same later" wait_until 30 ended
stop follow
is "with status 1" "$?" 1
ok "and says why" grep -q 'was set back by 1 snapshot' "$T/follow.log"

exits "an unknown WHAT is a usage error" 2 export_all --accept everything
ok "which lists the known ones" grep -q "does not know 'everything'; it knows: history" "$T/err"
exits "--help works with ALBUMEN_ACCEPT" 0 env ALBUMEN_ACCEPT=history "$EXPORTER" export --help
unpack_fresh
git -C "$repo" update-ref refs/heads/main main~1
exits "no environment variable stands in for --accept" 1 env ALBUMEN_ACCEPT=history "$EXPORTER" export --index "$T/index" --repo "$repo"
done_testing
