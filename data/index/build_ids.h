/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_BUILD_IDS_H
#define DATA_INDEX_BUILD_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "data/format/record.h"

/*
 * build_ids - the ids of all records, by kind and then in byte order: the rows of the
 * table `id` when an index is built. The caller adds them in the order of numbers. They
 * are sorted while the caller does other work, by a thread if that pays.
 *
 *	ids = build_ids_new();
 *	build_ids_add(ids, kind, &id, number);		each once
 *	build_ids_sort(ids);				starts sorting
 *	...
 *	rc = build_ids_each(ids, each, payload);	waits; kinds ascend
 *	build_ids_free(ids);
 */

struct build_ids;

struct build_ids *build_ids_new(void);
void build_ids_free(struct build_ids *ids); /* NULL is allowed */
void build_ids_add(struct build_ids *ids, unsigned kind, const struct record_id *id,
		   uint64_t number);
void build_ids_sort(struct build_ids *ids);
/* A non-zero result of `each` ends the walk and is returned. */
typedef int build_ids_fn(unsigned kind, const char *id, size_t len, uint64_t number,
			 void *payload);
int build_ids_each(struct build_ids *ids, build_ids_fn *each, void *payload);

#endif
