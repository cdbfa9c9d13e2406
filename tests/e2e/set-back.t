#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An older copy that is put over a repository, without removing anything, sets back main and
# the note together. The site still shows it. And what else a repository may have lost.
. "$(dirname "$0")/lib.sh"

commit() { # REV
	git -C "$T/repo" rev-parse "$1"
}
next() { # ID: one more image, and a snapshot of it
	echo "{\"public_id\":\"$1\",\"album_id\":\"a\"}" >"$T/data/$1.json"
	scan >"$T/out" && export_all >"$T/out"
}
refused() { # NAME CMD...
	local name=$1
	shift
	exits "$name is refused" 1 "$@"
	ok "$name: it says what was found, and what mends it" grep -q "site '$T/site' is at snapshot $last, number 3, and main of '$T/repo' is at another one, number $number: it was set back, or an older copy was put over the repository; to restore it: git -C '$T/repo' update-ref refs/heads/main $last; if that is as it should be, run this once with --accept history" "$T/err"
	is "$name: main is where it was" "$(commit main)" "$tip"
	is "$name: so is the site" "$(jq -r .commit "$T/site/snapshot.json")" "$last"
}

mkdir "$T/data"
next one
cp -a "$T/repo" "$T/copy"
next two
next three
last=$(commit main)
cp -a "$T/repo" "$T/whole"
cp -a "$T/copy/." "$T/repo/"
tip=$(commit main) number=1
is "main was set back" "$tip" "$(git -C "$T/copy" rev-parse main)"

refused "an export" export_all
refused "a dry run" export_all --dry-run
refused "a publication" "$EXPORTER" publish --repo "$T/repo" --site "$T/site"
exits "follow ends" 1 timeout 60 "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site"
ok "with the same" grep -q "to restore it: git -C '$T/repo' update-ref" "$T/err"
is "nothing was made" "$(commit main)" "$tip"

git -C "$T/repo" update-ref refs/heads/main "$last" # as the message says
exits "then the export goes on" 0 export_all
is "with the snapshots that there were" "$(commit main)" "$last"
exits "and verify finds nothing" 0 "$EXPORTER" verify --repo "$T/repo"

# A history that branched off, and is as long.
cp -a "$T/copy/." "$T/repo/"
mv "$T/site" "$T/aside"
rm "$T/data/two.json"
next four
next five
rm -r "$T/site"
mv "$T/aside" "$T/site"
tip=$(commit main) number=3
refused "another history of that length" export_all
exits "it may be accepted" 0 export_all --accept history
exits "and is not found again" 0 export_all
exits "a site may be at a label beside main" 0 "$EXPORTER" snapshot --repo "$T/repo" --label kept --reason x --at "$last"
exits "published" 0 "$EXPORTER" publish --repo "$T/repo" --site "$T/site" --at kept
exits "and the next export takes it back to main" 0 export_all
is "to main" "$(jq -r .commit "$T/site/snapshot.json")" "$(commit main)"

# A clone has no note: its main may well be behind.
git clone -q "$T/whole" "$T/clone"
"$EXPORTER" publish --repo "$T/clone" --site "$T/csite" >"$T/out"
git -C "$T/clone" reset -q --hard HEAD~1
exits "a clone's main may be behind" 0 "$EXPORTER" publish --repo "$T/clone" --site "$T/csite" --at origin/main

# --- what is published is main, wherever HEAD is ---------------------------------------------

git -C "$T/clone" reset -q --hard origin/main
git -C "$T/clone" checkout -q HEAD~2
exits "a clone is published whose HEAD is elsewhere" 0 "$EXPORTER" publish --repo "$T/clone" --site "$T/csite"
is "it is the last snapshot, as for audit and log" "$(jq -r .commit "$T/csite/snapshot.json")" "$last"
git init -q --bare "$T/none"
exits "a repository without a snapshot is refused" 1 "$EXPORTER" publish --repo "$T/none" --site "$T/nsite"
ok "it says so" grep -q "no snapshot in '$T/none' yet" "$T/err"
git -C "$T/clone" checkout -q main
git -C "$T/clone" -c user.name=x -c user.email=x@x commit -q --allow-empty -m 'By hand'
git -C "$T/clone" push -q origin HEAD:refs/heads/main
made=$(git -C "$T/whole" rev-parse main~1)
exits "a commit that is no snapshot is refused" 1 "$EXPORTER" export --index "$T/index" --repo "$T/whole"
ok "it says what mends it" grep -q "which is no snapshot: this exporter did not make it, and verify fails on it; to restore it: git -C '$T/whole' update-ref refs/heads/main $made; if" "$T/err"
git -C "$T/whole" update-ref refs/heads/main "$made"
exits "that does" 0 "$EXPORTER" export --index "$T/index" --repo "$T/whole"
exits "and verify finds nothing" 0 "$EXPORTER" verify --repo "$T/whole"

# --- files of the repository that a power loss cut short ----------------------------------------

cp -a "$T/whole" "$T/cut"
tip=$(git -C "$T/cut" rev-parse main)
export_cut() { "$EXPORTER" export --index "$T/index" --repo "$T/cut"; }
: >"$T/cut/refs/heads/main"
exits "an empty main is refused" 1 export_cut
ok "it says what to do" grep -q "if the file '$T/cut/refs/heads/main' is damaged, move it away: export then says where it was" "$T/err"
rm "$T/cut/refs/heads/main"
exits "that is refused, too" 1 export_cut
ok "it says what restores it" grep -q "to restore it: git -C '$T/cut' update-ref refs/heads/main $tip" "$T/err"
git -C "$T/cut" update-ref refs/heads/main "$tip"
exits "that does" 0 export_cut
: >"$T/cut/HEAD"
exits "an empty HEAD is refused" 1 export_cut
ok "it says what to do" grep -q "if it is damaged: echo 'ref: refs/heads/main' >'$T/cut/HEAD'" "$T/err"
echo 'ref: refs/heads/main' >"$T/cut/HEAD"
exits "that mends it" 0 export_cut
git -C "$T/cut" config core.bare false
exits "a repository that says it is not bare is refused" 1 export_cut
ok "it says what to do" grep -q "git -C '$T/cut' config core.bare true" "$T/err"
git -C "$T/cut" config core.bare true
exits "that mends it" 0 export_cut
exits "verify finds nothing" 0 "$EXPORTER" verify --repo "$T/cut"
done_testing
