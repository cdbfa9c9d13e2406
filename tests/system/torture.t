#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A few seconds of each row of `make torture`, which draws another seed each time.
. "$(dirname "$0")/lib.sh"

seed=${SEED:-20261128}
for row in ${TORTURE_ROWS:-$("$ROOT/tests/torture/run" --list)}; do
	ok "torture, $row for ${TORTURE_ROW_S:-12} s, SEED=$seed" env ALBUMEN_BUILD="$BUILD" TMPDIR="$T" \
		"$ROOT/tests/torture/run" --rows "$row" --seconds "${TORTURE_ROW_S:-12}" --seed "$seed"
done
done_testing
