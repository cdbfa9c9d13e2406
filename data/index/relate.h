/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_RELATE_H
#define DATA_INDEX_RELATE_H

#include <stdint.h>

#include "data/base/err.h"
#include "data/index/row.h"

struct index_txn;

/*
 * relate - what follows from a record's winner: who is known, who is live, which
 * image lies in which album and is tagged, and which responses that makes stale.
 * Inside of the index: programs use claim.h.
 */

/*
 * The version `key` is the winner of record `number` from now on; NULL: nothing
 * is claimed for it any more. Touches only what depends on it.
 */
int relate_winner(struct index_txn *txn, uint64_t number,
		  const struct row_version_key *key, struct err *err);

#endif
