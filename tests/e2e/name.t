#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The name of a library: snapshots record it and carry it on, and another one is refused.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
changes=0
change() { # makes the next snapshot differ
	changes=$((changes + 1))
	echo "{\"public_id\":\"i$changes\",\"album_id\":\"a\"}" >"$T/data/$changes.json"
	scan >/dev/null
}
trailer() { # NAME
	git -C "$T/repo" log -1 --format="%(trailers:key=Albumen-$1,valueonly,separator=%x20)" main
}
state() {
	(cd "$T/repo" && find . -type f ! -name albumen-exporter.lock -exec sha256sum {} + | sort)
	(cd "$T/site" && find . -type f -exec sha256sum {} + | sort)
}
refused() { # NAME CMD...: CMD is refused with --accept name, and changes nothing
	local name=$1
	shift
	state >"$T/before"
	exits "$name: refused" 1 "$@"
	ok "$name: the message has both names" grep -q "name the library 'Other'; snapshot .* names it 'Été & co'" "$T/err"
	ok "$name: and the option" grep -q 'run this once with --accept name$' "$T/err"
	state >"$T/after"
	same "$name: nothing was changed" "$T/after" "$T/before"
}

change
exits "a library needs no name" 0 export_all
is "then snapshots record none" "$(trailer Name)" ""
exits "a name can be given later" 0 export_all --name 'Été & co'
is "a name alone makes no snapshot" "$(git -C "$T/repo" rev-list --count main)" 1
ok "the log says that it is not recorded yet" grep -q "no snapshot was made, so none records the name 'Été & co' yet" "$T/err"
change
exits "the next snapshot" 0 export_all --name 'Été & co'
is "records it, and needed no --accept" "$(trailer Name) $(trailer Accepted)" "Été & co "
change
exits "an export without --name" 0 export_all
is "carries the name on" "$(trailer Name)" "Été & co"
exits "the same name is no change" 0 export_all --name 'Été & co'
ok "and is not said to be missing" not grep -q 'no snapshot was made' "$T/err"

refused "another name" export_all --name Other
change
refused "another name, with a change" export_all --name Other
refused "a dry run" "$EXPORTER" export --index "$T/index" --repo "$T/repo" --name Other --dry-run
refused "follow" timeout 60 "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --name Other
exits "--accept name takes it" 0 export_all --name Other --accept name
is "and the snapshot records both" "$(trailer Name) $(trailer Accepted)" "Other name"
change
exits "once" 0 export_all
is "the next one goes on with it" "$(trailer Name) $(trailer Accepted)" "Other "
exits "a name that is accepted without a snapshot" 0 export_all --name Third --accept name
exits "need not be accepted again while nothing changes" 0 export_all --name Third
exits "verify accepts names" 0 "$EXPORTER" verify --repo "$T/repo"

for name in ' x' 'x ' $'a\nb' $'a\tb' $'\e[1m' $'x\xe2\x80\xaex' $'\xff' "$(printf 'x%.0s' {1..201})"; do
	exits "a name that is not one line of plain text is refused: $(printf %q "${name:0:20}")" 2 export_all --name "$name"
done
ok "the message says what is wrong" grep -q -- '--name is longer than 200 bytes' "$T/err"

audit() {
	"$EXPORTER" audit --repo "$T/repo" "$@" >"$T/out"
}
ok "an audit of a named library" audit --json
is "has its name" "$(jq -r .library "$T/out")" Other
ok "an audit of an earlier snapshot" audit --json --at HEAD~2
is "has the name of its time" "$(jq -r .library "$T/out")" "Été & co"
ok "an audit of a snapshot without a name" audit --json --at "$(git -C "$T/repo" rev-list main | tail -n 1)"
is "has none" "$(jq -r .library "$T/out")" null
ok "a table" audit
is "begins with the name" "$(head -n 1 "$T/out")" "library   Other"
ok "CSV" audit --format csv
is "has it in each row" "$(tail -n +2 "$T/out" | tr -d '\r' | sed 's/.*,//' | sort -u)" Other

# What others write into a trailer is no name, and is said.
forge() { # TRAILERS: the tip again, with these trailers
	local tree message
	tree=$(git -C "$T/repo" rev-parse 'main^{tree}')
	message=$(git -C "$T/repo" log -1 --format=%B main | grep -v '^Albumen-Name')
	message+=$'\n'$(printf '%b' "$1")
	git -C "$T/repo" update-ref refs/heads/main "$(git -C "$T/repo" -c user.name=m -c user.email=m@localhost \
		commit-tree -p main^ -m "$message" "$tree")"
}
for bad in 'Albumen-Name: a\xe2\x80\xaeb' 'Albumen-Name: a\nAlbumen-Name: b'; do
	forge "$bad"
	exits "verify refuses what is no name: $bad" 1 "$EXPORTER" verify --repo "$T/repo"
	ok "and names the trailer" grep -q 'trailer.* Albumen-Name' "$T/out" "$T/err"
	ok "an audit" audit --json
	is "does not show it" "$(jq -r .library "$T/out")" null
	exits "an export does not go on with it" 1 export_all --accept history
	ok "and says why" grep -q 'the name of the library in snapshot .* cannot be read: .*--accept name' "$T/err"
done
done_testing
