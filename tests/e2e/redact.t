#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --drop and --round-gps: the responses equal those of a slow model,
# and the snapshots record the options.
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
NAMES = ["gps", "GPSLatitude", "Gps", "LAT", "lng", "lon", "Latitude", "longitude", "gpsx", "xgps",
         "lats", "location", "a", "b", "c", "gps_html", "l\u00e1t", "\\u0067ps", "la\\u0074", "GPS\\n"]
LEAVES = ["null", "true", "false", '""', '"48 deg 51\\u0027 42.96\\" N"', '"N"', '" 1.5"', '"1.5 "',
          '"+-1.5"', '"1."', '"01.5"', "-0", "0.0", "1e999999999", '"1e-99999999999999999999"', "1E+2"]


def value(depth):
    kind = rng.randrange(7 if depth else 4)
    if kind > 4:
        return "{%s}" % ",".join('"%s":%s' % (rng.choice(NAMES), value(depth - 1))
                                 for _ in range(rng.randrange(5)))
    if kind == 4:
        return "[%s]" % ",".join(value(depth - 1) for _ in range(rng.randrange(4)))
    number = "%s%d%s%s" % (rng.choice(["", "-"]), rng.randrange(1000),
                           rng.choice(["", ".%0*d" % (rng.randrange(1, 9), rng.randrange(99999))]),
                           rng.choice(["", "", "e%d" % rng.randrange(-9, 9)]))
    return rng.choice([number, '"%s"' % number, '"+%s"' % number, rng.choice(LEAVES)])


for n in range(200):
    tags = ",".join('"%s":%s' % (name, value(5)) for name in rng.sample(NAMES[:-4], 6))
    with open("%s/v%d.json" % (sys.argv[2], n), "w", encoding="utf-8") as f:
        f.write('[{"id":"v%d","image":{"public_id":"v%d","album_id":"v",%s},'
                '"tag":{"id":"v%d","name":"x","label":"y",%s},%s}]'
                % (n, n, tags, n % 9, tags if n < 9 else '"a":1', tags))
END
"$PYTHON" "$T/make.py" "$ROOT/tests/model" "$T/data" "$seed" || exit 1
scan >/dev/null
tree() { # REPO
	git -C "$T/$1" rev-parse 'HEAD^{tree}'
}
trailers() {
	git -C "$T/repo" log -1 --format=%B | grep -E '^Albumen-(Drop|Round-GPS)' || true
}
snapshots() {
	git -C "$T/repo" rev-list --count main
}
"$EXPORTER" export --index "$T/index" --repo "$T/plain" >/dev/null
mkdir "$T/before"
git -C "$T/plain" archive HEAD | tar -x -C "$T/before"

compare() { # NAME OPTION...
	local name=$1
	shift
	rm -rf "$T/repo"
	"$EXPORTER" export --index "$T/index" --repo "$T/repo" --accept redaction --json "$@" 2>"$T/err" >"$T/out"
	"$PYTHON" "$ROOT/tests/model/redact.py" "$T/before" "$T/want" "$@" >"$T/trailers"
	git -C "$T/repo" ls-tree -r HEAD >"$T/got"
	same "$name" "$T/got" "$T/want"
	is "$name: the trailers say what was matched" "$(trailers)" "$(<"$T/trailers")"
	is "$name: so does the result" "$(jq -r '(.drop // [])[] | "Albumen-Drop: \(.path); matched \(.matched)"' "$T/out"
		jq -r '.round_gps // empty | "Albumen-Round-GPS: \(.decimals); matched \(.matched)"' "$T/out")" \
		"$(<"$T/trailers")"
}
compare "without options nothing is left out"
is "the tree is that of a plain export" "$(tree repo)" "$(tree plain)"
is "the snapshot has no such trailer" "$(trailers)" ""
compare "a member is left out" --drop exifs
is "it is in no response" "$(git -C "$T/plain" grep -c '"exifs":{"a"' HEAD -- api/v1/albums/*/*/n/images.json |
	sed 's/.*://') $(git -C "$T/repo" grep -c '"exifs":{"a"' HEAD -- api/v1/albums/*/*/n/images.json)" "1 "
compare "members of members are left out" --drop infos.location --drop exifs.a.b.c
compare "a member inside of one that is left out is counted, too" --drop exifs.a --drop exifs --drop exifs.a.b.c \
	--round-gps 1
compare "members of images alone and of tags alone are left out" --drop image.title --drop tag.color \
	--drop tag.action.actions --drop image.width
compare "members of all kinds of records are left out" --drop user --drop label_en --drop "a & b" --drop title
compare "members that no record has change nothing" --drop nobody.has.this --drop width
for n in 0 1 4 9; do
	compare "coordinates are rounded to $n decimals" --round-gps $n
done
compare "members are left out and coordinates rounded" --round-gps 2 --drop gps_html --drop infos.location.accuracy
ok "git fsck finds nothing" git -C "$T/repo" fsck --strict --no-progress

# The same options render only what changed; other options render everything.
count=$(snapshots)
exits "the same options in another order succeed" 0 export_all --json \
	--drop infos.location.accuracy --drop gps_html --drop gps_html --round-gps 2
is "and make no snapshot and render nothing" "$(jq -c '[.made, .rendered]' "$T/out") $(snapshots)" \
	"[false,0] $count"
echo '{"public_id":"new","album_id":"n","gps":[1.23456,2],"gps_html":[3.4]}' >"$T/data/new.json"
scan >/dev/null
exits "one change is exported" 0 export_all --json --drop infos.location.accuracy --drop gps_html --round-gps 2
is "without rendering everything" "$(jq -c '[.full, .rendered < 50]' "$T/out")" "[false,true]"
ok "its response lacks what is left out" grep -qF '{"public_id":"new","album_id":"n","gps":[1.23,2]}' \
	"$T/site/api/v1/albums/n/images.json"
rm "$T/data/new.json"
scan >/dev/null
exits "fewer options succeed" 0 export_all --json --round-gps 2 --accept redaction
is "and render everything" "$(jq .full "$T/out")" true
exits "no options succeed" 0 export_all --json --accept redaction
is "and render everything, too" "$(jq .full "$T/out")" true
is "the tree is that of a plain export again" "$(tree repo) $(trailers)" "$(tree plain) "

# follow leaves members out, too.
start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site" --drop gps
is "the first export of follow leaves the member out" "$(grep -cF '"gps":[' "$T/site/api/v1/albums/n/images.json")" 0
echo '{"public_id":"new","album_id":"n","gps":[1.23456,2]}' >"$T/data/new.json"
scan >/dev/null
ok "so do the later ones" wait_until 10 grep -qF '{"public_id":"new","album_id":"n"}' \
	"$T/site/api/v1/albums/n/images.json"
stop follow

# Members that responses need, and wrong paths, are refused before anything is done.
for path in id public_id album_id image tag image_id tag_id created_at updated_at image.id \
	name label tag.label tag.created_at a..b . '' .a a. $'a\nb' ' a'; do
	exits "--drop '${path//$'\n'/\\n}' is refused" 2 \
		"$EXPORTER" export --index "$T/index" --repo "$T/none" --drop "$path"
done
exits "too many decimals are refused" 2 "$EXPORTER" export --index "$T/index" --repo "$T/none" --round-gps 10
exits "a number of decimals that is not a number is refused" 2 "$EXPORTER" export --index "$T/index" --repo "$T/none" --round-gps x
ok "no repository was made" test ! -e "$T/none"

done_testing
