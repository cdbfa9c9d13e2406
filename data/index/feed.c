/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/feed.h"

#include "data/index/txn.h"

/* This many entries of responses that no longer exist are always kept. */
#define GONE_KEPT 10000

/* The value: one byte for the response, and the number. */
#define VALUE_SIZE 9

unsigned feed_kind(enum query_response response)
{
	switch (response) {
	case QUERY_TAG_IMAGES:
	case QUERY_ALBUM_OF:
		return RECORD_IMAGE;
	case QUERY_TAG:
		return RECORD_TAG;
	default:
		return ROW_ALBUM;
	}
}

uint64_t *feed_last(struct row_record *row, enum query_response response)
{
	return &row->feed[response == QUERY_IMAGES ? 1 : 0];
}

int feed_entry_get(struct query_key *out, const struct store_cursor *cursor)
{
	const unsigned char *value = store_cursor_value(cursor).data;

	if (store_key(cursor).len != 8 || store_cursor_value(cursor).len != VALUE_SIZE ||
	    value[0] < QUERY_TAG_IMAGES || value[0] > QUERY_TAG) {
		return -1;
	}
	out->sequence = be64_get(store_key(cursor).data);
	out->response = (enum query_response)value[0];
	out->number = be64_get(value + 1);
	return 0;
}

uint64_t feed_append(struct index_txn *txn, uint64_t number, enum query_response response)
{
	struct row_key key = row_key1(++txn->meta.sequence);
	unsigned char value[VALUE_SIZE] = {(unsigned char)response};

	be64_put(value + 1, number);
	store_append(txn->store, TABLE_FEED, key.bytes, key.len, value, sizeof(value));
	return txn->meta.sequence;
}

static void remove_entry(struct index_txn *txn, uint64_t sequence)
{
	struct row_key key = row_key1(sequence);

	txn_remove(txn, TABLE_FEED, key.bytes, key.len, "the feed");
}

void feed_mark(struct index_txn *txn, uint64_t number, struct row_record *row,
	       enum query_response response)
{
	uint64_t *last = feed_last(row, response);

	/* No reader has seen the entries of this transaction: they may stay. */
	if (*last > txn->base_sequence) {
		return;
	}
	if (*last) {
		remove_entry(txn, *last);
	}
	*last = feed_append(txn, number, response);
}

/* Removes the entry under the cursor if its response no longer exists; returns whether
 * it did. */
static bool remove_if_gone(struct index_txn *txn, struct store_cursor *c)
{
	struct query_key entry;
	struct row_record row;

	if (feed_entry_get(&entry, c) < 0) {
		txn_damaged(txn, NULL, "the feed");
		return false;
	}
	if (txn_record_get(txn, entry.number, &row) < 0 || row.known) {
		return false;
	}
	if (*feed_last(&row, entry.response) != entry.sequence) {
		txn_damaged(txn, NULL, "the feed");
		return false;
	}
	*feed_last(&row, entry.response) = 0;
	txn_record_put(txn, entry.number, &row);
	remove_entry(txn, entry.sequence);
	txn->meta.floor = entry.sequence;
	return true;
}

/* Walks the whole feed, which is worth it after that many responses have gone. Keeps
 * the entries of this transaction, which no exporter has seen yet. */
void feed_prune(struct index_txn *txn)
{
	const struct index_counts *counts = &txn->meta.counts;
	uint64_t alive = counts->images + 2 * counts->albums + counts->tags;
	uint64_t entries = store_count(txn->store, TABLE_FEED);
	struct store_cursor *c;
	int rc;

	if (entries <= 2 * alive + GONE_KEPT) {
		return;
	}
	c = store_cursor_open(txn->store, TABLE_FEED);
	rc = store_seek(c, NULL, 0);
	while (rc == 0) {
		uint64_t sequence = be64_get(store_key(c).data);

		/* The last sequence keeps its entry: a missing one would be damage
		 * (query_feed). */
		if (sequence > txn->base_sequence || sequence == txn->meta.sequence) {
			break;
		}
		if (remove_if_gone(txn, c)) {
			struct row_key key = row_key1(sequence);

			rc = store_seek(c, key.bytes, key.len);
		} else {
			rc = store_next(c);
		}
	}
	store_cursor_close(c);
	/* A failure of the walk fails the transaction (index_commit). */
}
