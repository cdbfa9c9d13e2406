/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_CHECK_H
#define DATA_INDEX_CHECK_H

#include <stdint.h>

#include "data/base/err.h"
#include "data/index/index.h"

/*
 * check - recomputes every derived table of an index from its claims and compares
 * (`albumen-indexer check`).
 */

/* Called for each difference with one line of text. */
typedef void check_fn(const char *difference, void *payload);

/* Returns 0 also if there are differences, whose number it sets; negative only if the
 * index cannot be read. */
int check_index(struct index_txn *txn, check_fn *each, void *payload,
		uint64_t *differences, struct err *err);

#endif
