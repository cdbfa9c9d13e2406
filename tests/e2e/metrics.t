#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The files of metrics that watch, follow and status write for Prometheus: they have the format
# that its collector reads, they are whole, and their metrics are right and renewed.
. "$(dirname "$0")/lib.sh"

cat >"$T/read.py" <<'END'
"""read.py FILE [NAME] - prints each metric as `NAME VALUE`, or the value of one. Fails unless
the file is as the text format of Prometheus, version 0.0.4, demands, and as node_exporter's
textfile collector takes it: HELP and TYPE before each metric, no name twice, no timestamp."""
import re
import sys
text = open(sys.argv[1], encoding="utf-8").read()
assert text.endswith("\n"), "no newline at the end"
lines, seen = text.split("\n")[:-1], {}
assert re.fullmatch(r"# albumen-(indexer|exporter) wrote this: .*", lines[0]), lines[0]
assert len(lines) % 3 == 1, "not HELP, TYPE and one metric each"
for help_, type_, metric in zip(lines[1::3], lines[2::3], lines[3::3]):
    name, label = re.fullmatch(
        r'(albumen_[a-z_]+)\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\} ([0-9.]+)', metric).groups()
    kind = "counter" if name.endswith("_total") else "gauge"
    assert re.fullmatch(rf"# HELP {name} [^\\]+\.", help_), help_
    assert type_ == f"# TYPE {name} {kind}", type_
    assert name not in seen, name
    seen[name] = label
if len(sys.argv) > 2:
    print(seen.get(sys.argv[2], "none"))
else:
    for pair in seen.items():
        print(*pair)
END
metric() { # FILE NAME
	"$PYTHON" "$T/read.py" "$T/$1" "albumen_$2"
}
is_metric() { # FILE NAME VALUE
	[ "$(metric "$1" "$2")" = "$3" ]
}
names() { # FILE
	"$PYTHON" "$T/read.py" "$T/$1" | cut -d' ' -f1 | sort | paste -sd' '
}
read_all() { # FILE...: as node_exporter does
	local file
	for file; do
		"$PYTHON" "$T/read.py" "$file" >/dev/null || return 1
		! command -v promtool >/dev/null || promtool check metrics <"$file" || return 1
	done
}

D=$T/data I=$T/index
mkdir "$D"
cp -r "$ROOT"/data/samples/* "$D"
echo '{"public_id":"x"}' >"$D/odd.json"
scan >/dev/null 2>&1

# --- status of the indexer

"$INDEXER" status --index "$I" --json --metrics "$T/i.prom" >"$T/status.json"
ok "the file of status is as it must be" read_all "$T/i.prom"
is "all may read it" "$(stat -c %a "$T/i.prom")" 644
is "it has these metrics" "$(names i.prom)" "albumen_albums albumen_build_info albumen_files \
albumen_images albumen_in_step albumen_overflows_total albumen_rejected_files albumen_rejects \
albumen_rescans_total albumen_sequence albumen_tag_images albumen_tags albumen_untagged_images \
albumen_walk_timestamp_seconds"
for pair in files:files images:images tags:tags tag_images:tag_images albums:albums \
	untagged_images:untagged rejects:rejects rejected_files:rejected_files \
	sequence:sequence overflows_total:overflows rescans_total:rescans; do
	is "${pair%:*} is what status says" "$(metric i.prom "${pair%:*}")" \
		"$(jq ".${pair#*:}" "$T/status.json")"
done
is "the time of the walk is, too" "$(date -ud "@$(metric i.prom walk_timestamp_seconds)" +%FT%TZ)" \
	"$(jq -r .walked "$T/status.json")"
ok "the label is the folder, the version that of the program" grep -qF \
	"albumen_build_info{index=\"$I\",version=\"$("$INDEXER" --version | grep -o '[^ ]*$')\"} 1" \
	"$T/i.prom"

# --- watch

umask 077
start watch "$INDEXER" watch --data "$D" --index "$I" --metrics "$T/watch.prom"
umask 022
ok "watch writes the same metrics" wait_until 30 is_metric watch.prom rescans_total 2
is "with the same names" "$(names watch.prom)" "$(names i.prom)"
is "all may read them, whatever the umask" "$(stat -c %a "$T/watch.prom")" 644
was=$(metric watch.prom images)
for n in 1 2 3; do
	printf '{"public_id":"m%d","album_id":"a"}\n' $n >"$D/m$n.json"
	ok "change $n is in them" wait_until 30 is_metric watch.prom images $((was + n))
done
mv "$T/watch.prom" "$T/gone.prom"
printf '{"public_id":"m4","album_id":"a"}\n' >"$D/m4.json"
ok "a file that was removed is made again" wait_until 30 is_metric watch.prom images $((was + 4))

# --- follow

follow() {
	start follow "$EXPORTER" follow --index "$I" --repo "$T/repo" --site "$T/site" \
		--metrics "$T/follow.prom"
}
follow
ok "follow writes them" wait_until 30 is_metric follow.prom exports_total 1
ok "its file is as it must be, that of watch, too" read_all "$T/follow.prom" "$T/watch.prom"
is "it has these metrics" "$(names follow.prom)" "albumen_build_info albumen_bytes_written_total \
albumen_checked_timestamp_seconds albumen_export_duration_seconds albumen_export_errors_total \
albumen_exports_total albumen_files_written_total albumen_oversize_responses \
albumen_sequence_lag albumen_snapshot_sequence albumen_snapshot_timestamp_seconds"
is "no name is in both files with another help" \
	"$(grep -h '^# HELP' "$T/follow.prom" "$T/watch.prom" | sort -u | cut -d' ' -f3 | uniq -d)" ""
there_are() { # the names of both files, a line each
	names follow.prom | tr ' ' '\n'
	names watch.prom | tr ' ' '\n'
}
same "albumen(7) explains these, and no others" \
	<(grep -E '^\.(It )?Va albumen_' "$ROOT/data/albumen.7" | grep -o 'albumen_[a-z_]*' | sort -u) \
	<(there_are | sort -u)
is "the alerting rules use no others" \
	"$(grep -o 'albumen_[a-z_]*' "$ROOT/data/examples/alerts.yml" | sort -u | comm -23 - <(there_are | sort -u))" ""
is "the time is that of the snapshot" "$(metric follow.prom snapshot_timestamp_seconds)" \
	"$(git -C "$T/repo" log -1 --format=%ct)"
is "the sequence is, too" "$(metric follow.prom snapshot_sequence)" \
	"$(git -C "$T/repo" log -1 --format='%(trailers:key=Albumen-Sequence,valueonly)' | head -n 1)"
is "nothing is behind" "$(metric follow.prom sequence_lag)" 0
is "nothing has failed" "$(metric follow.prom export_errors_total)" 0
is "the files of the site were written" "$(metric follow.prom files_written_total)" \
	"$(find "$T/site/api" -type f | wc -l)"
is "and their bytes" "$(metric follow.prom bytes_written_total)" \
	"$(find "$T/site/api" -type f -exec cat {} + | wc -c)"
ok "the labels are the two folders" grep -qF \
	"albumen_exports_total{repo=\"$T/repo\",site=\"$T/site\"} 1" "$T/follow.prom"
printf '{"public_id":"m5","album_id":"a"}\n' >"$D/m5.json"
ok "the next export is counted" wait_until 30 is_metric follow.prom exports_total 2
ok "nothing is behind then" wait_until 30 is_metric follow.prom sequence_lag 0

# --- status of the exporter

status() { # [OPTION]...
	"$EXPORTER" status --repo "$T/repo" --metrics "$T/e.prom" --fail-on none "$@" >/dev/null
}
status --index "$I" --site "$T/site"
ok "the file of status is as it must be" read_all "$T/e.prom"
is "it has the metrics of the snapshot" "$(names e.prom)" "albumen_build_info \
albumen_oversize_responses albumen_sequence_lag albumen_snapshot_sequence \
albumen_snapshot_timestamp_seconds"
is "they are those of follow, labels and all" \
	"$(grep -vE '^#|_(lag|info)' "$T/e.prom")" \
	"$(grep -E '^albumen_(snapshot|oversize)' "$T/follow.prom")"
is "nothing is behind" "$(metric e.prom sequence_lag)" 0
status
is "without an index no lag is known" "$(metric e.prom sequence_lag)" none
is "the snapshot says its sequence" "$(metric e.prom snapshot_sequence)" \
	"$(metric follow.prom snapshot_sequence)"
is "without a site there is no such label" "$(grep -c site= "$T/e.prom")" 0
exits "the file may not lie in the site" 1 "$EXPORTER" status --repo "$T/repo" --site "$T/site" \
	--metrics "$T/site/e.prom"
ok "an ordinary --json still comes out" jq -e .commit \
	<("$EXPORTER" status --repo "$T/repo" --metrics "$T/e.prom" --json)

# While the repository is locked, nothing can be exported.
exec 8>>"$T/repo/albumen-exporter.lock"
flock 8
printf '{"public_id":"m6","album_id":"a"}\n' >"$D/m6.json"
ahead() {
	[ "$(metric follow.prom sequence_lag)" -gt 0 ]
}
lags() {
	status --index "$I" && is_metric e.prom sequence_lag "$(metric follow.prom sequence_lag)"
}
ok "what cannot be exported shows as a lag" wait_until 30 ahead
ok "status says the same" wait_until 30 lags
is "that is no failure" "$(metric follow.prom export_errors_total)" 0
exec 8>&-
ok "then it goes away" wait_until 30 is_metric follow.prom sequence_lag 0
is "three exports had something to do" "$(metric follow.prom exports_total)" 3

# The folder cannot be written to: both go on. (Another file is there for root, too.)
mkdir "$T/kept"
for name in follow watch; do # each may write its file again in between
	until mv -T "$T/$name.prom" "$T/kept/$name.prom" && mkdir "$T/$name.prom" 2>/dev/null; do
		:
	done
done
ping "$D"
warned() {
	grep -q "the metrics are tried again" "$T/watch.log" && grep -q "the metrics are tried again" "$T/follow.log"
}
ok "metrics that cannot be written are warned about" wait_until 30 warned
rmdir "$T/follow.prom" "$T/watch.prom"
ping "$D"
again() {
	grep -q "the metrics are written again" "$T/watch.log" &&
		grep -q "the metrics are written again" "$T/follow.log"
}
ok "they are written when they can be" wait_until 30 again

before=$(metric follow.prom exports_total)
ok "follow ends with status 0" stop follow
ok "watch, too" stop watch
is "the last metrics stay" "$(metric follow.prom exports_total)" "$before"
follow
ok "a new process knows the last snapshot" wait_until 30 is_metric follow.prom \
	snapshot_timestamp_seconds "$(git -C "$T/repo" log -1 --format=%ct)"
is "it counts from 0" "$(metric follow.prom exports_total)" 0
is "and no export, so no time of one" "$(metric follow.prom export_duration_seconds)" none
# Main was set back: follow refuses, and ends.
git -C "$T/repo" update-ref refs/heads/main main~1
printf '{"public_id":"m7","album_id":"a"}\n' >"$D/m7.json"
scan >/dev/null 2>&1
ended() {
	! alive follow
}
ok "follow ends when it must refuse" wait_until 30 ended
is "its last metrics count that" "$(metric follow.prom export_errors_total)" 1

# --- what is refused

exits "a file in the metadata folder" 1 "$INDEXER" watch --data "$D" --index "$I" --metrics "$D/x.prom"
ok "the message says why" grep -q "where it does not belong" "$T/err"
exits "a file in the site" 1 "$EXPORTER" follow --index "$I" --repo "$T/repo" --site "$T/site" \
	--metrics "$T/site/x.prom"
exits "a file in the repository" 1 "$EXPORTER" follow --index "$I" --repo "$T/repo" \
	--metrics "$T/repo/x.prom"
# An empty file would be replaced, as INDEX/changed may be.
: >"$T/empty" && mv "$T/empty" "$I"
exits "a file in the index" 1 "$INDEXER" status --index "$I" --metrics "$I/empty"
exits "a file in the index of the exporter" 1 "$EXPORTER" status --index "$I" --repo "$T/repo" \
	--metrics "$I/empty"
ok "it is still empty" test ! -s "$I/empty"
rm "$I/empty"
exits "a folder that does not exist" 1 "$INDEXER" status --index "$I" --metrics "$T/no/x.prom"
exits "a device" 1 "$INDEXER" status --index "$I" --metrics /dev/null
ok "it is still one" test -c /dev/null
echo precious >"$T/x.prom"
exits "a file of something else" 1 "$INDEXER" status --index "$I" --metrics "$T/x.prom"
is "it is as it was" "$(<"$T/x.prom")" precious
exits "the file of the other program" 1 "$EXPORTER" follow --index "$I" --repo "$T/repo" \
	--metrics "$T/i.prom"
ok "the message says what mends that" grep -q "give --metrics another file" "$T/err"

is "no temporary file is left" "$(find "$T" -maxdepth 1 -name '.albumen-tmp*')" ""
done_testing
