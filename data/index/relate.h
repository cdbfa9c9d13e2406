/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_RELATE_H
#define DATA_INDEX_RELATE_H

#include <stdint.h>

#include "data/base/err.h"
#include "data/index/row.h"

struct index_txn;

/*
 * relate - what follows from the winner of a record: which records are known, which tag
 * images are live, which image is in which album and is tagged, and which responses are
 * stale. Internal: programs use claim.h.
 */

/*
 * Makes the version `key` the winner of the record `number`; NULL: no claim on it is
 * left. Touches only what depends on it.
 */
int relate_winner(struct index_txn *txn, uint64_t number,
		  const struct row_version_key *key, struct err *err);

#endif
