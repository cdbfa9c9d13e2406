#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the programs make is never writable by everybody, whatever the umask; what the owner,
# the group and others may do follows the umask otherwise. What the services may touch.
. "$(dirname "$0")/lib.sh"

cp -r "$ROOT/data/samples" "$T/data"
ssh-keygen -q -t ed25519 -N '' -f "$T/key"
echo "a@example.org $(<"$T/key.pub")" >"$T/signers"

everything() { # FOLDER: runs what writes, with all that it writes below this folder
	local at=$1
	mkdir "$at" && chmod 777 "$at" && cd "$at" || return 1
	export ALBUMEN_DATA=$T/data ALBUMEN_INDEX=$at/index ALBUMEN_REPO=$at/repo
	"$INDEXER" scan &&
		"$EXPORTER" export --site site --collections --audit-page --sign "$T/key" &&
		"$EXPORTER" snapshot --label one --reason r --sign "$T/key" &&
		"$EXPORTER" publish --site site2 --at one &&
		"$EXPORTER" verify --signers "$T/signers" &&
		"$EXPORTER" bundle bundle.tar &&
		"$EXPORTER" maintain &&
		start "watch-${at##*/}" "$INDEXER" watch &&
		start "follow-${at##*/}" "$EXPORTER" follow --site site --sign "$T/key" &&
		grep -H ^Umask "/proc/$(<"$T/watch-${at##*/}.pid")/status" \
			"/proc/$(<"$T/follow-${at##*/}.pid")/status" >"$T/umasks" &&
		stop "watch-${at##*/}" && stop "follow-${at##*/}"
}
modes() { # FIND-EXPRESSION...: what matches in the last folder
	find "$at" -mindepth 1 ! -type l "$@" -printf '%m %P\n'
}

for mask in 000 002; do
	at=$T/$mask
	umask "$mask"
	ok "umask $mask: every command runs" everything "$at"
	is "umask $mask: nothing is writable by everybody" "$(modes -perm /o=w)" ""
	ok "umask $mask: the group may write the index" [ -n "$(modes -path "$at/index/*" -perm -g=w)" ]
	ok "umask $mask: the group may write folders of the site" \
		[ -n "$(modes -path "$at/site/*" -type d -perm -g=w)" ]
	is "umask $mask: watch and follow run with the same mask" \
		"$(sed 's/.*:\s*//' "$T/umasks" | sort -u)" 0002
done
at=$T/027
umask 027
ok "umask 027: every command runs" everything "$at"
is "umask 027: others may do nothing" "$(modes -perm /o=rwx)" ""
is "umask 027: the group may not write" "$(modes -perm /g=w)" ""

setting() { # KEY UNIT
	sed -n "s/^$1=//p" "$ROOT/data/systemd/$2" | tr '\n' ' ' | sed 's/ $//'
}
for unit in albumen-{indexer,exporter,edge,maintain}@.service; do
	is "$unit cannot read home folders" "$(setting ProtectHome "$unit")" yes
	is "$unit can write nothing else than its folder" "$(setting ProtectSystem "$unit")" strict
	is "$unit reads the configuration of its library, which must be there" \
		"$(setting EnvironmentFile "$unit")" /etc/albumen/%i.conf
	is "what $unit makes is closed to others" "$(setting UMask "$unit")" 0027
done
for unit in albumen-{indexer,exporter,maintain}@.service; do
	is "the folder of $unit is that of its library, which the web server passes through" \
		"$(setting StateDirectory "$unit") $(setting StateDirectoryMode "$unit")" "albumen/%i 0751"
done
for unit in albumen-{indexer,exporter}@.service; do
	is "$unit is started again after a signal and status 75, and not after a failure that would return" \
		"$(setting Restart "$unit") $(setting RestartForceExitStatus "$unit")" "on-abort 75"
done
is "nor is nginx" "$(setting Restart albumen-edge@.service)" on-abort
is "the indexer may use openat2(2)" "$(setting RestrictSUIDSGID albumen-indexer@.service)" ""
done_testing
