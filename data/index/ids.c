/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/ids.h"

#include <assert.h>
#include <string.h>

#include "data/index/build_ids.h"

size_t ids_key(unsigned char key[RECORD_ID_MAX + 1], unsigned kind, const char *id,
	       size_t len)
{
	key[0] = (unsigned char)kind;
	memcpy(key + 1, id, len);
	return len + 1;
}

/* The number that the table holds, or 0. */
static uint64_t stored(struct index_txn *txn, unsigned kind, const struct record_id *id)
{
	unsigned char key[RECORD_ID_MAX + 1];
	size_t len = ids_key(key, kind, id->bytes, id->len);
	struct store_value v;

	if (store_get(txn->store, TABLE_ID, key, len, &v) < 0) {
		return 0;
	}
	if (v.len != 8 || !be64_get(v.data)) {
		txn_damaged(txn, NULL, "an id");
		return 0;
	}
	return be64_get(v.data);
}

uint64_t ids_number(struct index_txn *txn, unsigned kind, const struct record_id *id)
{
	uint64_t number;

	if (txn->ids) {
		return build_ids_number(txn->ids, build_ids_hash(kind, id), kind, id);
	}
	number = stored(txn, kind, id);
	if (number && !txn_record_is(txn, number, kind, id)) {
		txn_damaged(txn, NULL, "an id");
		return 0;
	}
	return number;
}

bool ids_is(struct index_txn *txn, unsigned kind, const struct record_id *id,
	    uint64_t number)
{
	if (stored(txn, kind, id) == number) {
		return true;
	}
	txn_damaged(txn, NULL, "an id");
	return false;
}

uint64_t ids_intern(struct index_txn *txn, unsigned kind, const struct record_id *id)
{
	return ids_intern_hashed(txn, build_ids_hash(kind, id), kind, id);
}

uint64_t ids_intern_hashed(struct index_txn *txn, uint32_t hash, unsigned kind,
			   const struct record_id *id)
{
	uint64_t number = txn->ids ? build_ids_number(txn->ids, hash, kind, id)
				   : ids_number(txn, kind, id);
	struct row_record row = {.kind = kind, .id = *id};
	unsigned char id_key[RECORD_ID_MAX + 1];
	struct row_key key;
	size_t len;

	if (number) {
		return number;
	}
	if (txn->meta.next_number > UINT32_MAX) {
		struct err full = {0};

		err_set(&full, ERR_FAIL,
			"index '%s' has no number left for another record", txn->dir);
		store_fail(txn->store, &full);
		return 0;
	}
	number = txn->meta.next_number++;
	if (txn->ids) {
		uint64_t given = build_ids_add(txn->ids, hash, kind, id);

		assert(given == number);
		return given;
	}
	key = row_key1(number);
	len = ids_key(id_key, kind, id->bytes, id->len);
	store_put(txn->store, TABLE_ID, id_key, len, key.bytes, key.len);
	buf_clear(&txn->row);
	row_record_put(&txn->row, number, &row);
	store_append(txn->store, TABLE_RECORD, key.bytes, key.len, txn->row.data,
		     txn->row.len);
	return number;
}

int ids_name(struct index_txn *txn, uint64_t number, struct record_id *out)
{
	struct row_record row;
	int rc;

	if (txn->ids) {
		build_ids_get(txn->ids, number, out);
		return 0;
	}
	rc = txn_record_get(txn, number, &row);
	*out = row.id;
	return rc;
}
