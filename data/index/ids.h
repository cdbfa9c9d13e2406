/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_IDS_H
#define DATA_INDEX_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "data/index/txn.h"

/*
 * ids - the numbers of records and albums, by kind and id. They start at 1 and fit 32
 * bits, as the tables of numbers in memory need. While an index is built, ids and
 * numbers are in memory, and the tables `id` and `record` are empty
 * (data/index/build_ids.h).
 */

/* The number of (kind, id), or 0. */
uint64_t ids_number(struct index_txn *txn, unsigned kind, const struct record_id *id);
/* Whether `number` is the number of (kind, id). If not, answers would show another
 * record in its place: fails the transaction. */
bool ids_is(struct index_txn *txn, unsigned kind, const struct record_id *id,
	    uint64_t number);
/* The number of (kind, id). If it has none, gives it one and a row.
 * Fails the transaction if no number is left. */
uint64_t ids_intern(struct index_txn *txn, unsigned kind, const struct record_id *id);
/* The same with build_ids_hash of (kind, id). */
uint64_t ids_intern_hashed(struct index_txn *txn, uint32_t hash, unsigned kind,
			   const struct record_id *id);

/* The id with this number. ERR_FORMAT: its row is damaged or missing. */
int ids_name(struct index_txn *txn, uint64_t number, struct record_id *out);

/* The key in the table `id`; returns its length. */
size_t ids_key(unsigned char key[RECORD_ID_MAX + 1], unsigned kind, const char *id,
	       size_t len);

#endif
