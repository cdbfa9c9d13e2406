/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/tables.h"

#include <string.h>

#include "data/index/build.h"

int tables_damaged(struct index_txn *txn, struct err *err, const char *what)
{
	const char *dir = txn ? index_dir(txn->index) : "DIR";
	struct err failure = {0};

	err_set(&failure, ERR_FORMAT,
		"index '%s' is damaged (%s); rebuild it: rm -r '%s' && albumen-indexer "
		"scan --data DIR --index '%s'",
		dir, what, dir, dir);
	if (txn && !txn->examined) {
		store_fail(txn->store, &failure);
	}
	if (err) {
		*err = failure;
	}
	return ERR_FORMAT;
}

int tables_record_get(struct index_txn *txn, uint64_t number, struct row_record *out)
{
	unsigned char key[8];
	struct store_value v;
	int rc;

	be64_put(key, number);
	rc = store_get(txn->store, TABLE_RECORD, key, sizeof(key), &v);
	if (rc == ERR_NOTFOUND ||
	    (rc == 0 && row_record_get(out, number, v.data, v.len) < 0)) {
		rc = tables_damaged(txn, NULL, "a record");
	}
	if (rc) {
		*out = (struct row_record){0};
	}
	out->version.number = number;
	return rc;
}

void tables_remove(struct index_txn *txn, enum table table, const void *key, size_t len,
		   const char *what)
{
	if (store_delete(txn->store, table, key, len) == ERR_NOTFOUND) {
		tables_damaged(txn, NULL, what);
	}
}

bool tables_record_is(struct index_txn *txn, uint64_t number, unsigned kind,
		      const struct record_id *id)
{
	unsigned char key[8];
	struct store_value v;

	be64_put(key, number);
	if (store_get(txn->store, TABLE_RECORD, key, sizeof(key), &v) == ERR_NOTFOUND) {
		tables_damaged(txn, NULL, "a record");
		return false;
	}
	return !store_status(txn->store, NULL) && row_record_is(v.data, v.len, kind, id);
}

void tables_record_put(struct index_txn *txn, uint64_t number,
		       const struct row_record *row)
{
	unsigned char key[8];

	be64_put(key, number);
	buf_clear(&txn->row);
	row_record_put(&txn->row, number, row);
	store_put(txn->store, TABLE_RECORD, key, sizeof(key), txn->row.data,
		  txn->row.len);
}

static size_t id_key(unsigned char key[RECORD_ID_MAX + 1], unsigned kind,
		     const struct record_id *id)
{
	key[0] = (unsigned char)kind;
	memcpy(key + 1, id->bytes, id->len);
	return (size_t)id->len + 1;
}

uint64_t tables_number(struct index_txn *txn, unsigned kind, const struct record_id *id)
{
	unsigned char key[RECORD_ID_MAX + 1];
	size_t len = id_key(key, kind, id);
	struct store_value v;
	uint64_t number;

	if (txn->build) {
		return build_number(txn->build, txn, kind, id);
	}
	if (store_get(txn->store, TABLE_ID, key, len, &v) < 0) {
		return 0;
	}
	number = v.len == 8 ? be64_get(v.data) : 0;
	if (!number || !tables_record_is(txn, number, kind, id)) {
		tables_damaged(txn, NULL, "an id");
		return 0;
	}
	return number;
}

bool tables_number_is(struct index_txn *txn, unsigned kind, const struct record_id *id,
		      uint64_t number)
{
	unsigned char key[RECORD_ID_MAX + 1];
	size_t len = id_key(key, kind, id);
	struct store_value v;

	if (store_get(txn->store, TABLE_ID, key, len, &v) == 0 && v.len == 8 &&
	    be64_get(v.data) == number) {
		return true;
	}
	tables_damaged(txn, NULL, "an id");
	return false;
}

uint64_t tables_intern(struct index_txn *txn, unsigned kind, const struct record_id *id)
{
	uint64_t number = tables_number(txn, kind, id);
	struct row_record row = {.kind = kind, .id = *id};
	unsigned char key[RECORD_ID_MAX + 1];
	unsigned char value[8];
	size_t len;

	if (number) {
		return number;
	}
	if (txn->meta.next_number > UINT32_MAX) {
		struct err full = {0};

		err_set(&full, ERR_FAIL,
			"index '%s' has no number left for another record",
			index_dir(txn->index));
		store_fail(txn->store, &full);
		return 0;
	}
	number = txn->meta.next_number++;
	be64_put(value, number);
	if (txn->build) {
		build_add(txn->build, kind, id, number);
	} else {
		len = id_key(key, kind, id);
		store_put(txn->store, TABLE_ID, key, len, value, sizeof(value));
	}
	buf_clear(&txn->row);
	row_record_put(&txn->row, number, &row);
	store_append(txn->store, TABLE_RECORD, value, sizeof(value), txn->row.data,
		     txn->row.len);
	return number;
}

struct tables_key tables_key2(uint64_t a, uint64_t b)
{
	struct tables_key key = {.len = 16};

	be64_put(key.bytes, a);
	be64_put(key.bytes + 8, b);
	return key;
}

struct tables_key tables_key3(uint64_t a, uint64_t b, uint64_t c)
{
	struct tables_key key = tables_key2(a, b);

	be64_put(key.bytes + 16, c);
	key.len = 24;
	return key;
}
