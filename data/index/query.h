/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_QUERY_H
#define DATA_INDEX_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/format/record.h"
#include "data/index/feed.h"
#include "data/index/index.h"

/*
 * query - reads the index: the change feed, the bodies of responses, rejects.
 * Everything works in a read transaction and copies its results, which outlive the
 * transaction.
 */

/*
 * The first entry of the feed with a sequence above `after`. ERR_NOTFOUND (no message):
 * there is none. Each response has one entry, so a full export is the feed from 0.
 */
int query_feed(struct index_txn *txn, uint64_t after, struct query_key *out,
	       struct err *err);

/* Announces that most of the index will be read (store_read_ahead). */
void query_read_ahead(struct index_txn *txn);

/* The number of entries above `after`; stops counting at `limit`. */
uint64_t query_feed_count(struct index_txn *txn, uint64_t after, uint64_t limit);

/* The id of an image, album or tag. ERR_FORMAT: the number does not exist. */
int query_id(struct index_txn *txn, uint64_t number, struct record_id *out,
	     struct err *err);
/* Whether the index has a record of that kind, or (QUERY_ALBUM) an image of that album. */
#define QUERY_ALBUM 4 /* beside enum record_kind */
bool query_is_known(struct index_txn *txn, unsigned kind, const struct record_id *id);
/*
 * Appends the body of a response to *body: the JSON array of albumen(7), byte for byte;
 * for QUERY_TAG {"tag":TEXT,"tag_images":COUNT}, for QUERY_ALBUM_OF a string, both
 * canonical. ERR_NOTFOUND (no message, *body unchanged): the response does not exist,
 * since the image or the tag is not known, or the album has no image. ERR_LARGE (no message,
 * *body unchanged): the body has more than `most` bytes. Such a body is not rendered: beside
 * the list of its records it takes no more memory than `most` bytes of the texts of tags,
 * and three records. Large bodies are rendered on two threads (data/base/threads.h).
 */
int query_body(struct index_txn *txn, const struct query_key *key, size_t most,
	       struct buf *body, struct err *err);

/* Calls `each` for every reject, by path, then in the order of the file. `more`: the
 * number of further rejects of the file that were counted but not kept (0 except at the
 * last one kept). */
typedef int query_reject_fn(const char *path, size_t path_len, uint64_t line,
			    uint64_t column, const char *reason, uint64_t more,
			    void *payload);
int query_rejects(struct index_txn *txn, query_reject_fn *each, void *payload,
		  struct err *err);
/* The same for `most` of them, at a cost that follows that number and not the files: those of the
 * files that were seen first. `more` is always 0. */
int query_some_rejects(struct index_txn *txn, size_t most, query_reject_fn *each,
		       void *payload, struct err *err);

#endif
