#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check-receipt accepts the receipts that albumen(7) describes, and refuses every other.
. "$(dirname "$0")/lib.sh"
CHECK=$ROOT/tests/check-receipt
MAKE=$ROOT/tests/model/make_receipt.py
SEED=${SEED:-$RANDOM}
export TMPDIR=$T/tmp
mkdir "$TMPDIR"

"$PYTHON" "$MAKE" cases "$T/cases" >"$T/list"
is "the receipts are made" $? 0

accepted() { # FILE SIGNERS REGEX
	"$CHECK" "$1" "$2" >"$T/out" 2>"$T/err" || return 1
	[ ! -s "$T/err" ] && [ "$(wc -l <"$T/out")" = 2 ] && grep -Eq -e "$3" "$T/out"
}
refused() { # FILE SIGNERS REGEX: with status 1, and one line of plain text
	"$CHECK" "$1" "$2" >"$T/out" 2>"$T/err"
	[ $? = 1 ] && [ ! -s "$T/out" ] && [ "$(wc -l <"$T/err")" = 1 ] &&
		grep -Eq -e "^check-receipt: .*: .*($3)" "$T/err" && ! grep -q '[^ -~]' "$T/err"
}
while IFS=$'\t' read -r kind file signers regex name; do
	if [ "$kind" = good ]; then
		ok "accepted: $name" accepted "$file" "$signers" "$regex" || cut -b -300 "$T/err" | diag
	else
		ok "refused: $name" refused "$file" "$signers" "$regex" || cut -b -300 "$T/out" "$T/err" | diag
	fi
done <"$T/list"

ok "1000 flipped bits are refused (SEED=$SEED)" \
	"$PYTHON" "$MAKE" flips "$T/cases" "$CHECK" "$SEED" 1000

receipt=$T/cases/001
signers=$T/cases/allowed
is "it says what was answered, when, and who signed that" \
	"$("$CHECK" "$receipt" "$signers" | sed 's/ [0-9]* bytes/ N bytes/; s/commit [0-9a-f]\{40\}$/commit C/')" \
	"/api/v1/tag_images?image_ids[]=one was answered with the body in it, N bytes
at 2020-05-05T11:10:02Z, signed by clerk@example.org in commit C"
exits "it reads standard input" 0 "$CHECK" - "$signers" <"$receipt"
exits "it reads pipes" 0 "$CHECK" <(cat "$receipt") <(cat "$signers")
exits "it runs in any locale, and any time zone" 0 env LC_ALL=C TZ=Asia/Tokyo "$CHECK" "$receipt" "$signers"
printf 'import sys\nsys.exit("a stranger runs")\n' >"$T/json.py"
cp "$CHECK" "$T/copy"
exits "modules beside it or in PYTHONPATH do not run" 0 env PYTHONPATH="$T" "$T/copy" "$receipt" "$signers"

exits "no argument is wrong usage" 2 "$CHECK"
exits "so is one" 2 "$CHECK" "$receipt"
exits "so are three" 2 "$CHECK" "$receipt" "$signers" "$signers"
exits "so is an option" 2 "$CHECK" --help "$signers"
ok "the usage is printed" grep -q ^usage: "$T/err"
ok "a file that is not there is refused" refused "$T/missing" "$signers" "No such file"
ok "so is a folder" refused "$T" "$signers" "Is a directory"
ok "names of files are printed plainly" refused "$T/"$'\e\n\xff\xc3\xa9' "$signers" "No such file"
ok "so is what a signer is called" eval '
	printf "%s %s\n" "$(printf "\303\251\033\\\\")" "$(cut -d" " -f2- "$signers")" >"$T/odd"
	accepted "$receipt" "$T/odd" "signed by .*xc3.xa9.x1b"'
truncate -s 513M "$T/huge"
ok "a file of more than 512 MiB is refused" refused "$T/huge" "$signers" "larger than 512 MiB"
exits "output that cannot be written is a failure" 1 bash -c '"$@" >/dev/full' _ "$CHECK" "$receipt" "$signers"
mkdir "$T/bin"
exits "without ssh-keygen nothing is proven" 1 env PATH="$T/bin" "$CHECK" "$receipt" "$signers"
ok "it says what is missing" grep -q "No such file or directory: 'ssh-keygen'" "$T/err"

# Signals, while ssh-keygen takes its time.
printf '#!/bin/sh\necho >"%s/begun"\nread line <"%s/fifo"\n' "$T" "$T" >"$T/bin/ssh-keygen"
chmod +x "$T/bin/ssh-keygen"
mkfifo "$T/fifo"
spawn slow env PATH="$T/bin:$PATH" "$CHECK" "$receipt" "$signers"
ok "a check begins" wait_until 20 [ -e "$T/begun" ]
stop slow
is "and ends by a signal" $? 143
is "no temporary file is left" "$(ls -A "$TMPDIR")" ""
done_testing
