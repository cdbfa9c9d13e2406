#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nginx answers every case of tests/edge/cases.json.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/edge/lib.sh"

# nginx is stopped, not killed: its workers would survive.
trap 'status=$?; [ -f "$T/nginx.pid" ] && stop nginx; (exit "$status"); cleanup' EXIT

SITE=$T/site
PORT=$(free_port)
URL=http://127.0.0.1:$PORT
mkdir "$T/run"

ok "a site is made" edge_site "$SITE"
"$EXPORTER" edge --site "$SITE" --listen "$PORT" >"$T/nginx.conf"
spawn nginx nginx -p "$T/run" -c "$T/nginx.conf" -g 'daemon off;'
ok "nginx runs" wait_until 10 curl -s "$URL/"
edge_cases nginx "$URL"
edge_states nginx "$URL"
done_testing
