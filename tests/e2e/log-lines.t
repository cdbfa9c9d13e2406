#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The log on standard error: text for people, priorities for the journal, JSON for programs.
. "$(dirname "$0")/lib.sh"

mkdir "$T/data"
cp "$ROOT"/data/samples/albums/*.json "$T/data"
hostile=$'a "quoted" \\ \e[31mname \xff\n'
echo '{' >"$T/data/$hostile.json"

journaled() { # CMD...: standard error is a file that the journal is said to read
	: >"$T/err"
	JOURNAL_STREAM=$(stat -c %d:%i "$T/err") "$@" >"$T/out" 2>"$T/err"
}

# Text.
exits "a scan with a reject" 3 scan
is "without a journal, a line begins with the program" \
	"$(cut -d: -f1,2 "$T/err" | sort -u)" 'albumen-indexer: warning'
warning=$(sed 's/^[^:]*: [^:]*: //' "$T/err")
rm -r "$T/index"

# The journal.
journaled "$INDEXER" -v scan --data "$T/data" --index "$T/index"
is "for the journal, a warning begins with its priority" \
	"$(grep -c '^<4>albumen-indexer: warning: ' "$T/err")" 1
journaled "$INDEXER" scan --data "$T/none" --index "$T/index"
is "so does an error" "$(cut -c1-26 "$T/err")" '<3>albumen-indexer: error:'
journaled "$EXPORTER" -v export --index "$T/index" --repo "$T/repo"
is "and so do details, and all else" "$(cut -d: -f1,2 "$T/err" | sort -u | grep -v debug)$(
	cut -d: -f1,2 "$T/err" | sort -u | grep debug)" '<7>albumen-exporter: debug'
exits "standard error is not the journal" 1 env "JOURNAL_STREAM=$(stat -c %d:0 "$T")" "$INDEXER" scan --data "$T/none" --index "$T/index"
is "then there is no priority" "$(cut -c1-23 "$T/err")" 'albumen-indexer: error:'
exits "a variable that is not understood" 1 env JOURNAL_STREAM=x "$INDEXER" scan --data "$T/none" --index "$T/index"
is "changes nothing" "$(cut -c1-23 "$T/err")" 'albumen-indexer: error:'

# JSON.
rm -r "$T/index"
before=$(date -u +%FT%TZ)
exits "--log json" 3 scan --log json
is "each line is an object with these members" \
	"$(jq -c 'keys_unsorted' "$T/err" | sort -u)" '["time","level","program","message"]'
is "the message is that of the text" "$(jq -r .message "$T/err")" "$warning"
is "level and program" "$(jq -r '.level + " " + .program' "$T/err")" 'warning albumen-indexer'
ok "the time is in UTC, with milliseconds" jq -e --arg before "$before" \
	'(.time | test("^[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z$")) and .time >= ($before | sub("Z"; "")) and
	(.time | sub("\\.[0-9]*"; "") | fromdate) <= now' "$T/err"
exits "the variable stands in" 1 env ALBUMEN_LOG=json "$INDEXER" scan --data "$T/none" --index "$T/index"
is "for the option" "$(jq -r .level "$T/err")" error
exits "the option goes before it" 1 env ALBUMEN_LOG=json "$INDEXER" scan --log text --data "$T/none" --index "$T/index"
is "and asks for text" "$(cut -c1-23 "$T/err")" 'albumen-indexer: error:'
journaled "$INDEXER" --log=json scan --data "$T/none" --index "$T/index"
is "for the journal, the priority comes first" "$(cut -c1-4 "$T/err")" '<3>{'
is "and then the object" "$(cut -c4- "$T/err" | jq -r .level)" error
for wrong in --bogus "--log=json --data" "--data= --data=x"; do
	# The words of $wrong are arguments.
	# shellcheck disable=SC2086
	exits "a command line that is refused: $wrong" 2 "$INDEXER" scan --index "$T/index" --log json $wrong
	is "is JSON, too" "$(jq -r .level "$T/err")" error
done
exits "another format is refused" 2 scan --log xml
is "the message says which there are" "$(<"$T/err")" \
	"albumen-indexer: error: option '--log' is 'text' or 'json', not 'xml' (try 'albumen-indexer scan --help')"
exits "two formats are refused" 2 scan --log json --log text
exits "so is an empty one" 2 scan --log=
exits "one format twice is not" 1 "$INDEXER" scan --data "$T/none" --index "$T/index" --log json --log json
done_testing
