/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_GATE_H
#define DATA_INDEX_GATE_H

#include <stdbool.h>

#include "data/index/claim.h"
#include "data/index/index.h"

/*
 * gate - whether an index takes records that contain secrets (data/format/secret.h).
 * This is a setting of the index, since it decides about all of its content. The caller
 * that reads the files must obey it.
 *
 *	change = gate_compare(txn, allow);	(first)
 *	gate_must_read(change, &known)	(even if the file has not changed)
 *	gate_set(index, allow, err);	(before the first file is read)
 */

enum gate_change {
	GATE_SAME,
	GATE_OPENS,  /* records rejected for secrets are taken from now on */
	GATE_CLOSES, /* records that were taken must be checked */
};

/* What changes if the index takes secrets or not. */
enum gate_change gate_compare(struct index_txn *txn, bool allow_secrets);
/* Whether the change requires that a known file is read again. */
bool gate_must_read(enum gate_change change, const struct claim_file *known);

/*
 * Stores the setting, durably, and marks the files that must be read again; does
 * nothing if the setting is the same. If the gate closes, withdraws the claims on texts
 * that contain a secret at once, also of files that can no longer be read. No
 * transaction may be open.
 */
int gate_set(struct index *index, bool allow_secrets, struct err *err);

/* The setting. A new index does not take secrets. */
bool gate_takes_secrets(struct index_txn *txn);

#endif
