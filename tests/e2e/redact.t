#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --drop and --round-gps: what is left of every response, compared with a slow model,
# and what the snapshots say of it.
. "$(dirname "$0")/lib.sh"

seed=${ALBUMEN_SEED:-$RANDOM}
echo "# seed $seed"
mkdir "$T/data"
cp -R "$ROOT/data/samples/." "$T/data"
cat >"$T/make.py" <<'END'
import random, sys
sys.path.insert(0, sys.argv[1])
from library import Library
rng = random.Random(sys.argv[3])
library = Library(rng)
for n in range(60):
    name = "%s/r%d.%s" % (sys.argv[2], n, rng.choice(["json", "ndjson"]))
    with open(name, "wb") as f:
        f.write(library.file(name))
for n in range(300):
    numbers = [rng.choice(["", "-"]) + rng.choice(
        ["0.%d", "%d.5", "9.9%d", "%de-3", "12.5%dE+1", "%d.04999", "0.00%de-2"]) % rng.randrange(
        1, 99999) for _ in range(6)]
    with open("%s/n%d.json" % (sys.argv[2], n), "w") as f:
        f.write('{"public_id":"n%d","album_id":"n","gps":[%s,%s],"exifs":{"a":[{"gps":%s},'
                '{"b":{"c":1,"d":2}}],"b":{"c":3}},"infos":{"location":{"latitude":%s,'
                '"longitude":%s,"accuracy":%s}},"image":{"exifs":1},"a & b":1}'
                % tuple([n] + numbers))
END
"$PYTHON" "$T/make.py" "$ROOT/tests/model" "$T/data" "$seed" || exit 1
scan >/dev/null
tree() { # REPO
	git -C "$T/$1" rev-parse 'HEAD^{tree}'
}
written() { # REPO FOLDER
	rm -rf "${T:?}/$2"
	mkdir "$T/$2"
	git -C "$T/$1" archive HEAD | tar -x -C "$T/$2"
}
trailers() {
	git -C "$T/repo" log -1 --format=%B | grep -E '^Albumen-(Drop|Round-GPS)' | paste -sd' '
}
snapshots() {
	git -C "$T/repo" rev-list --count main
}
"$EXPORTER" export --index "$T/index" --repo "$T/plain" >/dev/null
written plain before

compare() { # NAME OPTION...
	local name=$1
	shift
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" "$@" 2>&1 >/dev/null | diag
	rm -rf "$T/want"
	"$PYTHON" "$ROOT/tests/model/redact.py" "$T/before" "$T/want" "$@"
	written repo got
	ok "$name" diff -rq "$T/got" "$T/want"
}
compare "without options nothing is left out"
is "the tree is the plain one" "$(tree repo)" "$(tree plain)"
is "and nothing is said" "$(trailers)" ""
compare "a member" --drop exifs
is "is gone" "$(grep -c '"exifs":{"a"' "$T"/before/api/v1/albums/*/*/n/images.json \
	"$T"/got/api/v1/albums/*/*/n/images.json | sed 's/.*://' | paste -sd' ')" "1 0"
is "what was left out is said" "$(trailers)" "Albumen-Drop: exifs"
compare "members of members" --drop infos.location --drop exifs.a.b.c
is "they are said in their order" "$(trailers)" \
	"Albumen-Drop: exifs.a.b.c Albumen-Drop: infos.location"
compare "members of images alone, and of tags alone" --drop image.title --drop tag.color \
	--drop tag.action.actions --drop image.width
compare "members of all kinds" --drop user --drop label_en --drop "a & b" --drop title
compare "that nobody has" --drop nobody.has.this --drop width
for n in 0 1 4 9; do
	compare "places to $n decimals" --round-gps $n
done
compare "both" --round-gps 2 --drop gps_html --drop infos.location.accuracy
is "both are said" "$(trailers)" \
	"Albumen-Drop: gps_html Albumen-Drop: infos.location.accuracy Albumen-Round-GPS: 2"
ok "plain git is content" git -C "$T/repo" fsck --strict --no-progress

# The same again is nothing new; other options are, however little has changed.
count=$(snapshots)
exits "the same options in another order" 0 export_all --json \
	--drop infos.location.accuracy --drop gps_html --drop gps_html --round-gps 2
is "make no snapshot and render nothing" "$(jq -c '[.made, .rendered]' "$T/out") $(snapshots)" \
	"[false,0] $count"
echo '{"public_id":"new","album_id":"n","gps":[1.23456,2],"gps_html":[3.4]}' >"$T/data/new.json"
scan >/dev/null
exits "one change" 0 export_all --json --drop infos.location.accuracy --drop gps_html --round-gps 2
is "does not render everything" "$(jq -c '[.full, .rendered < 50]' "$T/out")" "[false,true]"
ok "without what is left out" grep -qF '{"public_id":"new","album_id":"n","gps":[1.23,2]}' \
	"$T/site/api/v1/albums/n/images.json"
rm "$T/data/new.json"
scan >/dev/null
exits "less to leave out" 0 export_all --json --round-gps 2
is "renders everything" "$(jq .full "$T/out")" true
exits "nothing to leave out" 0 export_all --json
is "renders everything as well" "$(jq .full "$T/out")" true
is "and is the plain tree again" "$(tree repo) $(trailers)" "$(tree plain) "

# follow keeps leaving it out.
start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site" --drop gps
is "follow leaves out from the start" "$(grep -cF '"gps":[' "$T/site/api/v1/albums/n/images.json")" 0
echo '{"public_id":"new","album_id":"n","gps":[1.23456,2]}' >"$T/data/new.json"
scan >/dev/null
ok "and of what comes" wait_until 10 grep -qF '{"public_id":"new","album_id":"n"}' \
	"$T/site/api/v1/albums/n/images.json"
stop follow

# What responses need stays, and what is no path is said before anything is done.
for path in id public_id album_id image tag image_id tag_id created_at updated_at image.id \
	name label tag.label tag.created_at a..b . '' .a a. $'a\nb' ' a'; do
	exits "--drop '${path//$'\n'/\\n}' is refused" 2 \
		"$EXPORTER" export --index "$T/index" --repo "$T/none" --drop "$path"
done
exits "too many decimals are" 2 "$EXPORTER" export --index "$T/index" --repo "$T/none" --round-gps 10
exits "and none" 2 "$EXPORTER" export --index "$T/index" --repo "$T/none" --round-gps x
ok "and nothing was made" test ! -e "$T/none"

done_testing
