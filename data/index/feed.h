/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_FEED_H
#define DATA_INDEX_FEED_H

#include <stdint.h>

struct index_txn;
struct row_record;
struct store_cursor;

/*
 * feed - the change feed: the responses that changed, in the order of their last
 * change. Programs read it through query.h; the functions here are internal.
 */

/* What the feed names: one response, by its kind and by the number of its image, album
 * or tag. Numbers are valid as long as the index exists, and in no other index. */
enum query_response {
	QUERY_TAG_IMAGES = 1, /* tag images of an image */
	QUERY_UNTAGGED = 2,   /* untagged images of an album */
	QUERY_IMAGES = 3,     /* images of an album */
	/* Not in the API; for audits of a snapshot: */
	QUERY_TAG = 4, /* a tag, and how many live tag images it has */
	/* The id of the album of an image. It has no entry of its own in the feed: it
	 * is stale whenever QUERY_TAG_IMAGES is. */
	QUERY_ALBUM_OF = 5,
};

struct query_key {
	enum query_response response;
	uint64_t number;
	uint64_t sequence; /* of its last change */
};

/* The kind of row (enum record_kind or ROW_ALBUM) that the response belongs to. */
unsigned feed_kind(enum query_response response);
/* The place in that row of the sequence of the entry. */
uint64_t *feed_last(struct row_record *row, enum query_response response);
/* Decodes the entry under the cursor; the caller checks that its row agrees. -1: it is
 * no entry. */
int feed_entry_get(struct query_key *out, const struct store_cursor *cursor);

/* Adds an entry at the end of the feed; returns its sequence, for the row (feed_last). */
uint64_t feed_append(struct index_txn *txn, uint64_t number,
		     enum query_response response);

/* Moves the entry of a response to the end of the feed, or adds one. `row` is the row
 * of its image, album or tag; the caller stores it. */
void feed_mark(struct index_txn *txn, uint64_t number, struct row_record *row,
	       enum query_response response);

/* Removes entries of responses that no longer exist once they outnumber the others, and
 * raises index_feed_floor past them. */
void feed_prune(struct index_txn *txn);

#endif
