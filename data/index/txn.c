/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/txn.h"

int txn_damaged(struct index_txn *txn, struct err *err, const char *what)
{
	const char *dir = txn ? txn->dir : "DIR";
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

void txn_remove(struct index_txn *txn, enum table table, const void *key, size_t len,
		const char *what)
{
	if (store_delete(txn->store, table, key, len) == ERR_NOTFOUND) {
		txn_damaged(txn, NULL, what);
	}
}

/* Decodes what a search for the record returned. */
static int record_of(struct index_txn *txn, uint64_t number, int rc, struct store_value v,
		     struct row_record *out)
{
	if (rc == ERR_NOTFOUND ||
	    (rc == 0 && row_record_get(out, number, v.data, v.len) < 0)) {
		rc = txn_damaged(txn, NULL, "a record");
	}
	if (rc) {
		*out = (struct row_record){0};
	}
	out->version.number = number;
	return rc;
}

int txn_record_get(struct index_txn *txn, uint64_t number, struct row_record *out)
{
	struct row_key key = row_key1(number);
	struct store_value v = {0};
	int rc = store_get(txn->store, TABLE_RECORD, key.bytes, key.len, &v);

	return record_of(txn, number, rc, v, out);
}

int txn_record_at(struct store_cursor *records, struct index_txn *txn, uint64_t number,
		  struct row_record *out)
{
	struct row_key key = row_key1(number);
	int rc = store_find(records, key.bytes, key.len);

	return record_of(txn, number, rc, store_cursor_value(records), out);
}

bool txn_record_is(struct index_txn *txn, uint64_t number, unsigned kind,
		   const struct record_id *id)
{
	struct row_key key = row_key1(number);
	struct store_value v;

	if (store_get(txn->store, TABLE_RECORD, key.bytes, key.len, &v) == ERR_NOTFOUND) {
		txn_damaged(txn, NULL, "a record");
		return false;
	}
	return !store_status(txn->store, NULL) && row_record_is(v.data, v.len, kind, id);
}

void txn_record_put(struct index_txn *txn, uint64_t number, const struct row_record *row)
{
	struct row_key key = row_key1(number);

	buf_clear(&txn->row);
	row_record_put(&txn->row, number, row);
	store_put(txn->store, TABLE_RECORD, key.bytes, key.len, txn->row.data,
		  txn->row.len);
}
