/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_TABLE_H
#define EXPORTER_VERIFY_VERIFY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/hash.h"

/*
 * verify_table - rows by their ids, which are strings of bytes. The first id that is
 * added gets the number 1, the next one 2, and so on. Nothing is removed. A row costs
 * some twenty-five bytes besides its own and those of its id.
 *
 * Rows can be marked, so that the caller comes back to them:
 *
 *	struct verify_table table = {.row_bytes = sizeof(struct row)};
 *	uint32_t n = verify_table_add(&table, id, len);
 *
 *	verify_table_mark(&table, n);
 *	for (size_t i = 0; i < table.marks; i++) {
 *		struct row *row = verify_table_row(&table, table.marked[i]);
 *		...
 *	}
 *	verify_table_unmark(&table);
 *	verify_table_release(&table);
 */
struct verify_table {
	size_t row_bytes; /* set by the caller; 0: there are only numbers */
	size_t count;
	uint32_t *marked; /* numbers, in the order of their marks */
	size_t marks;
	/* Private. */
	struct verify_table_id {
		uint64_t begin : 63, is_marked : 1;
	} * id;         /* of number less 1: where the id begins in `ids` */
	struct buf ids; /* each after two bytes of length */
	char *row;
	size_t cap, mark_cap;
	struct hash hash;
};

/* The number of the id, at most 65,535 bytes long; a new one has a row of zeroes.
 * Rows may move. */
uint32_t verify_table_add(struct verify_table *table, const void *id, size_t len);
/* The number of the id; 0: it was never added. */
uint32_t verify_table_find(const struct verify_table *table, const void *id, size_t len);
/* The id of a number, not terminated; borrowed until the next one is added. */
const char *verify_table_id(const struct verify_table *table, uint32_t number,
			    size_t *len);
/* Likewise borrowed. */
void *verify_table_row(const struct verify_table *table, uint32_t number);

/* A row that is marked already stays where it is in the order. */
void verify_table_mark(struct verify_table *table, uint32_t number);
void verify_table_unmark(struct verify_table *table);

void verify_table_release(struct verify_table *table);

#endif
