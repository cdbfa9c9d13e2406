/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_GATE_H
#define DATA_INDEX_GATE_H

#include <stdbool.h>

#include "data/index/claim.h"
#include "data/index/index.h"

/*
 * gate - whether an index takes records that hold secrets (data/format/secret.h). That is
 * a setting of the index, for it decides what the whole of it says; who reads the
 * files sees to it that they are read accordingly.
 *
 *	change = gate_compare(txn, allow);	(before anything is decided)
 *	gate_must_read(change, &known)	(though the file has not changed)
 *	gate_set(index, allow, err);	(before the first file is read)
 */

enum gate_change {
	GATE_SAME,
	GATE_OPENS,  /* what was rejected for a secret is to be taken now */
	GATE_CLOSES, /* what was taken is to be looked at */
};

/* What changes where the index is to take secrets or not. */
enum gate_change gate_compare(struct index_txn *txn, bool allow_secrets);
/* Whether the change asks for another reading of a known file. */
bool gate_must_read(enum gate_change change, const struct claim_file *known);

/*
 * Writes the setting down, durably, and that all those files must be read; does
 * nothing where it is the index's already. Where the gate closes, claims of texts
 * that hold a secret are withdrawn at once, also those of files that cannot be read
 * any more. No transaction may be open.
 */
int gate_set(struct index *index, bool allow_secrets, struct err *err);

/* The setting. A new index takes none. */
bool gate_takes_secrets(struct index_txn *txn);

#endif
