#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# follow says in health.json that it keeps the site up, and the edge answers /healthz from it.
. "$(dirname "$0")/lib.sh"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

PORT=$(free_port)
URL=http://127.0.0.1:$PORT
follow=("$EXPORTER" follow --index "$T/index" --repo "$T/repo" --site "$T/site")
H=$T/site/health.json

checked() { # TIME: rewrites health.json as if that had been the last check
	jq -c --arg time "$1" '.checked = $time' "$H" >"$T/health" && mv "$T/health" "$H"
}
ago() { # SECONDS; negative: to come
	date -u -d "@$((EPOCHSECONDS - $1))" +%FT%TZ
}
is_recent() { # health.json is of the last minute
	jq -e '(now - (.checked | fromdate)) | . < 60' "$H"
}
is_now() { # health.json is at what index, repository and site are at
	[ "$(jq -r '[.sequence, .commit] | @tsv' "$H")" = \
		"$(sequence)	$(git -C "$T/repo" rev-parse main)" ] &&
		[ "$(jq -r .commit "$H")" = "$(jq -r .commit "$T/site/snapshot.json")" ] && is_recent
}
add() { # ID
	printf '{"public_id":"%s","album_id":"x"}\n' "$1" >"$T/data/$1.json"
	scan >"$T/out"
}
poke() { # wakes follow, though nothing has changed
	echo >"$T/index/changed"
}

mkdir "$T/data" "$T/run"
add one
ok "an export makes a site" export_all
is "which has no health.json" "$(cd "$T/site" && echo .[a-z]* *)" '.albumen api snapshot.json'
"$EXPORTER" edge --site "$T/site" --listen "$PORT" >"$T/nginx.conf"
spawn nginx nginx -p "$T/run" -c "$T/nginx.conf" -g 'daemon off;'
wait_until 10 curl -s "$URL/"
is "/healthz then answers 503" "$(ask /healthz)" 503
is "and says why" "$(jq -c . "$T/body")" \
	'{"version":1,"healthy":false,"sequence":null,"commit":null,"checked":null,"error":"there is no health.json, which albumen-exporter follow writes"}'

# Beside all else, a follow for which nothing happens.
cp -r "$T/index" "$T/quiet-index"
ok "a second follow starts" start quiet "$EXPORTER" follow --index "$T/quiet-index" --repo "$T/quiet-repo" \
	--site "$T/quiet"
H=$T/quiet/health.json
checked "$(ago 3600)"
touch "$T/quiet.mark"
H=$T/site/health.json

# follow.
ok "follow starts" start follow "${follow[@]}"
ok "and has written health.json when it is ready" is_now
is "it is one line with these members" "$(wc -l <"$H") $(jq -c keys_unsorted "$H")" \
	'1 ["version","sequence","commit","checked"]'
is "version 1" "$(jq .version "$H")" 1
is "who may read it: as the rest of the site" "$(stat -c %a "$H")" "$(stat -c %a "$T/site/snapshot.json")"
add two
ok "after a change it is renewed" wait_until 30 is_now
checked "$(ago 3600)"
poke
ok "and when follow looked and found nothing new" wait_until 30 is_recent
ok "nothing is left over" test ! -e "$T/site/.albumen/health.json"

# Another program has the repository, and then changes wait.
checked "$(ago 3600)"
exec {lock}>"$T/repo/albumen-exporter.lock"
flock "$lock"
poke
ok "follow waits for another program" wait_until 30 grep -q 'locked by.*; waiting' "$T/follow.log"
ok "while nothing changes, the site is still right" wait_until 30 is_recent
before=$(jq .sequence "$H")
add three
checked "$(ago 3600)"
wait_until 2 false # four looks at the lock
is "when something has changed, that is not said" "$(jq .sequence "$H") $(is_recent)" "$before false"
exec {lock}>&-
ok "until it is exported" wait_until 30 is_now

# Nor is it said of a site that lacks a folder.
mv "$T/site/api/v1/tag_images" "$T/tag_images"
checked "$(ago 3600)"
poke
ok "a damaged site is noticed" wait_until 30 grep -q "lacks 'api/v1/tag_images'" "$T/follow.log"
wait_until 1 false
is "and not said to be right" "$(is_recent)" false
mv "$T/tag_images" "$T/site/api/v1/"
poke
ok "once it is whole again, it is" wait_until 30 is_now
exec {lock}>"$T/site/.albumen/lock"
flock "$lock"
checked "$(ago 3600)"
poke
ok "a program that checks the site keeps nobody from saying so" wait_until 30 is_recent
exec {lock}>&-

# /healthz.
is "/healthz answers 200" "$(ask /healthz)" 200
is "with what health.json says" "$(jq -c 'del(.healthy, .error)' "$T/body")" "$(<"$H")"
is "and that it is so" "$(jq -c '[.healthy, .error]' "$T/body")" '[true,null]'
is "as JSON" "$(header Content-Type)" 'application/json; charset=utf-8'
is "which nobody keeps" "$(header Cache-Control) $(header ETag)" 'no-store '
is "Content-Length is right" "$(header Content-Length)" "$(wc -c <"$T/body")"
cp "$T/head" "$T/get"
is "HEAD answers 200" "$(ask /healthz -I)" 200
same "with the same headers" <(grep -v ^Date "$T/head") <(grep -v ^Date "$T/get")
is "a query does not matter" "$(ask '/healthz?x=1&image_ids[]=one')" 200
is "POST is not allowed" "$(ask /healthz -X POST)" 405
is "/healthz/ is not found" "$(ask /healthz/)" 404
stop follow
is "follow that has ended leaves it" "$(ask /healthz)" 200

is_503() { # NAME ERROR
	is "$1: 503" "$(ask /healthz)" 503
	is "$1: the error" "$(jq -r .error "$T/body" | sed 's/was [0-9]* s/was N s/')" "$2"
	is "$1: the members are the same" "$(jq -c 'keys_unsorted' "$T/body")" \
		'["version","healthy","sequence","commit","checked","error"]'
	is "$1: not kept, either" "$(header Cache-Control)" no-store
	is "$1: HEAD" "$(ask /healthz -I) $(header Content-Length)" "503 $(wc -c <"$T/body.503")"
}
ask() { # the same, and keeps a body of a 503
	local path=$1 status
	shift
	status=$(curl -s -g -D "$T/head" -o "$T/body" -w '%{http_code}' "$@" "$URL$path")
	[ "$status" != 503 ] || [ ! -s "$T/body" ] || [ "${1-}" = -I ] || cp "$T/body" "$T/body.503"
	echo "$status"
}
checked "$(ago 170)"
is "a check of almost three minutes ago is recent" "$(ask /healthz)" 200
checked "$(ago 181)"
is_503 "of more than that" 'the last check was N s ago, not less than 180'
is "what it was of" "$(jq -r .commit "$T/body.503")" "$(git -C "$T/repo" rev-parse main)"
checked "$(ago -400)"
is_503 "of the future" 'the last check was in the future: compare the clocks'
checked "$(ago -20)"
is "a clock that is a little behind" "$(ask /healthz)" 200
checked soon
is_503 "no time" 'health.json is not as albumen-exporter follow writes it'
echo "{\"checked\":\"$(ago 0)\"}" >"$H"
is_503 "nothing but a time" 'health.json is not as albumen-exporter follow writes it'
echo '{"version":1,' >"$H"
is_503 "half a file" 'health.json cannot be read'
head -c 5000 /dev/zero >"$H"
is_503 "another file" 'health.json is not as albumen-exporter follow writes it'
rm "$H"
mkfifo "$H"
is_503 "a pipe" 'health.json is not as albumen-exporter follow writes it'
rm "$H"
echo "{\"checked\":\"$(ago 0)\"}" >"$T/elsewhere"
ln -s "$T/elsewhere" "$H"
is_503 "a link" 'health.json is not as albumen-exporter follow writes it'
rm "$H"
stop nginx

# What compares sites does not see it.
ok "follow starts again" start follow "${follow[@]}"
stop follow
ok "publish --check finds nothing" "$EXPORTER" publish --check --repo "$T/repo" --site "$T/site"
echo '[]' >"$T/site/api/v1/tag_images/one.json"
ok "publish --repair leaves it" "$EXPORTER" publish --repair --repo "$T/repo" --site "$T/site"
ok "as it was" is_now
ok "publish of another snapshot does, too" "$EXPORTER" publish --at HEAD~1 --repo "$T/repo" --site "$T/site"
ok "as it was" is_recent
mkdir "$T/none"
ok "a folder in its place" mkdir -p "$T/other/health.json"
exits "is refused as any folder that is not a site" 1 "${follow[@]::${#follow[@]}-1}" "$T/other"
ok "without a site there is none" start follow "$EXPORTER" follow --index "$T/index" --repo "$T/repo"
stop follow

# The command line.
exits "--max-age 0 is refused" 2 "$EXPORTER" edge --site "$T/site" --listen 8080 --max-age 0
exits "--max-age 30 is not" 0 "$EXPORTER" edge --site "$T/site" --listen 8080 --max-age 30
ok "but warned of" grep -q 'warning: with --max-age 30, ' "$T/err"
ok "and taken" grep -q 'albumen_max_age 30;' "$T/out"

H=$T/quiet/health.json
wait_until 90 test "$H" -nt "$T/quiet.mark"
ok "once a minute follow looks by itself" is_recent
ok "it stops" stop quiet
done_testing
