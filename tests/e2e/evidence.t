#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Random histories of snapshots, whole, pruned or with records erased: audit, log, show and diff on a
# clone, against the model.
# HISTORIES, STEPS and SAMPLE (snapshots asked about; 0: all) scale it up; SEED repeats.
. "$(dirname "$0")/lib.sh"

seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
for ((i = 0; i < ${HISTORIES:-2}; i++)); do
	for after in '' prune erase prune,erase; do
		ok "history of ${STEPS:-40} snapshots${after:+, after ${after/,/ and }}, SEED=$((seed + i))" \
			"$PYTHON" "$ROOT/tests/model/evidence.py" --seed $((seed + i)) \
			--steps "${STEPS:-40}" --sample "${SAMPLE-3}" --indexer "$INDEXER" \
			--exporter "$EXPORTER" --work "$T/history-$i$after" --after "$after"
	done
done
done_testing
