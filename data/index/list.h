/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_LIST_H
#define DATA_INDEX_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/index/row.h"

struct index_txn;

/*
 * list - the records that a response is an array of: the images of an album, all or
 * those without tags, and the live tag images of an image, sorted by (created_at, id).
 * Internal: programs use query.h.
 *
 *	struct list list = {0};
 *	rc = list_fill(&list, txn, TABLE_ALBUM_IMAGES, &album, err);
 *	rc = rc ? rc : list_write(body, &list, txn, NULL, most, err);
 *	list_release(&list);
 */

struct list_item {
	/* Both lie in the map: valid until the transaction ends or writes. */
	const unsigned char *id;
	const unsigned char *packed; /* the text (data/index/codec.h) */
	uint64_t tag;                /* of a tag image */
	uint32_t packed_len, text_len;
	uint32_t image_at, tag_at; /* as in struct row_version */
	uint32_t nanosecond;       /* created_at, with `second` as in a stamp */
	uint64_t second;
	unsigned char id_len;
	bool image_first;
};

struct list {
	struct list_item *item;
	size_t count, cap;
};

/*
 * Fills the list from a relation table: the numbers that follow the number of `of`. The
 * list is right, even if the table is damaged: each number belongs to it, no number
 * occurs twice, and there are as many as the row of `of` counts. ERR_FORMAT.
 */
int list_fill(struct list *list, struct index_txn *txn, enum table table,
	      const struct row_record *of, struct err *err);
void list_release(struct list *list);

/* Appends the JSON array of the records; a large one is made on two threads. `image`:
 * NULL, or for tag images the member of their image ("image":{...}). ERR_LARGE (no
 * message): it would have more than `most` bytes. */
int list_write(struct buf *body, const struct list *list, struct index_txn *txn,
	       const struct buf *image, size_t most, struct err *err);

#endif
