#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ids, titles, file names, labels, signers and messages of strangers: nothing that is printed
# for people holds a character that a terminal obeys or that cannot be seen, and different
# texts print differently. CSV holds no formula.
. "$(dirname "$0")/lib.sh"

# For a terminal: CSI, right-to-left override and isolate, line separator, byte order mark,
# Arabic letter mark, left-to-right mark. Control characters that ids cannot have: ESC, DEL,
# a newline. Bytes that are not UTF-8, and a backslash.
dir=$'\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xef\xbb\xbf\xd8\x9c\xe2\x80\x8e'
csi=$'\xc2\x9b'
raw=$'\e[31m\x7f\n\xff\\x0a'
name=x$dir$csi$raw
id=id$dir'\x0a'
json_csi='\u009b\u001b\u007f\u0000\n'

# Prints what a file holds that is not plain; the check shares no code with the programs.
unplain() {
	"$PYTHON" - "$@" <<'EOF_PY'
import sys
BAD = [(0, 9), (11, 31), (0x7f, 0x9f), (0x61c, 0x61c), (0x200e, 0x200f), (0x2028, 0x202e),
       (0x2066, 0x2069), (0xfeff, 0xfeff)]
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                text = line.decode("utf-8").removeprefix("\t")  # log's own
            except UnicodeDecodeError:
                print(path, number, line)
                continue
            if any(a <= ord(c) <= b for c in text for a, b in BAD):
                print(path, number, ascii(text))
EOF_PY
}
people() { # STATUS CMD...: what it prints is plain
	local want=$1 what
	shift
	what=${*/#$T*albumen-/}
	what=${what//"$T"/}
	exits "$(printf '%q' "${what:0:60}")" "$want" "$@"
	is "its output is plain" "$(unplain "$T/out" "$T/err")" ""
}
says() { # NAME TEXT: as a line of the output, in its plain form
	ok "$1" grep -aqF -- "$2" "$T/out" "$T/err"
}

# --- the metadata folder ------------------------------------------------------------------

D=$T/data
mkdir -p "$D/$name"
jq -nc --arg id "$id" '{id:$id, public_id:$id, album_id:$id, title:$id, ($id):$id}' >"$D/$name/$name.json"
echo '{"id":"'"${id//\\/\\\\}"'","name":"n'$json_csi'","label":"l'$json_csi'"}' >"$D/tag.json"
echo '{"id":"t'"${id//\\/\\\\}"'","image_id":"'"${id//\\/\\\\}"'","tag_id":"'"${id//\\/\\\\}"'","user":"u'$json_csi'","created_at":"2024-01-01T00:00:00Z"}' >"$D/ti.json"
echo "{\"id\":\"gone\",\"public_id\":\"gone\",\"album_id\":\"${id//\\/\\\\}\"}" >"$D/gone.json"
echo "bad$csi$dir" >"$D/bad$name.json"
printf bad >"$D/"$'one\n.json'
printf bad >"$D/"'one\x0a.json'
# Names and values that a message quotes.
jq -nc --arg id "$id" '{id:"i", public_id:[$id], album_id:$id, ($id):1, updated_at:$id}' >"$D/members.json"
echo '{"id":"x'"$csi"'","public_id":"y","album_id":"z"}' >"$D/csi.json"
echo '{"id":"x","public_id":"y","album_id":"z","created_at":"'"$dir$csi"'"}' >"$D/time.json"
echo '{"id":"s","public_id":"s","album_id":"s","'"$dir$csi"'":"Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789"}' >"$D/secret$name.json"

people 3 "$INDEXER" scan -v --data "$D" --index "$T/index"
people 3 "$INDEXER" scan -v --data "$D" --index "$T/index"
people 0 "$INDEXER" status --index "$T/index"
says "a newline and a backslash print differently" 'one\x0a.json:1:1: '
says "and the other way round" 'one\\x0a.json:1:1: '
says "a path is printed byte by byte" \
	'badx\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xef\xbb\xbf\xd8\x9c\xe2\x80\x8e\xc2\x9b\x1b[31m\x7f\x0a\xff\\x0a.json:1:1: '
exits "a shell reads it back" 0 test -f "$D/"$'badx\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xef\xbb\xbf\xd8\x9c\xe2\x80\x8e\xc2\x9b\x1b[31m\x7f\x0a\xff\\x0a.json'
exits "the status is JSON, too" 0 "$INDEXER" status --index "$T/index" --json
is "in which the paths have the same form" \
	"$(jq -r '.rejected[].path' "$T/out" | grep -c '^one\\\(x0a\|\\x0a\).json$')" 2
people 0 "$INDEXER" check --index "$T/index"
people 1 "$INDEXER" scan --data "$T/no$name" --index "$T/index"
people 1 "$INDEXER" status --index "$T/no$name"
people 2 "$INDEXER" "$name"
people 2 "$INDEXER" scan "--$name"
people 2 "$INDEXER" scan "-$csi"
people 2 "$INDEXER" status --index "$T/index" "$name"
people 2 "$INDEXER" watch --data "$D" --index "$T/index" --ready-fd "$name"
rm "$D"/bad* "$D"/one* "$D"/{members,csi,time}.json "$D"/secret*
people 0 "$INDEXER" scan --data "$D" --index "$T/index"

# --- snapshots and sites --------------------------------------------------------------------

exporter() {
	"$EXPORTER" "$@"
}
R=(--repo "$T/repo")
people 0 exporter export -v --index "$T/index" "${R[@]}" --site "$T/site$name" --audit-page
first=$(git -C "$T/repo" rev-parse main)
ok "watch starts" start watch "$INDEXER" watch -v --data "$D" --index "$T/index"
ok "follow starts" start follow "$EXPORTER" follow -v --index "$T/index" "${R[@]}" --site "$T/site$name" --audit-page
rm "$D/gone.json" "$D/ti.json"
echo "bad$csi" >"$D/later$name.json"
jq -nc --arg id "$id" '{id:$id, public_id:$id, album_id:$id, title:"other", ($id+"2"):1}' >"$D/$name/$name.json"
moved() {
	[ "$(git -C "$T/repo" rev-parse main)" != "$first" ]
}
ok "follow takes the change" wait_until 60 moved
stop follow
stop watch
rm "$D/later$name.json"
is "their logs are plain" "$(unplain "$T/watch.log" "$T/follow.log")" ""
scan >/dev/null
people 0 exporter export --index "$T/index" "${R[@]}" --site "$T/site$name" --audit-page
people 0 exporter publish -v "${R[@]}" --site "$T/site$name" --audit-page
echo x >"$T/site$name/api/v1/$name"
rm "$T/site$name/api/v1/tag_images/id"*.json
people 1 exporter publish --check "${R[@]}" --site "$T/site$name" --audit-page
people 1 exporter publish --check --json "${R[@]}" --site "$T/site$name" --audit-page
people 0 exporter publish --repair "${R[@]}" --site "$T/site$name" --audit-page
people 0 exporter maintain "${R[@]}"

people 0 exporter audit "${R[@]}"
people 0 exporter audit "${R[@]}" --at "$first"
says "a label with U+0000 is shown as JSON writes it" 'l\xc2\x9b\\u001b\x7f\\u0000\\n'
people 0 exporter audit "${R[@]}" --album "$id"
people 1 exporter audit "${R[@]}" --album "$name"
people 1 exporter audit "${R[@]}" --fail-over 0 --older-than 0s
people 2 exporter audit "${R[@]}" --format "$name"
people 2 exporter audit "${R[@]}" --older-than "$name"
people 0 exporter log "${R[@]}"
for option in --album --image --tag; do
	people 0 exporter log "${R[@]}" "$option" "$id"
	people 1 exporter log "${R[@]}" "$option" "$name"
done
people 0 exporter diff "${R[@]}" "$first" main
says "an id that cannot stand as it is, is JSON" '"id\u202e\u2066\u2028\ufeff\u061c\u200e\\x0a"'
people 0 exporter diff "${R[@]}" main "$first" --album "$id"
people 1 exporter diff "${R[@]}" "$name" main
people 1 exporter log "${R[@]}" --at "$name"
people 1 exporter show "${R[@]}" "GET /$name"
people 1 exporter publish "${R[@]}" --site "$T/site$name" --at "$name"
people 2 exporter edge --site "$T/site$name" --listen "$name"
people 2 exporter edge --site "$T/site$name" --listen 8080
people 1 exporter verify --repo "$T/no$name"
people 2 exporter export --index "$T/index" --repo "$T/r" --drop "$name"
people 2 exporter export --index "$T/index" --repo "$T/r" --accept "$name"
people 1 exporter export --index "$T/index" --repo "$T/r" --sign "$T/no$name"

# --- labels, signers, and a hostile repository ----------------------------------------------

people 2 exporter snapshot "${R[@]}" --label "$name" --reason why
people 2 exporter snapshot "${R[@]}" --label "v$dir" --reason why
people 2 exporter snapshot "${R[@]}" --label v1 --reason "why$csi"
people 0 exporter snapshot "${R[@]}" --label v1 --reason "why $dir"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$T/key"
people 0 exporter snapshot "${R[@]}" --label v2 --reason why --sign "$T/key"
echo "signer$dir$csi $(cut -d' ' -f1,2 <"$T/key.pub")" >"$T/signers"
people 1 exporter verify "${R[@]}" --signers "$T/signers"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$T/other"
echo "signer$dir$csi $(cut -d' ' -f1,2 <"$T/other.pub")" >"$T/signers"
people 1 exporter verify "${R[@]}" --signers "$T/signers"
printf '%s\n' "$name" >"$T/signers$name"
people 1 exporter verify "${R[@]}" --signers "$T/signers$name"

hostile() {
	git -C "$T/hostile" -c user.name="n$dir$csi" -c user.email="e$csi@x" "$@" 2>>"$T/git"
}
git clone -q --bare "$T/repo" "$T/hostile"
H=(--repo "$T/hostile")
hostile tag -a -m "m$name" "label$dir$csi" main
hostile update-ref "refs/heads/b$dir$csi" main
hostile update-ref "refs/replace/$dir$csi" main
blob=$(printf '[{"id":"%s"}]' "$name" | hostile hash-object -w --stdin)
tree=$({
	hostile ls-tree -z main
	printf '100644 blob %s\tz%s\0' "$blob" "$name"
} | hostile mktree -z)
trailers=$(git -C "$T/repo" log -1 --format=%B main | sed -n '3,$p' | sed "s/^Albumen-Index: .*/&$csi/")
commit=$(hostile commit-tree -m "subject$csi$dir"$'\e[31m\x7f' -m "$trailers"$'\n'"Albumen-Drop: $dir$csi"$'\n'"X$dir$csi: y" -p main "$tree")
hostile update-ref refs/heads/main "$commit"
people 1 exporter verify "${H[@]}"
people 1 exporter verify "${H[@]}" --signers "$T/signers"
people 0 exporter log "${H[@]}"
says "a subject is printed in its plain form" 'subject\xc2\x9b\xe2\x80\xae'
says "so is a label that git took" '[label\xe2\x80\xae'
people 1 exporter audit "${H[@]}" --format table --album "$name"
people 0 exporter log "${H[@]}" --at "label$dir$csi"
exporter audit "${H[@]}" >"$T/out" 2>"$T/err"
is "an audit of it prints what is plain" "$(unplain "$T/out" "$T/err")" ""
exporter diff "${H[@]}" main~1 main >"$T/out" 2>"$T/err"
is "so does diff" "$(unplain "$T/out" "$T/err")" ""
exporter publish "${H[@]}" --site "$T/hsite" >"$T/out" 2>"$T/err"
is "so does publish" "$(unplain "$T/out" "$T/err")" ""
exporter export --index "$T/index" "${H[@]}" >"$T/out" 2>"$T/err"
is "so does export" "$(unplain "$T/out" "$T/err")" ""
exporter bundle "${H[@]}" --signers "$T/signers$name" "$T/no$name/out" >"$T/out" 2>"$T/err"
is "so does bundle" "$(unplain "$T/out" "$T/err")" ""
exporter snapshot "${H[@]}" --label "label$dir" --reason x >"$T/out" 2>"$T/err"
is "so does snapshot" "$(unplain "$T/out" "$T/err")" ""
hostile symbolic-ref HEAD "refs/heads/b$dir$csi"
for command in log verify audit maintain; do
	exporter "$command" "${H[@]}" >"$T/out" 2>"$T/err"
	is "a HEAD of that name: $command" "$(unplain "$T/out" "$T/err")" ""
done

# --- CSV --------------------------------------------------------------------------------------

rm -r "$D" "$T/index" "$T/repo" "$T/site"*
mkdir "$D"
"$PYTHON" - >"$D/formulas.ndjson" <<'EOF_PY'
import json
FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", " =1", "'quoted", "''", "=1;=2", '="a"',
            "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "plain", "a=b", "1-2"]
for number, text in enumerate(FORMULAS):
    print(json.dumps({"public_id": text, "album_id": text}))
    print(json.dumps({"public_id": "tagged%d" % number, "album_id": text}))
    print(json.dumps({"id": text, "name": text, "label": text}))
    print(json.dumps({"id": "t" + text, "image_id": "tagged%d" % number, "tag_id": text,
                      "user": "\t" * (number % 2) + text}))
EOF_PY
scan >/dev/null
exporter export --index "$T/index" "${R[@]}" >/dev/null
exits "an audit is CSV" 0 exporter audit "${R[@]}" --format csv
cp "$T/out" "$T/csv"
exits "and JSON" 0 exporter audit "${R[@]}" --format json
ok "no text in it begins like a formula; without the apostrophes it is the same" \
	"$PYTHON" - "$T/csv" "$T/out" <<'EOF_PY'
import csv
import json
import sys
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file, strict=True))
with open(sys.argv[2], encoding="utf-8") as file:
    albums = json.load(file)["albums"]


def text(cell):
    assert cell.lstrip(" \t")[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20"), cell
    return cell[1:] if cell[0] == "'" else cell


assert len(albums) == 16 and rows[0]["untagged"] == "16"
for row, album in zip(rows[1:], albums, strict=True):
    assert text(row["album"]) == album["album"]
    assert text(row["oldest_untagged"]) == album["oldest_untagged"]["image"]
    assert text(row["last_tagged_by"]) == album["last_tagged"]["by"]
    assert text(row["tags"]) == "%s=1" % album["tags"][0]["tag"]
EOF_PY
done_testing
