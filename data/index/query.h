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
 * query - what the index answers: the change feed, the records behind each
 * response, files and rejects. Everything works in a read transaction and
 * copies out; nothing returned dies with the transaction.
 */

/*
 * The first entry of the feed with a sequence above `after`. ERR_NOTFOUND
 * (quietly) at its end. One entry a response: a full export is the feed from 0.
 */
int query_feed(struct index_txn *txn, uint64_t after, struct query_key *out,
	       struct err *err);

/* Says that most of it will be asked for: the disk may begin (store_read_ahead). */
void query_read_ahead(struct index_txn *txn);

/* Entries of the feed above `after`, at most `limit` of them counted. */
uint64_t query_feed_count(struct index_txn *txn, uint64_t after, uint64_t limit);

/* The id of an image, album or tag. ERR_NOTFOUND: no such number. */
int query_id(struct index_txn *txn, uint64_t number, struct record_id *out,
	     struct err *err);
/*
 * Appends a response's body to *body: the JSON array of CONTRACT.md, section 4,
 * byte for byte; for QUERY_TAG {"tag":{its text},"tag_images":COUNT}, for
 * QUERY_ALBUM_OF a string, canonical both. ERR_NOTFOUND (quietly), and *body as it
 * was, where the response does not exist: the image or the tag is not known, the
 * album has no image.
 */
int query_body(struct index_txn *txn, const struct query_key *key, struct buf *body,
	       struct err *err);

/* Calls `each` for every reject, by path, then in the order of the file.
 * `more`: how many further rejects of this file were counted but not kept
 * (0 but on the last one kept). */
typedef int query_reject_fn(const char *path, size_t path_len, uint64_t line,
			    uint64_t column, const char *reason, uint64_t more,
			    void *payload);
int query_rejects(struct index_txn *txn, query_reject_fn *each, void *payload,
		  struct err *err);

#endif
