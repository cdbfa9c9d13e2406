#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Worker over an R2 bucket answers what every edge answers.
. "$(dirname "$0")/../e2e/lib.sh"
. "$ROOT/tests/edge/lib.sh"
. "$ROOT/tests/worker/lib.sh"

SITE=$T/site
PREFIX="a library/é+(1)"
PORT=$(free_port)
URL=http://127.0.0.1:$PORT
ok "a site is made" edge_site "$SITE"
find "$SITE" -type l -delete
"$EXPORTER" edge --for worker --site "s3://photos/$PREFIX" >"$T/worker.js"
spawn r2 node "$ROOT/tests/worker/r2.mjs" "$T/worker.js" "$PORT" "$SITE" "$PREFIX"
ok "the Worker runs" wait_until 60 grep -qx ready "$T/r2.log" || diag <"$T/r2.log"
edge_cases worker "$URL"
stop r2
done_testing
