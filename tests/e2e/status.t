#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `status` of both programs says how things stand, changes nothing, and fails for what --fail-on
# names.
. "$(dirname "$0")/lib.sh"

state() { # every file of repository, site and index, with its content and time
	find "$T"/{repo,site,index} ! -name lock.mdb -printf '%p %y %s %T@\n' | sort
	find "$T"/{repo,site,index} -type f ! -name lock.mdb -exec sha256sum {} + | sort
}
status() { # [OPTION]...: of the exporter, as JSON, to $T/out; ends with its status
	"$EXPORTER" status --repo "$T/repo" --json "$@" >"$T/out" 2>"$T/err"
}
get() { # JQ: of the last status
	jq -c "$1" "$T/out"
}
problems() { # prints the words of the last status, and whether each fails
	jq -r '.problems[] | .what + (if .fails then "!" else "" end)' "$T/out" | xargs
}
all() { # [OPTION]...
	status --index "$T/index" --site "$T/site" "$@"
}
image() { # NAME TITLE
	printf '{"public_id":"%s","album_id":"a","title":"%s"}\n' "$1" "$2" >"$T/data/$1.json"
}
sign_all() { export_all --sign "$T/key" "$@"; }

ssh-keygen -q -t ed25519 -N '' -f "$T/key"
ssh-keygen -q -t ed25519 -N '' -f "$T/other"
echo "exporter@example.org $(cat "$T/key.pub")" >"$T/signers"
echo "other@example.org $(cat "$T/other.pub")" >"$T/others"

# --- nothing yet ----------------------------------------------------------------------------
exits "no repository" 1 status
ok "is said" grep -q "repository" "$T/err"
mkdir "$T/data"
image one first && scan >"$T/out"

# --- all is well ------------------------------------------------------------------------------
sign_all --name 'Our library' >"$T/out"
tip=$(git -C "$T/repo" rev-parse main)
state >"$T/before"
exits "a signed snapshot, the index and the site at it" 0 all --signers "$T/signers"
is "nothing is wrong" "$(problems)" ""
is "which snapshot" "$(get '[.version, .commit, .number, .library, .images, .untagged, .albums, .tags, .tag_images, .oversize]')" \
	"[1,\"$tip\",1,\"Our library\",1,1,1,0,0,[]]"
is "its time" "$(get .time)" "\"$(TZ=UTC git -C "$T/repo" log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)\""
is "who signed" "$(get .signature)" \
	"{\"verdict\":\"good\",\"key\":\"$(ssh-keygen -lf "$T/key.pub" | cut -d' ' -f2)\",\"signer\":\"exporter@example.org\"}"
is "the index" "$(get '.index | [.index, .ahead, .lag_s, .rejects, .rejected_files, .exported == .sequence]')" \
	"[\"$("$INDEXER" status --index "$T/index" --json | jq -r .index)\",0,0,0,0,true]"
is "the site" "$(get .site)" "{\"commit\":\"$tip\",\"number\":1,\"current\":true,\"unfinished\":false,\"lag_s\":0}"
exits "for people" 0 "$EXPORTER" status --repo "$T/repo" --index "$T/index" --site "$T/site" --signers "$T/signers"
same "in rows" <(sed -E 's/made +.*Z, [0-9].* ago$/made/; s/^(index +)[^ ]*, sequence [0-9]+/\1/' "$T/out") - <<END
snapshot        $tip
number          1
made
library         Our library
images          1
untagged        1
albums          1
tags            0
tag_images      0
signed          by exporter@example.org, key $(ssh-keygen -lf "$T/key.pub" | cut -d' ' -f2)
index           : all of it is in the snapshot
site            at the snapshot
END
exits "without signers nobody is asked" 0 all
is "but the key is known" "$(get '.signature | [.verdict, .signer]')" '["unknown",null]'
exits "without an index and a site" 0 status
is "there is nothing to say of them" "$(get '[.index, .site]')" "[null,null]"
state >"$T/after"
same "nothing was changed" "$T/after" "$T/before"
git clone -q "$T/repo" "$T/clone"
exits "a clone has a status, too" 0 "$EXPORTER" status --repo "$T/clone" --index "$T/index"

# --- unsigned ---------------------------------------------------------------------------------
exits "signed by somebody else" 1 all --signers "$T/others"
is "counts as unsigned" "$(problems)" "unsigned!"
is "the signature is there" "$(get '.signature | [.verdict, .signer]')" '["unknown",null]'
image two second && scan >"$T/out" && export_all --accept unsigned >"$T/out"
exits "not signed" 1 all
is "is wrong" "$(problems)" "unsigned!"
is "there is no signature" "$(get .signature)" '{"verdict":"none","key":null,"signer":null}'
exits "unless it is left out" 0 all --fail-on rejects,damaged,failed,lag=60s
is "and it is said all the same" "$(problems)" "unsigned"
exits "none fails" 0 all --fail-on none
F=(--fail-on "rejects,damaged,failed,lag=60s")

# --- an export that failed --------------------------------------------------------------------
exits "an export that is refused" 1 export_all --drop member
exits "is a failure" 1 all "${F[@]}"
is "of which the reason is said" "$(problems) $(get '[.problems[].reason | test("the last export failed, at 20.*Z: nothing in any response is at")] | any')" \
	"failed! unsigned true"
export_all >"$T/out"
exits "until one is done" 0 all "${F[@]}"

# --- the index is ahead -----------------------------------------------------------------------
image two third && scan >"$T/out"
exits "a change of now" 0 all "${F[@]}"
is "is ahead" "$(get '.index.ahead > 0 and .index.lag_s < 60')" true
later=$(($(date +%s) + 100))
exits "for too long" 1 env SOURCE_DATE_EPOCH="$later" "$EXPORTER" status --repo "$T/repo" --index "$T/index" --json "${F[@]}"
is "is a lag" "$(problems)" "unsigned lag!"
is "of that time" "$(get '.index.lag_s >= 100 and .index.lag_s < 200')" true
exits "but not of two minutes" 0 env SOURCE_DATE_EPOCH="$later" "$EXPORTER" status --repo "$T/repo" --index "$T/index" --json --fail-on lag=2m
export_all >"$T/out"
exits "after an export" 0 env SOURCE_DATE_EPOCH="$later" "$EXPORTER" status --repo "$T/repo" --index "$T/index" --json "${F[@]}"
is "nothing is ahead" "$(get '.index | [.ahead, .lag_s]')" "[0,0]"
export_all --drop title --accept redaction >"$T/out"
image two fourth && scan >"$T/out" && export_all --drop title >"$T/out"
ok "an export that makes no snapshot" grep -q 'nothing changed' "$T/out"
all "${F[@]}"
is "counts, too" "$(get '.index | [.ahead, .exported == .sequence]')" "[0,true]"

# The first change that is not exported counts, not the last one.
image two fifth && scan >"$T/out"
tail -n 1 "$T/index/changed" | sed -E 's/[0-9]+$/00000001000/' >"$T/mark" && cp "$T/mark" "$T/index/changed"
image one fifth && scan >"$T/out"
exits "an old change, and one of now" 1 status --index "$T/index" "${F[@]}"
is "are as late as the old one" "$(problems) $(get '.index.lag_s > 1700000000')" "unsigned lag! true"
export_all --drop title >"$T/out"

# --- another index, or none that can be read --------------------------------------------------
"$INDEXER" scan --data "$T/data" --index "$T/index2" >"$T/out"
status --index "$T/index2" --fail-on none
is "another index" "$(get '.index | [.exported, .ahead]')" "[null,null]"
exits "no index" 1 status --index "$T/nothing" "${F[@]}"
is "fails" "$(problems)" "unsigned failed!"
is "and is said" "$(get '.problems[1].reason | test("no index in")')" true
truncate -s 9000 "$T/index2/data.mdb"
exits "a damaged index" 1 status --index "$T/index2" "${F[@]}"
is "is damaged" "$(problems)" "unsigned damaged!"
is "the rest is there" "$(get '[.index, (.commit | length)]')" "[null,40]"

# --- rejects ------------------------------------------------------------------------------------
echo '{"public_id":"bad"}' >"$T/data/bad.json"
scan >"$T/out" 2>&1
exits "a rejected record" 1 all "${F[@]}"
is "is wrong" "$(problems)" "unsigned rejects!"
is "it is counted" "$(get '.index | [.rejects, .rejected_files]')" "[1,1]"
exits "the indexer only reports it" 0 "$INDEXER" status --index "$T/index" --json
is "as its problem" "$(jq -c '[.problems[] | [.what, .fails]]' "$T/out")" '[["rejects",false]]'
exits "unless it is asked to fail" 1 "$INDEXER" status --index "$T/index" --fail-on rejects
ok "and says why" grep -q '^rejects: 1 record of 1 file is rejected$' "$T/out"
exits "for that" 0 "$INDEXER" status --index "$T/index" --fail-on unsigned,damaged,failed,lag=1s
exits "a misspelt word is refused" 2 "$INDEXER" status --index "$T/index" --fail-on reject
ok "with the words that there are" grep -q "fail-on 'reject' is unknown; give a list of rejects" "$T/err"
image new new && scan >"$T/out" 2>&1
export_all --drop title >"$T/out"
exits "without the index" 1 status "${F[@]}"
is "the snapshot tells" "$(problems)" "unsigned rejects!"
rm "$T/data/bad.json" && scan >"$T/out"

# --- the site -----------------------------------------------------------------------------------
image three third && scan >"$T/out" && export_all --drop title >"$T/out"
first=$(git -C "$T/repo" rev-parse main~1)
"$EXPORTER" publish --repo "$T/repo" --site "$T/site" --at main~1 >"$T/out"
exits "a site at the snapshot before" 0 all "${F[@]}"
is "is not current" "$(get '.site | [.commit, .current, .unfinished]')" "[\"$first\",false,false]"
later=$(($(git -C "$T/repo" log -1 --format=%ct) + 70))
exits "which must not last" 1 env SOURCE_DATE_EPOCH="$later" "$EXPORTER" status --repo "$T/repo" --site "$T/site" --json "${F[@]}"
is "that is a lag" "$(problems) $(get .site.lag_s)" "unsigned lag! 70"
cp -a "$T/site" "$T/kept"
(strace -f -qq -o "$T/trace" -e trace=fsync -e inject=fsync:signal=KILL:when=2 "$EXPORTER" publish --repo "$T/repo" \
	--site "$T/site"; exit $?) >"$T/out" 2>&1
is "a publication that is killed" $? 137
all "${F[@]}"
is "has not finished" "$(get '.site | [.commit, .current, .unfinished]')" "[\"$first\",false,true]"
rm -rf "$T/site" && cp -a "$T/kept" "$T/site"
sed -i 's/"tree":"..../"tree":"abcd/' "$T/site/snapshot.json"
exits "an edited snapshot.json" 1 all "${F[@]}"
is "is damaged" "$(problems)" "unsigned damaged!"
rm -rf "$T/site"
exits "no site" 1 all "${F[@]}"
is "fails" "$(problems)" "unsigned failed!"
mkdir "$T/site" && touch "$T/site/mine"
exits "a folder of other things" 1 all "${F[@]}"
is "is no site" "$(problems) $(get '.problems[1].reason | test("neither empty nor a site")')" "unsigned damaged! true"
rm -rf "$T/site" && mv "$T/kept" "$T/site"
"$EXPORTER" export --index "$T/index" --repo "$T/theirs" --site "$T/site2" >"$T/out"
exits "another repository's site" 1 status --site "$T/site2" "${F[@]}"
is "is damaged" "$(problems)" "unsigned damaged!"

# --- the repository -----------------------------------------------------------------------------
tree=$(git -C "$T/repo" rev-parse "main^{tree}")
message=$(git -C "$T/repo" log -1 --format=%B | sed "s/^Albumen-Snapshot: .*/Albumen-Snapshot: $(($(git -C "$T/repo" rev-list --count main) + 1))/")
git -C "$T/repo" update-ref refs/heads/main "$(git -C "$T/repo" -c user.name=x -c user.email=x commit-tree -p main \
	-m "$message"$'\nAlbumen-Oversize: api/v1/tag_images/00/01/x.json' "$tree")"
exits "a response that is too large" 1 status "${F[@]}"
is "is missing" "$(problems) $(get .oversize)" 'rejects! unsigned ["api/v1/tag_images/00/01/x.json"]'
ok "the row" grep -qx 'oversize        api/v1/tag_images/00/01/x.json' <("$EXPORTER" status --repo "$T/repo")
git -C "$T/repo" update-ref refs/heads/main main~3
exits "a branch that was set back" 1 status "${F[@]}"
is "is damaged" "$(problems) $(get '[.problems[].reason | test("was set back")] | any')" "damaged! unsigned true"
git -C "$T/repo" update-ref -d refs/heads/main
exits "no branch" 1 status "${F[@]}"
is "is damaged" "$(problems) $(get '[.commit, .number, .age_s, .images, .signature]')" "damaged! failed! [null,null,null,null,null]"
rm "$T/repo/albumen-exporter.note"
exits "an empty repository" 1 status "${F[@]}"
is "has no snapshot yet" "$(problems)" "failed!"
done_testing
