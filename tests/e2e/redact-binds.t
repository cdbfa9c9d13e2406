#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the last snapshot leaves out binds the next one: with options that leave
# out less, export and follow refuse, change nothing, and say which options are
# missing. A new --drop that matches nothing is refused, too.
. "$(dirname "$0")/lib.sh"

repo=$T/repo
changes=0
HINT='run this once with --accept redaction'

image() { # ID TITLE
	echo "{\"public_id\":\"$1\",\"album_id\":\"a\",\"title\":\"$2\",\"gps\":[48.8566,2.3522]," \
		"\"exifs\":{\"lens\":1},\"infos\":{\"location\":{\"latitude\":1.25},\"size\":2}}"
}
change() { # makes the next snapshot differ
	changes=$((changes + 1))
	image i0 "changed $changes" >"$T/data/0.json"
	scan >"$T/out"
}
trailer() { # NAME
	git -C "$repo" log -1 --format="%(trailers:key=Albumen-$1,valueonly,separator=%x20)" main
}
# What a refusal must not change: refs, objects, the note and the site.
state() {
	(cd "$repo" && git for-each-ref && find . -type f ! -name albumen-exporter.lock -exec sha1sum {} + | sort)
	(cd "$T/site" && find . -type f -exec sha1sum {} + | sort)
}
refused() { # NAME MISSING OPTION...: passes if export and follow refuse, and name what is missing
	local name=$1 missing=$2
	shift 2
	state >"$T/before"
	exits "$name: export refuses" 1 export_all "$@"
	ok "$name: it says what is missing" grep -qF -- "leaves out or rounds; give $missing; if that is as it should be, $HINT" "$T/err"
	exits "$name: follow refuses" 1 timeout 10 "$EXPORTER" follow --index "$T/index" --repo "$repo" --site "$T/site" "$@"
	ok "$name: follow says what is missing" grep -qF -- "give $missing; if" "$T/err"
	state >"$T/after"
	same "$name: nothing was changed" "$T/after" "$T/before"
}
restart() { # OPTION...: a new repository, made with these options
	rm -rf "$repo" "$T/site"
	export_all "$@" >"$T/out" || cat "$T/err"
}

mkdir "$T/data"
change
restart --drop exifs --drop infos.location --round-gps 2
refused "no options" "--drop 'exifs' --drop 'infos.location' --round-gps 2"
refused "one --drop less" "--drop 'exifs'" --drop infos.location --round-gps 2
refused "no --round-gps" "--round-gps 2" --drop exifs --drop infos.location
refused "finer places" "--round-gps 2" --drop exifs --drop infos.location --round-gps 3
refused "a part of what was left out" "--drop 'exifs'" --drop exifs.lens --drop infos --round-gps 2
refused "images alone" "--drop 'exifs'" --drop image.exifs --drop infos --round-gps 2
change
refused "no options, with a change to export" "--drop 'exifs' --drop 'infos.location' --round-gps 2"

exits "the same options need no --accept" 0 export_all --drop exifs --drop infos.location --round-gps 2
exits "nor do more options" 0 export_all --drop exifs --drop infos --drop title --round-gps 1
is "the new snapshot says so" "$(trailer Drop) $(trailer Round-GPS) $(trailer Accepted)" \
	"exifs; matched 2 infos; matched 2 title; matched 2 1; matched 4 "
refused "those options bind, too" "--drop 'infos' --drop 'title' --round-gps 1" --drop exifs --drop infos.location --round-gps 2
rm -rf "$T/index"
scan >"$T/out"
exits "a rebuilt index and the same options need no --accept" 0 export_all --drop exifs --drop infos --drop title --round-gps 1

# --accept redaction, once.
exits "--accept redaction goes on" 0 export_all --drop exifs --accept redaction
ok "the log says what was accepted" grep -q "warning: accepted: this export would show what snapshot [0-9a-f]* leaves out or rounds; give --drop 'infos' --drop 'title' --round-gps 1\$" "$T/err"
is "the snapshot says so" "$(trailer Drop) $(trailer Round-GPS) $(trailer Accepted)" "exifs; matched 2  redaction"
ok "the members are back" grep -qF '"gps":[48.8566,2.3522],"infos"' "$T/site/api/v1/albums/a/images.json"
change
exits "the next export needs no --accept" 0 export_all --drop exifs
is "and does not record it" "$(trailer Accepted)" ""
refused "what was not accepted still binds" "--drop 'exifs'"
exits "no environment variable stands in for --accept" 1 env ALBUMEN_ACCEPT=redaction "$EXPORTER" export --index "$T/index" --repo "$repo"
exits "--accept of something else does not help" 1 export_all --accept history

# follow accepts what it finds when it begins, and nothing later.
start follow "$EXPORTER" follow --index "$T/index" --repo "$repo" --site "$T/site" --accept redaction
is "follow --accept redaction goes on" "$(trailer Accepted)" redaction
exits "another exporter leaves more out" 0 export_all --drop title
change
ended() {
	! alive follow
}
ok "follow ends instead of bringing it back" wait_until 30 ended
stop follow
is "with status 1" "$?" 1
ok "and says why" grep -qF "give --drop 'title'; if" "$T/follow.log"
is "it made no snapshot" "$(trailer Drop)" "title; matched 2"

# If the tree is the same, no snapshot can record that it was accepted.
image i1 none | sed 's/"exifs":[^}]*},//' >"$T/data/0.json"
scan >"$T/out"
restart --drop exifs --accept redaction
exits "--accept redaction goes on" 0 export_all --accept redaction --json
is "and makes no snapshot" "$(jq .made "$T/out")" false
echo '{"public_id":"i2","album_id":"a"}' >"$T/data/2.json"
scan >"$T/out"
exits "the next export needs no --accept" 0 export_all
is "its snapshot leaves nothing out" "$(trailer Drop)" ""

# A new path that matches nothing.
unmatched() { # NAME PATHS OPTION...: passes if export and follow refuse
	local name=$1 paths=$2
	shift 2
	state >"$T/before"
	exits "$name: export refuses" 1 export_all "$@"
	ok "$name: it says which path" grep -qF -- "nothing in any response is at $paths; " "$T/err"
	ok "$name: it names the option" grep -qF -- "$HINT" "$T/err"
	exits "$name: follow refuses" 1 timeout 10 "$EXPORTER" follow --index "$T/index" --repo "$repo" --site "$T/site" "$@"
	ok "$name: follow says which path" grep -qF -- "nothing in any response is at $paths; " "$T/err"
	state >"$T/after"
	same "$name: nothing was changed" "$T/after" "$T/before"
}
rm "$T/data/2.json"
change
restart
unmatched "a misspelt path" "--drop 'exif'" --drop exif
unmatched "upper case" "--drop 'EXIFS'" --drop EXIFS --drop infos
unmatched "a path that begins elsewhere" "--drop 'lens' --drop 'tag.exifs'" --drop lens --drop tag.exifs --drop title
exits "--accept redaction goes on" 0 export_all --drop exif --drop infos --accept redaction
is "the snapshot says that it matched nothing" "$(trailer Drop) $(trailer Accepted)" "exif; matched 0 infos; matched 2 redaction"
is "the result says so, too" "$(grep ^--drop "$T/out" | paste -sd' ')" "--drop exif: 0 matched --drop infos: 2 matched"
change
exits "the next export needs no --accept" 0 export_all --drop exif --drop infos
rm -rf "$T/index"
scan >"$T/out"
exits "nor with a rebuilt index" 0 export_all --drop exif --drop infos --json
is "which is exported as a whole" "$(jq -c '[.full, .drop]' "$T/out")" \
	'[true,[{"path":"exif","matched":0},{"path":"infos","matched":2}]]'
unmatched "another such path" "--drop 'exit'" --drop exif --drop infos --drop exit

# A first export: without any record nothing can match, and then something must.
rm -rf "$T/index" "$repo" "$T/site" "$T/data"/*
mkdir "$repo" "$T/site"
scan >"$T/out"
exits "an export of no record goes on" 0 export_all --drop exif
is "the snapshot says that it matched nothing" "$(trailer Drop)" "exif; matched 0"
exits "so does the next one" 0 export_all --drop exif
change
unmatched "the first records" "--drop 'exif'" --drop exif
exits "with --accept redaction they are exported" 0 export_all --drop exif --accept redaction
change
exits "and the next ones without it" 0 export_all --drop exif

# Repositories of 0.1.0 have trailers without a count.
restart --drop exifs --round-gps 2
commit=$(git -C "$repo" log -1 --format=%B main | sed 's/; matched [0-9]*$//' |
	GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@localhost GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@localhost \
		git -C "$repo" commit-tree 'main^{tree}')
rm "$repo/albumen-exporter.note"
git -C "$repo" update-ref refs/heads/main "$commit"
is "old trailers have no count" "$(trailer Drop) $(trailer Round-GPS)" "exifs 2"
exits "verify finds nothing" 0 "$EXPORTER" verify --repo "$repo"
exits "the same options need no --accept" 0 export_all --json --drop exifs --round-gps 2
is "everything is rendered, as 0.1.0 rounded less" "$(jq .full "$T/out")" true
refused "no options" "--drop 'exifs' --round-gps 2"

# Somebody else's commit at the tip does not take away what binds.
change
restart --drop exifs
commit=$(GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@localhost GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@localhost \
	git -C "$repo" commit-tree -p main -m empty 'main^{tree}')
git -C "$repo" update-ref refs/heads/main "$commit"
exits "--accept history alone is not enough" 1 export_all --accept history
ok "it says what is missing" grep -qF "give --drop 'exifs'; if" "$T/err"
exits "with the same options it is" 0 export_all --accept history --drop exifs
is "and makes no snapshot" "$(git -C "$repo" rev-parse main)" "$commit"
refused "without them the next export" "--drop 'exifs'"
git -C "$repo" update-ref -d refs/heads/main
exits "without main the last snapshot made here binds" 1 export_all --accept history
ok "it says what is missing" grep -qF "give --drop 'exifs'; if" "$T/err"
exits "both may be accepted" 0 export_all --accept history --accept redaction
is "the snapshot says so" "$(trailer Accepted)" "history redaction"

# Trailers that this program would not write bind as well: it cannot tell to what.
for trailer in "Albumen-Round-GPS: 12" "Albumen-Drop: a..b" "Albumen-Drop:"; do
	commit=$(git -C "$repo" log -1 --format=%B main | sed "/^Albumen-Snapshot/a $trailer" |
		GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@localhost GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@localhost \
			git -C "$repo" commit-tree 'main^{tree}')
	cp -a "$repo" "$T/forged"
	rm -f "$T/forged/albumen-exporter.note"
	git -C "$T/forged" update-ref refs/heads/main "$commit"
	exits "'$trailer' is refused" 1 "$EXPORTER" export --index "$T/index" --repo "$T/forged"
	ok "'$trailer': it is named" grep -q "cannot be read: .*${trailer%%:*}" "$T/err"
	is "'$trailer': nothing was changed" "$(git -C "$T/forged" rev-parse main)" "$commit"
	exits "'$trailer': verify fails" 1 "$EXPORTER" verify --repo "$T/forged"
	ok "'$trailer': it names it, too" grep -q "${trailer%%:*}.* is malformed" "$T/out"
	rm -rf "$T/forged"
done

done_testing
