#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Random histories of a folder with both programs running, and killed with -9 at
# random, against the model and a clean rebuild.
# HISTORIES and STEPS scale it up; SEED repeats the steps of a failure (not its timing).
. "$(dirname "$0")/lib.sh"

seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
for ((i = 0; i < ${HISTORIES:-10}; i++)); do
	ok "live history of ${STEPS:-200} steps, SEED=$((seed + i))" \
		"$PYTHON" "$ROOT/tests/model/history.py" live --seed $((seed + i)) \
		--steps "${STEPS:-200}" --indexer "$INDEXER" --exporter "$EXPORTER" \
		--work "$T/history-$i"
done
done_testing
