#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Clones of signed histories are tampered with in every way that a forger has; verify
# finds each and names it, and finds nothing in clean clones. TAMPER and CLEAN scale it
# up (1000 and 100 for a release); SEED repeats a run.
. "$(dirname "$0")/lib.sh"

command -v ssh-keygen >"$T/out" || skip_all "ssh-keygen is not installed"
seed=${SEED:-$(((RANDOM << 15) + RANDOM))}
mkdir "$T/work"
ok "${TAMPER:-99} tamperings and ${CLEAN:-20} clean clones, SEED=$seed" \
	"$PYTHON" "$ROOT/tests/model/tamper.py" --seed "$seed" --count "${TAMPER:-99}" \
	--snapshots "${SNAPSHOTS:-16}" --clean "${CLEAN:-20}" --indexer "$INDEXER" \
	--exporter "$EXPORTER" --work "$T/work"
done_testing
