/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/list.h"

#include <stdlib.h>
#include <string.h>

#include "data/index/txn.h"
#include "data/index/version.h"

/*
 * A relation has its numbers in ascending order, and so have the tables of records and of
 * versions: three cursors walk side by side, and what they meet is not looked up again
 * after sorting.
 */

void list_release(struct list *list)
{
	free(list->item);
	*list = (struct list){0};
}

static int by_created_and_id(const void *left, const void *right)
{
	const struct list_item *a = left, *b = right;
	int order;

	if (a->second != b->second) {
		return a->second < b->second ? -1 : 1;
	}
	if (a->nanosecond != b->nanosecond) {
		return a->nanosecond < b->nanosecond ? -1 : 1;
	}
	order = memcmp(a->id, b->id, a->id_len < b->id_len ? a->id_len : b->id_len);
	return order ? order : (a->id_len > b->id_len) - (a->id_len < b->id_len);
}

/* Whether a record belongs to the list of `of`. */
static bool is_member(const struct row_record *row, enum table table,
		      const struct row_record *of)
{
	if (table == TABLE_IMAGE_TAGS) {
		return row->kind == RECORD_TAG_IMAGE && row->known &&
		       row->image == of->version.number;
	}
	return row->kind == RECORD_IMAGE && row->known &&
	       row->album == of->version.number &&
	       (table != TABLE_ALBUM_UNTAGGED || row->live_count == 0);
}

/* Adds a record. `records` stands on its row. */
static int add(struct list *list, struct index_txn *txn, struct store_cursor *records,
	       struct store_cursor *versions, const struct row_record *row)
{
	struct row_version version;
	struct list_item *item;
	size_t len;

	if (version_facts_at(versions, txn, &row->version, &version) < 0 ||
	    codec_length(&len, txn->codec, version.packed, version.packed_len) < 0 ||
	    !version_places_fit(&version, len)) {
		return ERR_FORMAT;
	}
	list->item = xgrow(list->item, list->count, &list->cap, sizeof(*list->item));
	item = &list->item[list->count++];
	*item = (struct list_item){
		.id = row_record_id(store_cursor_value(records).data),
		.packed = version.packed,
		.tag = row->tag,
		.packed_len = (uint32_t)version.packed_len,
		.text_len = (uint32_t)len,
		.image_at = version.image_at,
		.tag_at = version.tag_at,
		.nanosecond = be32_get(row->created.bytes + 8),
		.second = be64_get(row->created.bytes),
		.id_len = row->id.len,
		.image_first = version.image_first,
	};
	return 0;
}

/* Where rows come from the disk, page after page, the rows of so many numbers are asked for
 * together. For fewer the threads cost more than they save. */
#define EXPECT_LEAST 32
#define EXPECT_MOST 1024

/* Has the records and versions read of the numbers that follow `key` in the relation. */
static void expect_rest(struct index_txn *txn, enum table table, const char key[16])
{
	static const size_t tables[] = {TABLE_RECORD, TABLE_VERSION};
	struct store_cursor *c = store_cursor_open(txn->store, table);
	char *numbers = xmalloc(EXPECT_MOST * 8);
	size_t count = 0;
	int rc = store_seek(c, key, 16);

	while (!rc && count < EXPECT_MOST && store_has_prefix(c, key, 8) &&
	       store_key(c).len == 16) {
		memcpy(numbers + 8 * count++, (const char *)store_key(c).data + 8, 8);
		rc = store_next(c);
	}
	store_cursor_close(c);
	if (count >= EXPECT_LEAST) {
		store_expect(txn->store, tables, 2, numbers, 8, count);
	}
	free(numbers);
}

/* Walks the relation. *met: the numbers in it; `want`: how many there should be. */
static int walk(struct list *list, struct index_txn *txn, enum table table,
		const struct row_record *of, uint64_t want, uint64_t *met)
{
	struct store_cursor *c = store_cursor_open(txn->store, table);
	struct store_cursor *records = store_cursor_open(txn->store, TABLE_RECORD);
	struct store_cursor *versions = store_cursor_open(txn->store, TABLE_VERSION);
	struct row_key prefix = row_key1(of->version.number);
	struct row_record row;
	uint64_t last = 0;
	bool many = want > EXPECT_LEAST;
	long waits = many ? store_waits() : 0;
	int rc;

	for (rc = store_first(c, prefix.bytes, prefix.len); rc == 0; rc = store_next(c)) {
		uint64_t number = store_key(c).len == 16
					  ? be64_get((const char *)store_key(c).data + 8)
					  : 0;

		if (number <= last || txn_record_at(records, txn, number, &row) < 0 ||
		    !is_member(&row, table, of)) {
			rc = ERR_FORMAT;
			break;
		}
		last = number;
		++*met;
		if ((table != TABLE_IMAGE_TAGS || row.live) &&
		    add(list, txn, records, versions, &row) < 0) {
			rc = ERR_FORMAT;
			break;
		}
		/* After the first number, and then now and then. */
		if (many && *met % 64 == 1 && store_waits() != waits) {
			expect_rest(txn, table, store_key(c).data);
			waits = store_waits();
		}
	}
	store_cursor_close(versions);
	store_cursor_close(records);
	return store_walk_end(c, rc);
}

int list_fill(struct list *list, struct index_txn *txn, enum table table,
	      const struct row_record *of, struct err *err)
{
	uint64_t met = 0,
		 want = table == TABLE_ALBUM_IMAGES ? of->live_count : of->joined;

	if (walk(list, txn, table, of, want, &met) || met != want ||
	    (table == TABLE_IMAGE_TAGS && list->count != of->live_count)) {
		txn_damaged(txn, NULL, "a relation");
		return store_status(txn->store, err);
	}
	if (list->count > 1) {
		qsort(list->item, list->count, sizeof(*list->item), by_created_and_id);
	}
	return 0;
}
