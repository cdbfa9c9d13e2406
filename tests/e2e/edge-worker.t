#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What `edge --for worker` prints and refuses. tests/worker has what the Worker answers.
. "$(dirname "$0")/lib.sh"

setting() { # NAME: what the Worker has as this constant
	sed -n "s/^const $1 = \(.*\);$/\1/p" "$T/out"
}
W=("$EXPORTER" edge --for worker)
exits "a Worker for a place in a store is printed" 0 "${W[@]}" --site 's3://photos/a/é "x"' --max-age 90
is "it knows the bucket" "$(setting BUCKET)" '"photos"'
is "and the prefix" "$(setting PREFIX)" '"a/é \"x\""'
is "and the age" "$(setting MAX_AGE_S)" 90
is "it is of one library" "$(setting ALBUMS)" null
is "no word of the template is left" "$(grep -oE '@[A-Z_]+@' "$T/out")" ''
is "it is one file" "$(grep -cE '^import|\bimport\(|require\(' "$T/out")" 0
is "it exports one thing" "$(grep -c '^export ' "$T/out")" 1
exits "a whole bucket is a place, too" 0 "${W[@]}" --site s3://photos
is "it has no prefix" "$(setting BUCKET) $(setting PREFIX)" '"photos" ""'
mkdir "$T/site"
exits "a folder is for workerd's disk" 0 "${W[@]}" --site "$T/site"
is "it has no bucket" "$(setting BUCKET) $(setting PREFIX)" 'null ""'

exits "what is no place is refused" 2 "${W[@]}" --site s3://
exits "so is a prefix with a way out" 2 "${W[@]}" --site s3://photos/../x
exits "so is a folder that is none" 1 "${W[@]}" --site "$T/none"
exits "so is an option of other kinds" 2 "${W[@]}" --site s3://photos --listen 8080
exits "other kinds cannot read a store" 2 "$EXPORTER" edge --site s3://photos --listen 8080
is "and say which one can" "$(grep -c -- '--for worker reads object stores' "$T/err")" 1
exits "nor do they take --libraries" 2 "$EXPORTER" edge --site "$T/site" --listen 8080 --libraries "$T/map"

printf '{\n\t"harbour": "museum/harbour",\n"__proto__":"fleet","é\\n":"fleet"\n}\n' >"$T/map"
exits "a map of libraries is taken" 0 "${W[@]}" --site s3://photos --libraries "$T/map"
is "it is text of JSON, so that no name of an album is special" "$(setting ALBUMS)" \
	'JSON.parse("{\"harbour\":\"museum/harbour\",\"__proto__\":\"fleet\",\"é\\n\":\"fleet\"}")'
refused() { # NAME MAP LINE REASON
	printf "$2" >"$T/map"
	exits "$1" 1 "${W[@]}" --site s3://photos --libraries "$T/map"
	is "$1: where, and why" "$(sed -n "s|.*'$T/map', line \([0-9]*: .*\); the file maps .*|\1|p" "$T/err")" "$3: $4"
	is "$1: nothing is printed" "$(<"$T/out")" ''
}
NONE='this is no prefix of a library, as in museum/harbour'
refused "an empty file" '' 1 'there is no JSON value'
refused "half a file" '{"a":"x",\n' 2 'the document ends inside an object'
refused "two objects" '{"a":"x"}\n{}' 2 'something follows the object'
refused "a list" '["a"]' 1 'it is no object'
refused "no album" '{}' 1 'it names no album'
refused "an album twice" '{"a":"x",\n"\\u0061":"y"}' 2 'it names an album twice'
refused "a prefix that is a number" '{"a":"x",\n"b":1}' 2 'a prefix is a string'
for prefix in '' / /x x/ x//y ../x x/../y .albumen '\\u0000' '\\n'; do
	refused "the prefix '$prefix'" "{\"a\":\"$prefix\"}" 1 "$NONE"
done
exits "a map that is not there" 1 "${W[@]}" --site s3://photos --libraries "$T/none"
done_testing
