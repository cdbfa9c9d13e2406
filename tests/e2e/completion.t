#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash, zsh and fish complete command lines with the scripts that the programs print: what a tab
# makes of what is typed, in each of them, and that they offer what --help has.
. "$(dirname "$0")/lib.sh"

shells="bash zsh fish"
for program in "$INDEXER" "$EXPORTER"; do
	for shell in $shells; do
		exits "${program##*/} has one for $shell" 0 "$program" completion "$shell"
		cp "$T/out" "$T/${program##*/}.$shell"
		ok "which is well-formed" "$shell" -n "$T/out"
	done
	exits "another shell is refused" 2 "$program" completion tcsh
	ok "the message has those that there are" grep -q "no completion for 'tcsh'; it is one of: $shells (try " "$T/err"
	exits "one must be given" 2 "$program" completion
	exits "help explains it" 0 "$program" help completion
done

mkdir "$T/work" "$T/work/folder one" "$T/work/other"
touch "$T/work/folder" "$T/work/out.tar" "$T/work/key.pub"
cd "$T/work" || exit 1

# --- what a tab makes -------------------------------------------------------------------------

# What is typed, with `>` for a tab, and what the program then gets.
cases='
pub>--aud> | publish --audit-page
export --index fo> --site oth> | export --index folder one/ --site other/
export --index=fol> | export --index=folder one/
audit --format h> | audit --format html
audit --format=h> | audit --format=html
export --sign k> | export --sign key.pub
export --sign=k> | export --sign=key.pub
--index other ex>--acc>hist> | --index other export --accept history
bundle --repo other ou> | bundle --repo other out.tar
erase --tag-im> | erase --tag-image
bundle --js> | bundle --js
completion fi> | completion fish
help snap> | help snapshot
show --f> | show --f
show fo> | show fo
log --reason pub> | log --reason pub
'
typed() { # SHELL
	sed -n 's/ | .*//p' <<<"$cases" | sed "s/>/\t/g; s/^/albumen-exporter /"
}
wanted() {
	sed -n 's/.* | //p' <<<"$cases"
}
said() { # with one form of an option and its value; zsh takes off the slash that it has put behind a folder
	sed -E 's/(--[a-z-]+)=/\1 /g; s/ +$//; s,/( |$),\1,g'
}
got='albumen-exporter() { printf "got:%s\n" "$*"; }'
{
	printf '%s\n' "$got" "source $T/albumen-exporter.bash" ''
	typed
} >"$T/keys"
"$PYTHON" "$ROOT/tests/e2e/keys.py" bash --norc --noprofile -i <"$T/keys" >"$T/bash"
same "bash completes" <(said <"$T/bash") <(wanted | said)
mkdir "$T/functions"
cp "$T/albumen-exporter.zsh" "$T/functions/_albumen-exporter"
{
	printf '%s\n' "$got" "fpath=($T/functions \$fpath)" 'autoload -Uz compinit' "compinit -u -d $T/dump" ''
	typed
} >"$T/keys"
"$PYTHON" "$ROOT/tests/e2e/keys.py" zsh -f -i <"$T/keys" >"$T/zsh"
same "zsh completes, with the script where it looks for one" <(said <"$T/zsh") <(wanted | said)
{
	printf '%s\n' "$got" 'autoload -Uz compinit' "compinit -u -d $T/dump2" "source $T/albumen-exporter.zsh" ''
	typed
} >"$T/keys"
"$PYTHON" "$ROOT/tests/e2e/keys.py" zsh -f -i <"$T/keys" >"$T/zsh"
same "so it does with a script that was sourced" <(said <"$T/zsh") <(wanted | said)

# --- all that there is ------------------------------------------------------------------------

names() { # of the commands in a program's help
	"$1" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p'
}
options() { # PROGRAM COMMAND: as --help has them
	"$1" "$2" --help | sed '1,/^options:/d' | grep -oE -- '^ .{5}--[a-z-]+' | sed 's/.*--/--/'
}
in_bash() { # PROGRAM WORD...: what bash offers for the last one
	bash -c 'source "$1"; compopt() { :; }; COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2))
		"$(complete -p "$2" | grep -o "_[a-z_]*")"; printf "%s\n" "${COMPREPLY[@]}"' - "$T/$1.bash" "$@"
}
in_fish() { # PROGRAM WORD...
	HOME=$T fish --no-config -c 'source $argv[1]; complete -C "$argv[2..]"' "$T/$1.fish" "$@" | cut -f 1
}
for program in "$INDEXER" "$EXPORTER"; do
	name=${program##*/}
	for shell in bash fish; do
		same "$shell offers the commands of $name" <("in_$shell" "$name" '' | sort) <(names "$program" | sort)
		for command in $(names "$program" | grep -v '^help$'); do
			same "$shell offers the options of $name $command" <("in_$shell" "$name" "$command" -- | grep -e ^-- | sort) \
				<(options "$program" "$command" | sort)
		done
	done
done
is "fish offers folders" "$(in_fish albumen-exporter export --index oth)" other/
is "fish offers folders behind =" "$(in_fish albumen-exporter export --index=oth)" --index=other/
is "fish offers words" "$(in_fish albumen-exporter --repo r audit --format h)" html
is "fish offers files" "$(in_fish albumen-exporter snapshot --sign k)" key.pub
is "as operands, too" "$(in_fish albumen-exporter bundle ou)" out.tar
is "but not where none is taken" "$(in_fish albumen-exporter maintain ou)" ""
is "fish offers shells" "$(in_fish albumen-exporter completion f)" fish
is "and commands to explain" "$(in_fish albumen-exporter help snap)" snapshot
done_testing
