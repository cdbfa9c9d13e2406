/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_BUILD_READ_H
#define DATA_INDEX_BUILD_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/index/index.h"

/*
 * build_read - the reading half of build_end: elects the winners of all records, computes
 * what follows from them, and encodes the rows of records. A thread does it while the
 * caller writes, if that pays.
 *
 *	build_read_new(&read, index, ids, err);		(all claims are committed)
 *	build_read_facts(&facts, read, err);		(waits for them)
 *	while (!build_read_rows(&rows, read, err) && rows) {
 *		...
 *	}
 *	build_read_free(read);
 */

struct build_ids;
struct build_read;

/* What follows from a record's winner. */
struct build_fact {
	uint32_t of; /* image: its album; tag image: its image */
	union {
		uint32_t tag;        /* tag image: its tag */
		uint32_t live_count; /* others: as in struct row_record */
	};
	uint32_t joined; /* others: likewise */
};

struct build_facts {
	struct build_fact *fact;    /* of each number; 0 has none */
	unsigned char *state;       /* likewise: build_facts_know */
	uint64_t numbers;           /* one more than the greatest */
	struct index_counts counts; /* of records and albums only */
};

/* Whether the number is that of a known record (or album) of this kind. */
bool build_facts_know(const struct build_facts *facts, uint64_t number, unsigned kind);

/* Rows of records whose numbers follow each other, encoded. */
#define BUILD_ROWS 2048
struct build_rows {
	uint64_t first; /* number */
	size_t count;
	struct buf bytes;
	size_t end[BUILD_ROWS]; /* of each row in `bytes` */
};

/* `ids` is borrowed until build_read_free. Begins a read transaction. */
int build_read_new(struct build_read **out, struct index *index,
		   const struct build_ids *ids, struct err *err);
void build_read_free(struct build_read *read); /* NULL is allowed */

/* Borrowed until build_read_free. */
int build_read_facts(const struct build_facts **out, struct build_read *read,
		     struct err *err);
/* The next rows, from number 1 on; NULL after the last. Borrowed until the next call.
 * Their entries in the feed are, in this order: one of each known image and tag, by
 * number, then two of each known album, untagged images first. */
int build_read_rows(const struct build_rows **out, struct build_read *read,
		    struct err *err);

#endif
