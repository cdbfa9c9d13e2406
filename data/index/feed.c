/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/feed.h"

#include "data/index/txn.h"

/* Entries of responses that are gone and that are kept in any case. */
#define GONE_KEPT 10000

static uint64_t *last_of(struct row_record *row, enum query_response response)
{
	return &row->feed[response == QUERY_IMAGES ? 1 : 0];
}

void feed_mark(struct index_txn *txn, uint64_t number, struct row_record *row,
	       enum query_response response)
{
	uint64_t *last = last_of(row, response);
	unsigned char key[8], value[9];

	/* Nobody has seen an entry of this transaction: it may stay where it is. */
	if (*last > txn->base_sequence) {
		return;
	}
	if (*last) {
		be64_put(key, *last);
		txn_remove(txn, TABLE_FEED, key, sizeof(key), "the feed");
	}
	*last = ++txn->meta.sequence;
	be64_put(key, *last);
	value[0] = (unsigned char)response;
	be64_put(value + 1, number);
	store_append(txn->store, TABLE_FEED, key, sizeof(key), value, sizeof(value));
}

/* Forgets the entry under the cursor if its response is gone; true if it did. */
static bool forget_if_gone(struct index_txn *txn, struct store_cursor *c)
{
	const unsigned char *value = store_cursor_value(c).data;
	enum query_response response;
	uint64_t sequence, number;
	struct row_record row;
	unsigned char key[8];

	if (store_key(c).len != 8 || store_cursor_value(c).len != 9) {
		txn_damaged(txn, NULL, "the feed");
		return false;
	}
	sequence = be64_get(store_key(c).data);
	response = (enum query_response)value[0];
	number = be64_get(value + 1);
	if (txn_record_get(txn, number, &row) < 0 || row.known) {
		return false;
	}
	if (*last_of(&row, response) != sequence) {
		txn_damaged(txn, NULL, "the feed");
		return false;
	}
	*last_of(&row, response) = 0;
	txn_record_put(txn, number, &row);
	be64_put(key, sequence);
	txn_remove(txn, TABLE_FEED, key, sizeof(key), "the feed");
	txn->meta.floor = sequence;
	return true;
}

/* A walk over the whole feed, paid for by as many responses that went. Entries
 * of this transaction stay: no exporter has had a chance to see them. */
void feed_prune(struct index_txn *txn)
{
	const struct index_counts *counts = &txn->meta.counts;
	uint64_t alive = counts->images + 2 * counts->albums + counts->tags;
	uint64_t entries = store_count(txn->store, TABLE_FEED);
	struct store_cursor *c;
	unsigned char key[8] = {0};
	int rc;

	if (entries <= 2 * alive + GONE_KEPT) {
		return;
	}
	c = store_cursor_open(txn->store, TABLE_FEED);
	rc = store_seek(c, key, sizeof(key));
	while (rc == 0) {
		uint64_t sequence = be64_get(store_key(c).data);

		/* The last sequence keeps its entry: an export that finds none has missed
		 * it (query_feed). */
		if (sequence > txn->base_sequence || sequence == txn->meta.sequence) {
			break;
		}
		if (forget_if_gone(txn, c)) {
			be64_put(key, sequence);
			rc = store_seek(c, key, sizeof(key));
		} else {
			rc = store_next(c);
		}
	}
	store_cursor_close(c);
	/* A failure of the walk is the transaction's (index_commit). */
}
