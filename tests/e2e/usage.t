#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What people mistype is refused with what they meant; help, -v and --json are where the
# manuals say; times are written in many ways.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
cp "$ROOT/data/samples/tags.json" "$ROOT"/data/samples/albums/*.json "$T/data"
"$INDEXER" scan --data "$T/data" --index "$T/index" >/dev/null
SOURCE_DATE_EPOCH=1719792000 export_all >/dev/null # 2024-07-01T00:00:00Z
rm "$T/data/unsorted.json"
"$INDEXER" scan --data "$T/data" --index "$T/index" >/dev/null
SOURCE_DATE_EPOCH=1720396800 export_all >/dev/null # a week later
R=(--repo "$T/repo")
first=$(git -C "$T/repo" rev-parse main~1)
last=$(git -C "$T/repo" rev-parse main)

message() { # NAME TEXT: the last command said so, on one line, and printed nothing else
	is "$1" "$(cat "$T/out" "$T/err")" "$2"
}

# --- commands and options ---------------------------------------------------------------------

exits "a mistyped command is refused" 2 "$INDEXER" sacn --data "$T/data" --index "$T/index"
message "the message says what was meant" \
	"albumen-indexer: error: unknown command 'sacn'; did you mean 'scan'? (try 'albumen-indexer --help')"
exits "so it is in the other program" 2 "$EXPORTER" exprot --index "$T/index"
message "which says so, too" \
	"albumen-exporter: error: unknown command 'exprot'; did you mean 'export'? (try 'albumen-exporter --help')"
exits "a mistyped option is refused" 2 "$EXPORTER" export --idnex "$T/index"
message "the message says what was meant" \
	"albumen-exporter: error: unknown option '--idnex'; did you mean '--index'? (try 'albumen-exporter export --help')"
exits "with one dash, too" 2 "$INDEXER" status -index "$T/index"
message "the message says what was meant" \
	"albumen-indexer: error: unknown option '-index'; did you mean '--index'? (try 'albumen-indexer status --help')"
exits "what nobody meant is refused without a guess" 2 "$INDEXER" status --xyzzy
message "and says so" \
	"albumen-indexer: error: unknown option '--xyzzy' (try 'albumen-indexer status --help')"
exits "an option that is given twice is refused" 2 "$INDEXER" status --index "$T/index" --index "$T/other"
message "the message has both" "albumen-indexer: error: '--index $T/index' and '--index $T/other' contradict each other (try 'albumen-indexer status --help')"
exits "twice the same is not" 0 "$INDEXER" status --index "$T/index" --index="$T/index"
exits "an empty value is refused" 2 "$EXPORTER" export --index "$T/index" "${R[@]}" --site=
message "the message names the option" \
	"albumen-exporter: error: option '--site' must not be empty (try 'albumen-exporter export --help')"
exits "an empty variable counts as unset" 2 env ALBUMEN_INDEX= "$INDEXER" status
ok "the message names the variable" grep -q "variable ALBUMEN_INDEX " "$T/err"
exits "a variable stands in" 0 env ALBUMEN_INDEX="$T/index" "$INDEXER" status
exits "the option goes before it" 0 env ALBUMEN_INDEX=/nowhere "$INDEXER" status --index "$T/index"
exits "another variable is not looked at" 0 env ALBUMEN_SITE="$T/data" ALBUMEN_NAME=x "$INDEXER" status --index "$T/index"
is "nor is it warned of" "$(<"$T/err")" ""

# --- the environment --------------------------------------------------------------------------

options() { # PROGRAM: the options of all its commands
	local command
	for command in $("$1" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p'); do
		"$1" help "$command" | sed '1,/^options:/d' | sed -nE 's/^ .{5}--([a-z-]+) .*/\1/p'
	done | sort -u
}
variable() { # OPTION
	tr a-z- A-Z_ <<<"ALBUMEN_$1"
}
line_only=(accept accept-withdrawal help version tag-image member)
# All variables of both programs, as one file for both may set them. 1 is a number, a word of a
# flag, and a name.
mapfile -t all < <({ options "$INDEXER" && options "$EXPORTER"; } | sort -u | grep -vxFf <(printf '%s\n' "${line_only[@]}"))
is "both have options" "$((${#all[@]} > 30))" 1
both=()
for option in "${all[@]}"; do
	both+=("$(variable "$option")=1")
done
exits "no variable of the one program is warned of by the other" 1 env "${both[@]}" ALBUMEN_LOG=text "$INDEXER" check --index "$T/nosuch"
is "of both" "$(grep -c warning "$T/err")" 0
exits "and the reverse" 1 env "${both[@]}" ALBUMEN_LOG=text ALBUMEN_JSON=0 "$EXPORTER" maintain --repo "$T/nosuch"
is "of both" "$(grep -c warning "$T/err")" 0
exits "a flag is set by a word" 0 env ALBUMEN_JSON=yes "$INDEXER" status --index "$T/index"
ok "it is set" jq -e .images "$T/out"
exits "another word is refused" 2 env ALBUMEN_JSON=maybe "$INDEXER" status --index "$T/index"
message "the message names the variable" "albumen-indexer: error: the variable ALBUMEN_JSON is 'maybe'; it must be 1, yes or true, or 0, no or false (try 'albumen-indexer status --help')"
exits "a mistyped variable does not stop a command" 0 env ALBUMEN_SING=key "$EXPORTER" maintain "${R[@]}"
is "but it is warned of" "$(<"$T/err")" "albumen-exporter: warning: the variable ALBUMEN_SING is not used; did you mean ALBUMEN_SIGN?"
exits "a list has one value a line" 0 env ALBUMEN_DROP=$'\n  infos\n  exifs\n' "$EXPORTER" export --index "$T/index" --repo "$T/dropped"
is "both are dropped" "$(git -C "$T/dropped" log -1 --format=%B | sed -n 's/^Albumen-Drop: \([a-z]*\);.*/\1/p' | xargs)" "exifs infos"
exits "the command line's list is all of it" 1 env ALBUMEN_DROP=$'infos\nexifs' "$EXPORTER" export --index "$T/index" --repo "$T/dropped" --drop infos
exits "a value that a command refuses" 2 env ALBUMEN_DROP=id "$EXPORTER" export --index "$T/index" --repo "$T/dropped"
ok "is told with the variable" grep -q "'--drop id': .*; --drop is from the variable ALBUMEN_DROP (try " "$T/err"
exits "a folder that is not there" 1 env ALBUMEN_DATA="$T/nosuch" "$INDEXER" scan --index "$T/index"
ok "is told with the variable, too" grep -q "; --data is from the variable ALBUMEN_DATA$" "$T/err"
exits "what is erased is named on the command line" 2 env ALBUMEN_IMAGE=1 ALBUMEN_MEMBER=exifs ALBUMEN_TAG_IMAGE=1 "$EXPORTER" erase \
	--index "$T/index" "${R[@]}" --reason why
ok "the message asks for it" grep -q "say what is to be erased" "$T/err"
is "each variable that was to do so is named" "$(grep -o 'the variable ALBUMEN_[A-Z_]* is not used' "$T/err" | cut -d ' ' -f 3 | sort | xargs)" \
	"ALBUMEN_IMAGE ALBUMEN_MEMBER ALBUMEN_TAG_IMAGE"
exits "claims are not withdrawn by a variable" 0 env ALBUMEN_ACCEPT_WITHDRAWAL=1 "$INDEXER" scan --data "$T/data" --index "$T/index"
ok "which is warned of" grep -q "the variable ALBUMEN_ACCEPT_WITHDRAWAL is not used: 'scan' takes --accept-withdrawal from the command line only" "$T/err"
exits "an option keeps out the variables of those that it excludes" 0 env ALBUMEN_FORMAT=csv "$EXPORTER" audit "${R[@]}" --json
ok "it is JSON" jq -e . "$T/out"
exits "as here" 0 env ALBUMEN_JSON=1 "$EXPORTER" audit "${R[@]}" --format csv
ok "it is CSV" grep -q , <(head -n 1 "$T/out")
exits "one that does not go with a variable" 2 env ALBUMEN_FORMAT=html "$EXPORTER" audit "${R[@]}" --images
ok "is told which variable" grep -q '; --format is from the variable ALBUMEN_FORMAT (try ' "$T/err"
exits "and here" 1 env ALBUMEN_ALBUM=none "$EXPORTER" log "${R[@]}" --image nothing
message "only the image is asked for" "albumen-exporter: error: no image 'nothing' in any snapshot"

# --- every command of both programs -------------------------------------------------------------

names() { # of the commands in a program's help
	sed -n '/^commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p' "$1" | grep -v '^help$'
}
without_value() { # its options in $T/help that take no value, but --images: --image is one, too
	sed '1,/^options:/d' "$T/help" | sed -nE 's/^ .{5}--([a-z-]+)  .*/\1/p' | grep -vx images
}
for program in "$INDEXER" "$EXPORTER"; do
	exits "help of ${program##*/}" 0 "$program" help
	same "is that of --help" "$T/out" <("$program" --help)
	is "it lists help itself" "$(grep -c '^  help  ' "$T/out")" 1
	cp "$T/out" "$T/commands"
	exits "help of an unknown command is refused" 2 "$program" help nothing
	exits "help of two commands is refused" 2 "$program" help status status
	for command in $(names "$T/commands"); do
		exits "help $command" 0 "$program" help "$command"
		cp "$T/out" "$T/help"
		same "is that of $command --help" "$T/help" <("$program" "$command" --help)
		is "$command takes -v" "$(grep -c '^  -v, --verbose ' "$T/help")" 1
		same "no guess misses: each option less a letter is refused with its name" \
			<(for option in $(without_value); do
				"$program" "$command" "--${option%?}" 2>&1 |
					grep -o "did you mean '--$option'" || echo "$option"
			done) <(for option in $(without_value); do
				echo "did you mean '--$option'"
			done)
		ok "a mistyped $command is understood" grep -q "did you mean '$command'?" \
			<("$program" "${command:1:1}${command:0:1}${command:2}" 2>&1)
	done
done

# The commands that report have --json, and print JSON.
json() { # NAME STATUS CMD...
	exits "$1 prints JSON" "$2" "${@:3}" --json -v
	ok "each line of it, or all of it, is a value" jq -e . "$T/out"
}
json scan 0 "$INDEXER" scan --data "$T/data" --index "$T/index"
json status 0 "$INDEXER" status --index "$T/index"
json check 0 "$INDEXER" check --index "$T/index"
json export 0 "$EXPORTER" export --index "$T/index" "${R[@]}" --site "$T/site"
json publish 0 "$EXPORTER" publish "${R[@]}" --site "$T/site"
json 'publish --check' 0 "$EXPORTER" publish --check "${R[@]}" --site "$T/site"
json 'status of the exporter' 1 "$EXPORTER" status --index "$T/index" "${R[@]}"
json maintain 0 "$EXPORTER" maintain "${R[@]}"
json audit 0 "$EXPORTER" audit "${R[@]}"
same "audit --json is audit --format json" \
	<("$EXPORTER" audit --json --at HEAD "${R[@]}") <("$EXPORTER" audit --format json --at HEAD "${R[@]}")
exits "audit takes both" 0 "$EXPORTER" audit "${R[@]}" --json --format json
exits "but not two formats" 2 "$EXPORTER" audit "${R[@]}" --json --format csv
json log 0 "$EXPORTER" log "${R[@]}"
json diff 0 "$EXPORTER" diff "${R[@]}" main~1 main
json snapshot 0 "$EXPORTER" snapshot "${R[@]}" --label v1 --reason why
json verify 0 "$EXPORTER" verify "${R[@]}"
is "these are all that have it" \
	"$({ for c in $(names <("$INDEXER" help)); do "$INDEXER" help "$c" | grep -q -e --json && echo "$c"; done
		for c in $(names <("$EXPORTER" help)); do "$EXPORTER" help "$c" | grep -q -e --json && echo "$c"; done
	} | sort | xargs)" "audit check diff erase export log maintain prune publish scan snapshot status status verify"
exits "without -v, export logs no details" 0 "$EXPORTER" export --index "$T/index" --repo "$T/quiet"
is "none" "$(grep -c ': debug: ' "$T/err")" 0
exits "-v logs them" 0 "$EXPORTER" -v export --index "$T/index" --repo "$T/loud"
ok "such as how much was rendered" grep -q ': debug: rendered ' "$T/err"

# --- times ----------------------------------------------------------------------------------------

at() { # WHEN WANT: which snapshot that is, a day after the last one
	is "--at '$1'" "$(SOURCE_DATE_EPOCH=1720483200 "$EXPORTER" log "${R[@]}" --json --at "$1" 2>&1 |
		head -n 1 | jq -r .commit)" "$2"
}
at 2024-07-01T00:00 "$first"
at '2024-07-01 00:00' "$first"
at 2024-07-01T00:00:00 "$first"
at 2024-07-01T00:00:00Z "$first"
at 2024-07-07T23:59:59 "$first"
at 2024-07-08T00:00 "$last"
at 2024-07-01 "$first"
at 2024-07-08 "$last"
at now "$last"
at today "$last"
at yesterday "$last"
at 'last day' "$last"
at 'last week' "$first"
at '1 week ago' "$first"
at 'last hour' "$last"
exits "a week before the first snapshot there is none" 1 env SOURCE_DATE_EPOCH=1719792000 \
	"$EXPORTER" log "${R[@]}" --at 'last week'
for when in 'last weak' tomorrow 2024-7-1 2024-13-01 01.07.2024 'july 1st' HEAD~7 "$first"x; do
	exits "'$when' is refused" 1 "$EXPORTER" publish "${R[@]}" --site "$T/site" --at "$when"
	message "the message lists what is understood" "albumen-exporter: error: no snapshot '$when' in '$T/repo'; WHEN is a time (2026-11-22, '2026-11-22 04:34', 2026-11-22T05:34:26+01:00, now, today, yesterday, 'last week', '2 days ago') or a revision (an id, a label, HEAD~3)"
done
exits "a site is brought to a time" 0 "$EXPORTER" publish "${R[@]}" --site "$T/site" --at 2024-07-01T12:00
is "to its snapshot" "$(jq -r .commit "$T/site/snapshot.json")" "$first"
exits "--rev is another name for --at" 0 "$EXPORTER" publish "${R[@]}" --site "$T/site" --rev 'last week'
exits "and takes a revision" 0 "$EXPORTER" publish "${R[@]}" --site "$T/site" --rev main
is "as it did" "$(jq -r .commit "$T/site/snapshot.json")" "$last"
exits "both are one option" 2 "$EXPORTER" publish "${R[@]}" --site "$T/site" --rev main --at now
message "which has one value" "albumen-exporter: error: '--rev main' and '--at now' contradict each other (try 'albumen-exporter publish --help')"
exits "a time cannot be a label" 2 "$EXPORTER" snapshot "${R[@]}" --label today --reason why
done_testing
