#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A flipped bit in an index: what is exported is right, or the command fails.
# FLIPS and SEED set how many, and which.
. "$(dirname "$0")/lib.sh"

seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
# Nothing here is about the disk, and each flip costs several syncs.
[ -w /dev/shm ] && export TMPDIR=/dev/shm
ok "${FLIPS:-60} flips, none gives another tree, SEED=$seed" \
	"$PYTHON" "$ROOT/tests/model/flips.py" "$BUILD" "${FLIPS:-60}" "$seed"
diag <"$T/.ok"
done_testing
