#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a token allows, as exporter/edge/token.js decides it for each edge.
. "$(dirname "$0")/lib.sh"

ok "each part of the decision" njs "$ROOT/tests/edge/token.js"
done_testing
