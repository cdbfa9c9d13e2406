/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_BUILD_H
#define DATA_INDEX_BUILD_H

#include <stdint.h>

#include "data/index/index.h"
#include "data/format/record.h"

/*
 * build - the first filling of an index: claims are only collected, and all that
 * follows from them is derived at the end, in sorted passes. Inside of the index:
 * programs call index_build_end.
 *
 * Record by record, a random place in each of eight tables is rewritten, which at
 * a million images costs 32 KiB of writing a record. Derived at the end, every
 * table is written once, from its first key to its last.
 *
 * Until it has ended nobody may export (index_is_built), and a kill before leaves
 * nothing to keep: the next writer starts from nothing.
 */

struct build;

struct build *build_new(void);
void build_free(struct build *build); /* NULL is allowed */

/* The number of (kind, id), or 0: what the id table will say at the end. */
uint64_t build_number(struct build *build, struct index_txn *txn, unsigned kind,
		      const struct record_id *id);
/* Notes a new one. */
void build_add(struct build *build, unsigned kind, const struct record_id *id,
	       uint64_t number);
/* One more version of a kind; returns how many that makes. */
uint64_t build_count(struct build *build, unsigned kind);

/* Derives every table from the claims. Needs transactions of its own; what it
 * was given is used up, also on failure. */
int build_derive(struct build *build, struct index *index, struct err *err);

#endif
