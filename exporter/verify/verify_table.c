/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The number of the id, or 0. *hash: of the id. */
static uint32_t find(const struct verify_table *table, uint32_t *hash, const void *id,
		     size_t len)
{
	size_t at = 0, other_len;
	uint32_t number;

	*hash = hash_bytes(id, len, 0);
	while ((number = hash_next(&table->hash, *hash, &at))) {
		const char *other = verify_table_id(table, number, &other_len);

		if (other_len == len && memcmp(other, id, len) == 0) {
			break;
		}
	}
	return number;
}

static void grow(struct verify_table *table)
{
	size_t old = table->cap;

	table->cap = old + old / 2 + 64;
	table->id = xreallocarray(table->id, table->cap, sizeof(*table->id));
	if (table->row_bytes) {
		table->row = xreallocarray(table->row, table->cap, table->row_bytes);
		memset(table->row + old * table->row_bytes, 0,
		       (table->cap - old) * table->row_bytes);
	}
}

uint32_t verify_table_add(struct verify_table *table, const void *id, size_t len)
{
	unsigned char size[2] = {(unsigned char)(len >> 8), (unsigned char)len};
	uint32_t hash, number;

	assert(len <= 0xffff && table->count < UINT32_MAX);
	if (table->count == table->cap) {
		grow(table);
	}
	number = find(table, &hash, id, len);
	if (!number) {
		table->id[table->count++].begin = table->ids.len;
		buf_add(&table->ids, size, sizeof(size));
		buf_add(&table->ids, id, len);
		number = (uint32_t)table->count;
		table->id[number - 1].is_marked = 0;
		hash_add(&table->hash, hash, number);
	}
	return number;
}

uint32_t verify_table_find(const struct verify_table *table, const void *id, size_t len)
{
	uint32_t hash;

	return find(table, &hash, id, len);
}

const char *verify_table_id(const struct verify_table *table, uint32_t number,
			    size_t *len)
{
	const unsigned char *at =
		(const unsigned char *)table->ids.data + table->id[number - 1].begin;

	*len = (size_t)at[0] << 8 | at[1];
	return (const char *)at + 2;
}

void *verify_table_row(const struct verify_table *table, uint32_t number)
{
	return table->row + (number - 1) * table->row_bytes;
}

void verify_table_mark(struct verify_table *table, uint32_t number)
{
	if (table->id[number - 1].is_marked) {
		return;
	}
	table->id[number - 1].is_marked = 1;
	table->marked = xgrow(table->marked, table->marks, &table->mark_cap,
			      sizeof(*table->marked));
	table->marked[table->marks++] = number;
}

void verify_table_unmark(struct verify_table *table)
{
	while (table->marks) {
		table->id[table->marked[--table->marks] - 1].is_marked = 0;
	}
}

void verify_table_release(struct verify_table *table)
{
	hash_release(&table->hash);
	buf_release(&table->ids);
	free(table->marked);
	free(table->id);
	free(table->row);
	*table = (struct verify_table){0};
}
