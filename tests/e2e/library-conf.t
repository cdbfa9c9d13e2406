#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The example of a library's configuration has every option that the service units can be
# given, no other, and works as it stands and with every line in effect.
. "$(dirname "$0")/lib.sh"

conf=$ROOT/data/examples/library.conf

# What the commands of the units take, but for what is not for a configuration (`accept`, and what
# is for one run) and what the units say themselves, or only other edges have.
{
	"$INDEXER" watch --help
	for command in follow edge maintain; do "$EXPORTER" "$command" --help; done
} | sed -n 's/^  .*--\([a-z-]*\).*/\1/p' |
	grep -Evx 'for|server-name|tls-certificate|tls-key|libraries|accept|accept-withdrawal|ready-fd|json|metrics|help|version' | tr a-z- A-Z_ | sort -u >"$T/options"
sed -n 's/^#\?ALBUMEN_\([A-Z_]*\)=.*/\1/p' "$conf" | sort >"$T/example"
same "the example has the options of the services, each once" "$T/example" "$T/options"

is "as it stands it says nothing" "$(grep -v '^#' "$conf" | tr -d '\n')" ""
# Every line in effect, the library being called photos, in a folder of this test. A comment begins
# with a blank after `#`.
sed -e 's/^#\([A-Za-z]\)/\1/' -e "s,/var/lib/albumen/NAME,$T/photos,; s,/srv/albumen/NAME,$T/srv," \
	-e "s,^ALBUMEN_SIGN=.*,ALBUMEN_SIGN=$T/key,; s,^ALBUMEN_TOKENS=.*,ALBUMEN_TOKENS=$T/tokens,; s,^\(ALBUMEN_LISTEN=\).*,\1127.0.0.1:$(free_port)," "$conf" >"$T/photos.conf"
ssh-keygen -q -t ed25519 -N '' -f "$T/key"
(umask 077 && echo '{"us":"x"}' >"$T/tokens")
mkdir -p "$T/srv"
cp -r "$ROOT/data/samples" "$T/srv/metadata"
# The file is one of systemd, which reads it as a shell does: only quoted values have blanks.
# shellcheck source=/dev/null
with() { (set -a && . "$T/photos.conf" && "$@"); } # CMD...
exits "the indexer takes every line" 0 with "$INDEXER" scan
is "and warns of none" "$(grep warning "$T/err")" ""
exits "so does the exporter" 0 with "$EXPORTER" export
is "and warns of none" "$(grep warning "$T/err")" ""
trailers() { git -C "$T/photos/repo" log -1 --format="%(trailers:key=$1,valueonly,separator=%x2c)" | sed 's/;[^,]*//g'; }
is "of a value on several lines each counts" "$(trailers Albumen-Drop)" exifs,infos.original_filename
is "the library has its name" "$(trailers Albumen-Name)" "Photographs of the harbour"
ok "the snapshot is signed" grep -q 'SSH SIGNATURE' <(git -C "$T/photos/repo" cat-file commit main)
ok "the page is written" test -e "$T/photos/site/audit/index.html"
exits "the edge takes every line" 0 with "$EXPORTER" edge
ok "and nginx listens where it says" grep -q "listen $(sed -n 's/^ALBUMEN_LISTEN=//p' "$T/photos.conf");" "$T/out"
exits "so does maintain" 0 with "$EXPORTER" maintain
done_testing
