/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_FEED_H
#define DATA_INDEX_FEED_H

#include <stdint.h>

#include "data/index/index.h"
#include "data/index/query.h"
#include "data/index/row.h"

/*
 * feed - the change feed: which responses changed, in the order of their last
 * change. Inside of the index: programs read it through query.h.
 */

/* Moves the entry of a response to the end, giving it one where it has none.
 * `row` is that of its image, album or tag; the caller puts it. */
void feed_mark(struct index_txn *txn, uint64_t number, struct row_record *row,
	       enum query_response response);

/* Forgets entries of responses that no longer exist, once they outnumber the
 * others; raises index_feed_floor past what it forgot. */
void feed_prune(struct index_txn *txn);

#endif
