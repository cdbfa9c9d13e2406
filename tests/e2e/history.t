#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Random histories of a folder, one scan and export at a time, against the model.
# HISTORIES and STEPS scale it up; SEED repeats a failure.
. "$(dirname "$0")/lib.sh"

seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
for ((i = 0; i < ${HISTORIES:-6}; i++)); do
	ok "history of ${STEPS:-200} steps, SEED=$((seed + i))" \
		"$PYTHON" "$ROOT/tests/model/history.py" once --seed $((seed + i)) \
		--steps "${STEPS:-200}" --indexer "$INDEXER" --exporter "$EXPORTER" \
		--work "$T/history-$i"
done
done_testing
