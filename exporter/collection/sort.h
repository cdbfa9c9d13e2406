/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_COLLECTION_SORT_H
#define EXPORTER_COLLECTION_SORT_H

#include <stddef.h>

#include "data/base/err.h"

/*
 * sort - an external merge sort: any number of items in little memory. What does not fit is
 * written, sorted in runs, to a file without a name, and the runs are merged at the end
 * (Knuth, The Art of Computer Programming, volume 3, 5.4). Debian has no C library for
 * it: sqlite3 and LMDB would first store the items as rows of a database.
 *
 *	struct sort *sort = sort_new(folder);
 *	while (...)
 *		sort_add(sort, key, key_len, text, len);
 *	while ((rc = sort_next(sort, &item, err)) == 0)
 *		use(item.key, item.text);
 *	sort_free(sort);       (rc is ERR_NOTFOUND at the end)
 *
 * Keys order by their bytes, a key before all that it begins; equal ones stay in the order
 * in which they were added.
 */

struct sort;

/* `folder` takes the file, if one is needed; borrowed. */
struct sort *sort_new(const char *folder);
/* Sets how many bytes of items are kept in memory (16 MiB unless it is set). */
void sort_set_memory(struct sort *sort, size_t bytes);
/* Adds an item; copies both. A failure to write sticks, and sort_next returns it. */
void sort_add(struct sort *sort, const void *key, size_t key_len, const void *text,
	      size_t len);

struct sort_item {
	const char *key, *text; /* until the next sort_next */
	size_t key_len, len;
};
/* The next item in order. After the first call nothing may be added. ERR_NOTFOUND (no
 * message): there are no more. */
int sort_next(struct sort *sort, struct sort_item *item, struct err *err);
/* NULL is allowed. */
void sort_free(struct sort *sort);

#endif
