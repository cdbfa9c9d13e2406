/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_BUILD_IDS_H
#define DATA_INDEX_BUILD_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "data/format/record.h"

/*
 * build_ids - the ids of all records, and their numbers, while an index is built: in
 * memory, as the tables `id` and `record` are written at the end. An id of 36 bytes takes
 * about 60.
 *
 *	ids = build_ids_new();
 *	hash = build_ids_hash(kind, &id);
 *	number = build_ids_number(ids, hash, kind, &id);
 *	number = number ? number : build_ids_add(ids, hash, kind, &id);
 *	...
 *	rc = build_ids_each(ids, each, payload);
 *	build_ids_free(ids);
 */

struct build_ids;

struct build_ids *build_ids_new(void);
void build_ids_free(struct build_ids *ids); /* NULL is allowed */

/* The hash of (kind, id). Any thread may call it. */
uint32_t build_ids_hash(unsigned kind, const struct record_id *id);
/* build_ids_number will be called soon: fetches the memory that it reads first. */
void build_ids_expect(const struct build_ids *ids, uint32_t hash);
/* The number of (kind, id), or 0. */
uint64_t build_ids_number(const struct build_ids *ids, uint32_t hash, unsigned kind,
			  const struct record_id *id);
/* Gives a new (kind, id) the next number, from 1 up to UINT32_MAX. */
uint64_t build_ids_add(struct build_ids *ids, uint32_t hash, unsigned kind,
		       const struct record_id *id);
/* The id with this number, which was added; returns its kind. */
unsigned build_ids_get(const struct build_ids *ids, uint64_t number,
		       struct record_id *id);
/* Forgets the numbers from `next` on: a transaction that gave them out was aborted. */
void build_ids_cut(struct build_ids *ids, uint64_t next);

/* Calls `each` for every id, by kind and then in byte order. A non-zero result ends the
 * walk and is returned. Afterwards only build_ids_get is left. */
typedef int build_ids_fn(unsigned kind, const char *id, size_t len, uint64_t number,
			 void *payload);
int build_ids_each(struct build_ids *ids, build_ids_fn *each, void *payload);

#endif
