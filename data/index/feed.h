/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_FEED_H
#define DATA_INDEX_FEED_H

#include <stdint.h>

struct index_txn;
struct row_record;
struct store_cursor;

/*
 * feed - the change feed: which responses changed, in the order of their last
 * change. Inside of the index: programs read it through query.h.
 */

/* What the feed names: one response, by its kind and the number of its image,
 * album or tag (the index's own number: stable while the index lives, for no
 * other). */
enum query_response {
	QUERY_TAG_IMAGES = 1, /* tag images of an image */
	QUERY_UNTAGGED = 2,   /* untagged images of an album */
	QUERY_IMAGES = 3,     /* images of an album */
	/* For audits of a snapshot; the API does not have them: */
	QUERY_TAG = 4,      /* a tag, and how many live tag images it has */
	QUERY_ALBUM_OF = 5, /* the id of an image's album; the feed has no entry of
			     * its own for it: it is stale when QUERY_TAG_IMAGES is */
};

struct query_key {
	enum query_response response;
	uint64_t number;
	uint64_t sequence; /* of its last change */
};

/* The kind of row (enum record_kind or ROW_ALBUM) that a response is made of. */
unsigned feed_kind(enum query_response response);
/* Where that row keeps the sequence of the response's entry. */
uint64_t *feed_last(struct row_record *row, enum query_response response);
/* Decodes an entry, whose row may be damaged all the same. -1: it is no entry. */
int feed_entry_get(struct query_key *out, const struct store_cursor *cursor);

/* Moves the entry of a response to the end, giving it one where it has none.
 * `row` is that of its image, album or tag; the caller puts it. */
void feed_mark(struct index_txn *txn, uint64_t number, struct row_record *row,
	       enum query_response response);

/* Forgets entries of responses that no longer exist, once they outnumber the
 * others; raises index_feed_floor past what it forgot. */
void feed_prune(struct index_txn *txn);

#endif
