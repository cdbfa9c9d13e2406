/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/claim_inner.h"

#include <string.h>

#include "data/base/buf.h"
#include "data/index/tables.h"

int claim_file_load(struct index_txn *txn, const char *path, size_t len,
		    struct row_file *out)
{
	struct buf key = {0};
	struct store_value v;
	int rc;

	row_path_key(&key, path, len);
	rc = store_get(txn->store, TABLE_FILE, key.data, key.len, &v);
	if (!rc && row_file_get(out, key.data, key.len, v.data, v.len) < 0) {
		rc = tables_damaged(txn, NULL, "a file");
	}
	buf_release(&key);
	return rc;
}

void claim_file_store(struct index_txn *txn, const char *path, size_t len,
		      const struct claim_file *file, bool unread)
{
	struct row_file row = {.file = *file, .unread = unread};
	struct buf key = {0}, value = {0};

	row_path_key(&key, path, len);
	row_file_put(&value, &row, path, len);
	store_put(txn->store, TABLE_FILE, key.data, key.len, value.data, value.len);
	buf_release(&key);
	buf_release(&value);
}

int claim_file_get(struct index_txn *txn, const char *path, size_t len,
		   struct claim_file *out)
{
	struct row_file row;
	int rc = claim_file_load(txn, path, len, &row);

	if (!rc) {
		*out = row.file;
	}
	return rc;
}

int claim_file_each(struct index_txn *txn, const char *prefix, size_t prefix_len,
		    int (*each)(const char *path, size_t len,
				const struct claim_file *file, void *payload),
		    void *payload, struct err *err)
{
	/* Keys hold the first ROW_PATH_KEY_MAX bytes; what a longer prefix leaves
	 * open is looked at in the whole path. */
	size_t seek_len = prefix_len < ROW_PATH_KEY_MAX ? prefix_len : ROW_PATH_KEY_MAX;
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_FILE);
	uint64_t met = 0;
	int rc;

	for (rc = store_seek(c, prefix, seek_len);
	     rc == 0 && store_has_prefix(c, prefix, seek_len); rc = store_next(c)) {
		struct store_value key = store_key(c), v = store_cursor_value(c);
		const char *path = key.data;
		size_t len = key.len;
		struct row_file row;

		if (row_file_get(&row, key.data, key.len, v.data, v.len) < 0) {
			rc = tables_damaged(txn, err, "a file");
			break;
		}
		if (row.path) {
			path = row.path;
			len = row.path_len;
		}
		if (len < prefix_len || memcmp(path, prefix, prefix_len) != 0) {
			continue;
		}
		met++;
		rc = each(path, len, &row.file, payload);
		if (rc) {
			break;
		}
	}
	store_cursor_close(c);
	if ((rc == 0 || rc == ERR_NOTFOUND) && !prefix_len &&
	    met != txn->meta.counts.files) {
		return tables_damaged(txn, err, "the files");
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

uint64_t claim_file_numbers(const struct index_txn *txn)
{
	return txn->meta.next_file;
}
