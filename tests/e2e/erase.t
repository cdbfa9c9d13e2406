#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Records are taken out of all of history: random histories, against ones that never had them
# (tests/model/erase.py), what is refused, and what a site, a label and a note find afterwards.
# PEOPLE, ERASED and STEPS scale the histories up; SEED repeats one.
. "$(dirname "$0")/lib.sh"

seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
history() { # PEOPLE ERASED STEPS KIND
	PEOPLE=$1 ERASED=$2 "$PYTHON" "$ROOT/tests/model/erase.py" "$BUILD" "$T/model" "$seed" "$3" \
		"$4" >"$T/out" 2>&1
	local status=$?
	grep -v '^ok\|^cases' "$T/out"
	rm -rf "$T/model"
	[ $status = 0 ] && ! grep -q '^not ok' "$T/out"
}
# 300 steps take a minute and a half.
ok "fifty people, of whom ten are erased, SEED=$seed" \
	history "${PEOPLE:-50}" "${ERASED:-10}" "${STEPS:-60}" image
n=0
for kind in tag-image tag album member 'image tag-image tag' 'member image'; do
	n=$((n + 1))
	seed=$((seed + n))
	ok "$kind, SEED=$seed" history 12 3 "${STEPS:-20}" "$kind"
	seed=$((seed - n))
done

# --- a small history ---

mkdir "$T/data"
day=1700000000
with=() # what erase runs under
next() {
	day=$((day + 86400))
	scan >"$T/out" 2>"$T/err" && SOURCE_DATE_EPOCH=$day export_all "$@" >"$T/out"
}
erase() {
	SOURCE_DATE_EPOCH=$((day + 60)) "${with[@]}" "$EXPORTER" erase --index "$T/index" --repo "$T/repo" --reason 'a letter' "$@"
}
main() { git -C "$T/repo" rev-parse "${1:-main}"; }
cat >"$T/data/a.ndjson" <<'END'
{"public_id":"secret-1","album_id":"album","title":"One","created_at":"2020-01-01T00:00:00Z"}
{"public_id":"plain","album_id":"album","title":"Two","created_at":"2020-01-02T00:00:00Z"}
{"id":"t","name":"n","label":"l"}
END
echo '{"id":"j","image_id":"secret-1","tag_id":"t","user":"secret-user"}' >"$T/data/j.json"
next
first=$(main)
rm "$T/data/j.json"
next
git -C "$T/repo" tag light main
git -C "$T/repo" -c user.name=me -c user.email=me@x tag -m 'by somebody' theirs main
git -C "$T/repo" tag -m again -f nested theirs 2>"$T/err" >"$T/out" ||
	git -C "$T/repo" -c user.name=me -c user.email=me@x tag -m again nested theirs 2>"$T/err"
"$EXPORTER" publish --repo "$T/repo" --site "$T/old" >"$T/out"
"$EXPORTER" publish --repo "$T/repo" --site "$T/first" --at "$first" >"$T/out"
second=$(main)

exits "what the index has is refused" 1 erase --image secret-1
ok "and what to do is said" grep -q 'the index has the image .secret-1. still.*metadata folder.*scan' "$T/err"
exits "so is its album" 1 erase --album album
sed -i '/secret-1/d' "$T/data/a.ndjson"
next
tip=$(main)
unchanged() { # NAME
	is "$1: nothing has changed" "$(main)" "$tip"
}
exits "nothing to erase" 2 erase
exits "no reason" 2 "$EXPORTER" erase --index "$T/index" --repo "$T/repo" --image secret-1
exits "a reason with the id" 2 "$EXPORTER" erase --index "$T/index" --repo "$T/repo" --image secret-1 --reason 'of SECRET-1, please'
exits "a reason with its name" 2 "$EXPORTER" erase --index "$T/index" --repo "$T/repo" --image 'a.b' --reason 'of a%2Eb'
exits "an id that was never there" 1 erase --image secret-2
ok "is named" grep -q "no snapshot has the image 'secret-2'" "$T/err"
exits "one of two" 1 erase --image secret-1 --tag-image x
exits "a member that was never there" 1 erase --member nothing
exits "an album that was never there" 1 erase --album nothing
mv "$T/index" "$T/own"
mv "$T/data/a.ndjson" "$T/kept"
scan >"$T/out" 2>"$T/err"
exits "an index that was not exported" 1 erase --image plain
ok "is named, with what to do" grep -q "index '$T/index' is not the one that snapshot ${tip:0:12} is of; .* export with it first" "$T/err"
exits "also in a dry run" 1 erase --image plain --dry-run
mv "$T/kept" "$T/data/a.ndjson"
rm -rf "$T/index"
scan >"$T/out" 2>"$T/err"
exits "nor one that was made again" 1 erase --image secret-1 --dry-run
cp -r "$T/repo" "$T/again"
exits "but when it has been exported" 0 "$EXPORTER" export --index "$T/index" --repo "$T/again"
exits "it is taken" 0 "$EXPORTER" erase --index "$T/index" --repo "$T/again" --image secret-1 --reason x
rm -rf "$T/index"
mv "$T/own" "$T/index"
unchanged "so far"

git -C "$T/repo" branch other main~1
exits "another branch is refused" 1 erase --image secret-1
ok "and named" grep -q "refs/heads/other of .*update-ref -d 'refs/heads/other'" "$T/err"
git -C "$T/repo" update-ref -d refs/heads/other
git -C "$T/repo" worktree add -q "$T/tree" light 2>"$T/err"
exits "a work tree is refused" 1 erase --image secret-1
ok "and named" grep -q "work tree 'tree'" "$T/err"
git -C "$T/repo" worktree remove --force "$T/tree"
"$EXPORTER" snapshot --repo "$T/repo" --label told --reason 'for Secret-1' >"$T/out"
exits "a label that names it is refused" 1 erase --image secret-1
ok "and named" grep -q "label 'told' names 'secret-1'.*tag -d 'told'" "$T/err"
git -C "$T/repo" tag -d told >"$T/out"
git -C "$T/repo" tag secret-1 main
exits "so is a label called so" 1 erase --image secret-1
git -C "$T/repo" tag -d secret-1 >"$T/out"
git -C "$T/repo" tag tree 'main^{tree}'
exits "a label of a tree is refused" 1 erase --image secret-1
git -C "$T/repo" tag -d tree >"$T/out"
git clone -q --shared --bare "$T/repo" "$T/borrower"
exits "a repository that borrows is refused" 1 "$EXPORTER" erase --index "$T/index" --repo "$T/borrower" --image secret-1 --reason x
ok "and named" grep -q borrow "$T/err"
unchanged "at last"

# --- what is found afterwards ---

"$EXPORTER" show --repo "$T/repo" 'api/v1/albums/album/images/untag' --at "$tip" >"$T/plain"
exits "a dry run" 0 erase --image secret-1 --dry-run
ok "tells what would be" grep -q '3 snapshots would be written anew, from number 1 on, and 3 labels' "$T/out"
unchanged "the dry run"
exits "the image is erased" 0 erase --image secret-1
ok "what to do with sites is said" grep -q 'not reached: sites, until they are published again' "$T/out"
is "main moved" "$(git -C "$T/repo" log -1 --format=%B | grep Albumen-Was)" "Albumen-Was: $tip"
is "labels moved" "$(main 'light^{commit}') $(main 'theirs^{commit}') $(main 'nested^{commit}')" "$(main main~1) $(main main~1) $(main main~1)"
is "and keep who made them" "$(git -C "$T/repo" cat-file tag theirs | grep -c -e '^tagger me' -e '^by somebody' -e '^Albumen-Was: ')" 3
is "one label says what was done" "$(git -C "$T/repo" tag -l 'erased/*')" "$(date -u -d "@$((day + 60))" +erased/%Y%m%dT%H%M%SZ)"
git -C "$T/repo" tag -l --format='%(contents)' 'erased/*' >"$T/label"
is "and what" "$(sed -n '/^Albumen/p' "$T/label")" "Albumen-Erased-From: 1
Albumen-Erased-Old: $tip
Albumen-Erased-New: $(main)
Albumen-Erased-Snapshots: 3
Albumen-Erased-Answers: 4
Albumen-Snapshot: 3"
is "the older snapshot is empty now" "$(git -C "$T/repo" log -1 --format=%s main~1)" "No file changed"
"$EXPORTER" show --repo "$T/repo" 'api/v1/albums/album/images/untag' --at main >"$T/now"
same "other answers are the same" "$T/now" "$T/plain"
exits "git fsck" 0 git -C "$T/repo" fsck --strict --no-dangling --no-progress
git -C "$T/repo" tag -d light nested >"$T/out" # verify takes neither for a label
exits "verify" 0 "$EXPORTER" verify --repo "$T/repo"
is "no reflog, no old objects" "$(find "$T/repo" -path '*logs*' -type f; git -C "$T/repo" cat-file -t "$tip" 2>&1 | grep -c fatal)" 1
exits "once more there is nothing" 1 erase --image secret-1
exits "an export goes on" 0 export_all
exits "a site at the old tip is known" 0 "$EXPORTER" publish --repo "$T/repo" --site "$T/old"
exits "and has what it should" 0 "$EXPORTER" publish --check --repo "$T/repo" --site "$T/old"
exits "a site at an older snapshot, too" 0 "$EXPORTER" publish --repo "$T/repo" --site "$T/first"
exits "and has what it should" 0 "$EXPORTER" publish --check --repo "$T/repo" --site "$T/first"
ok "nothing is left in them" not grep -rqi secret "$T/old" "$T/first" "$T/site"
ok "nor in the repository" not grep -rqi secret <(git -C "$T/repo" cat-file --batch --batch-all-objects) "$T/repo"

# --- signatures ---

rm -rf "$T/repo" "$T/index" "$T/site" "$T/data"/*
ssh-keygen -q -t ed25519 -N '' -C x -f "$T/key"
echo "me $(cat "$T/key.pub")" >"$T/signers"
next # not signed
echo '{"public_id":"plain","album_id":"album"}' >"$T/data/plain.json"
echo '{"public_id":"gone","album_id":"b"}' >"$T/data/gone.json"
next --sign "$T/key"
"$EXPORTER" snapshot --repo "$T/repo" --label filed --reason x --sign "$T/key" >"$T/out"
rm "$T/data/gone.json"
next --sign "$T/key"
tip=$(main)
exits "without a key it is refused" 1 erase --image gone
ok "and said" grep -q 'snapshot 2 is signed.*give --sign KEY' "$T/err"
exits "also in a dry run" 1 erase --image gone --dry-run
unchanged "without a key"
exits "with it" 0 erase --image gone --sign "$T/key"
is "what was signed is, and nothing else" "$(for rev in main main~1 main~2 filed "$(git -C "$T/repo" tag -l 'erased/*' | tail -n 1)"; do
	git -C "$T/repo" cat-file -p "$rev" | grep -c 'BEGIN SSH'
done | xargs)" "1 1 0 1 1"
exits "verify with signers" 0 "$EXPORTER" verify --repo "$T/repo" --from main~1 --signers "$T/signers"
exits "a receipt" 0 "$EXPORTER" receipt --repo "$T/repo" 'api/v1/tag_images?image_ids[]=plain'

# --- a pruned repository ---

echo '{"public_id":"held","album_id":"c"}' >"$T/data/held.json"
next --sign "$T/key"
"$EXPORTER" snapshot --repo "$T/repo" --label hold --reason x --sign "$T/key" >"$T/out"
rm "$T/data/held.json"
next --sign "$T/key"
next --sign "$T/key"
echo '{"public_id":"more","album_id":"c"}' >"$T/data/more.json"
next --sign "$T/key"
exits "the history begins late" 0 "$EXPORTER" prune --repo "$T/repo" --before main --sign "$T/key"
held=$(main 'hold^{commit}')
exits "what only a held snapshot has is erased" 0 erase --image held --sign "$T/key"
ok "it was written anew" test "$(main 'hold^{commit}')" != "$held"
is "shallow names it" "$(grep -c "$(main 'hold^{commit}')" "$T/repo/shallow")" 1
ok "the parent of the first one stays" git -C "$T/repo" cat-file -p "$(main 'hold^{commit}')"
exits "verify" 0 "$EXPORTER" verify --repo "$T/repo" --signers "$T/signers"
exits "git fsck" 0 git -C "$T/repo" fsck --strict --no-dangling --no-progress
exits "git clone" 0 git clone -q --mirror "$T/repo" "$T/mirror"
rm "$T/data/more.json"
next --sign "$T/key"
exits "and what main has, too" 0 erase --image more --sign "$T/key"
exits "verify" 0 "$EXPORTER" verify --repo "$T/repo" --signers "$T/signers"
exits "an export goes on" 0 export_all --sign "$T/key"
ok "nothing is left" not grep -rq '"held"\|"more"' <(git -C "$T/repo" cat-file --batch --batch-all-objects)

# --- several, one after the other ---

rm -rf "$T/repo" "$T/index" "$T/site" "$T/data"/*
for id in one two three; do
	echo "{\"public_id\":\"$id\",\"album_id\":\"album\"}" >"$T/data/$id.json"
done
next
rm "$T/data"/{one,two,three}.json
next
exits "the first" 0 erase --image one
is "says how much it changed" "$(head -n 1 "$T/out")" \
	"2 snapshots were written anew, from number 1 on, and 0 labels; 3 answers were changed"
exits "one in the same second" 0 erase --image two
exits "verify" 0 "$EXPORTER" verify --repo "$T/repo"
day=$((day - 3600))
exits "one after the clock was set back" 0 erase --image three
day=$((day + 3600))
exits "verify" 0 "$EXPORTER" verify --repo "$T/repo"
is "their labels follow each other" "$(git -C "$T/repo" for-each-ref --format='%(refname:lstrip=3) %(taggerdate:unix)' refs/tags/erased)" \
	"$(for n in 60 61 62; do date -u -d "@$((day + n))" '+%Y%m%dT%H%M%SZ %s'; done)"

# --- a site that cannot be written ---

rm -rf "$T/repo" "$T/index" "$T/site" "$T/data"/*
for id in stays goes; do
	echo "{\"public_id\":\"$id\",\"album_id\":\"album\"}" >"$T/data/$id.json"
done
next
"$EXPORTER" publish --repo "$T/repo" --site "$T/stuck" >"$T/out"
rm "$T/data/goes.json"
next
with=(env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$T/trace" -e trace=renameat -e inject=renameat:error=EIO)
exits "a site that cannot be written fails" 1 erase --image goes --site "$T/stuck"
with=()
ok "and what is done, and what is left, are said" grep -q "error: history has it no more, but the site '$T/stuck' still may: .*; then .* publish" "$T/err"
is "history has it no more" "$(git -C "$T/repo" log --format=%B | grep -c Albumen-Was)" 2
exits "publish does what is left" 0 "$EXPORTER" publish --repo "$T/repo" --site "$T/stuck"
exits "all of it" 0 "$EXPORTER" publish --check --repo "$T/repo" --site "$T/stuck"

# --- a new key ---

rm -rf "$T/repo" "$T/index" "$T/site" "$T/data"/*
day=1600000000
ssh-keygen -q -t ed25519 -N '' -C x -f "$T/late"
{
	echo "me valid-before=\"20230101\" $(cat "$T/key.pub")"
	echo "me valid-after=\"20230601\" $(cat "$T/late.pub")"
} >"$T/signers"
echo '{"public_id":"plain","album_id":"album"}' >"$T/data/plain.json"
next --sign "$T/key"
echo '{"public_id":"gone","album_id":"b"}' >"$T/data/gone.json"
next --sign "$T/key"
SOURCE_DATE_EPOCH=$day "$EXPORTER" snapshot --repo "$T/repo" --label filed --reason x --sign "$T/key" >"$T/out"
rm "$T/data/gone.json"
next --sign "$T/key"
exits "the old key was allowed" 0 "$EXPORTER" verify --repo "$T/repo" --signers "$T/signers"
day=1700000000
exits "an erasure with a key of its own time" 0 erase --image gone --sign "$T/late"
exits "is verified as of that time" 0 "$EXPORTER" verify --repo "$T/repo" --signers "$T/signers"
git -C "$T/repo" tag -d "$(git -C "$T/repo" tag -l 'erased/*')" >"$T/out"
exits "but not without its label" 1 "$EXPORTER" verify --repo "$T/repo" --signers "$T/signers"
done_testing
