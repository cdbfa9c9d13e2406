/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_TXN_H
#define DATA_INDEX_TXN_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/index/meta.h"
#include "data/index/row.h"
#include "data/index/store.h"

/*
 * txn - a transaction of the index, and the rows of records. Internal: programs use
 * data/index/index.h.
 */

struct index_txn {
	struct index *index;
	const char *dir; /* of the index */
	struct store_txn *store;
	struct dictionary *dictionary; /* the index's */
	struct codec *codec;           /* with the dictionaries of this transaction */
	struct build_ids *ids; /* of all records while the index is built; else NULL */
	bool write;
	bool beside;            /* index_begin_beside */
	bool examined;          /* set by check: damage does not fail the transaction */
	bool was_building;      /* when the transaction began */
	uint64_t base_sequence; /* the sequence when it began */
	struct meta meta;
	uint64_t last_version; /* greatest record that has one; UINT64_MAX: unknown */
	struct buf row;        /* scratch of txn_record_put and ids_intern */
	struct buf text;       /* scratch of version.c */
	struct recent *tags;   /* of a reader: version_winner */
};

/* Begins a reader while a write transaction is open, for another thread. It sees what was
 * committed, and may be ended when the other one is. */
int index_begin_beside(struct index_txn **out, struct index *index, struct err *err);

/* Reports that something stored cannot be true. Fails the transaction, so that nothing
 * done in it afterwards counts, even if the caller ignores the result. (Only check,
 * which examines damage, goes on.) `txn` is NULL if there is none yet. Fills `err`
 * unless it is NULL, and returns ERR_FORMAT. */
int txn_damaged(struct index_txn *txn, struct err *err, const char *what);

/* Removes a row; it is damage if the row is not there. */
void txn_remove(struct index_txn *txn, enum table table, const void *key, size_t len,
		const char *what);

/* The record with this number. ERR_FORMAT: its row is damaged or missing. Every number
 * has a row, which is never removed. */
int txn_record_get(struct index_txn *txn, uint64_t number, struct row_record *out);
/* The same through a cursor on TABLE_RECORD, which is quicker where numbers ascend. */
int txn_record_at(struct store_cursor *records, struct index_txn *txn, uint64_t number,
		  struct row_record *out);
/* Whether the record with this number is (kind, id). */
bool txn_record_is(struct index_txn *txn, uint64_t number, unsigned kind,
		   const struct record_id *id);
/* Writes the row back (the number exists). */
void txn_record_put(struct index_txn *txn, uint64_t number, const struct row_record *row);

#endif
