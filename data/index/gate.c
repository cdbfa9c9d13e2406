/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/gate.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/index/claim.h"
#include "data/format/secret.h"
#include "data/index/txn.h"
#include "data/index/version.h"

/*
 * When the gate closes, two things happen to the records taken before.
 *
 * First, here and in one transaction, the claims on texts that contain a secret are
 * withdrawn: from then on no secret is exported, even if their files cannot be read.
 *
 * Then all files are read again, so that the index becomes what a new index would be. A
 * file with such a record now has a reject, and a file with a reject withdraws nothing,
 * since it may be half-written. This reject is no such sign. So a file that is marked
 * CLAIM_ANEW withdraws what it does not state if it has only rejects for secrets
 * (claim_end).
 */

static const char setting_key[] = "secrets";
static const char taken[] = "taken", rejected[] = "rejected";

bool gate_takes_secrets(struct index_txn *txn)
{
	struct store_value v;

	return store_get(txn->store, TABLE_META, setting_key, strlen(setting_key), &v) ==
		       0 &&
	       v.len == strlen(taken) && memcmp(v.data, taken, v.len) == 0;
}

enum gate_change gate_compare(struct index_txn *txn, bool allow_secrets)
{
	if (gate_takes_secrets(txn) == allow_secrets) {
		return GATE_SAME;
	}
	return allow_secrets ? GATE_OPENS : GATE_CLOSES;
}

bool gate_must_read(enum gate_change change, const struct claim_file *known)
{
	return change == GATE_CLOSES || (change == GATE_OPENS && known->rejects);
}

/* Whether the text of a claim contains a secret. */
static int claims_secret(struct index_txn *txn, const struct row_version_key *key,
			 struct buf *text, bool *yes, struct err *err)
{
	struct secret secret;
	int rc;

	buf_clear(text);
	rc = version_text(txn, key, text, err);
	*yes = !rc && secret_find(&secret, text->data, text->len);
	return rc;
}

/* Changes to the rows of files. They are collected first, since a table must not be
 * written while it is read. */
struct marks {
	enum gate_change change;
	struct buf paths; /* of the files to mark: length (4), path */
	/* What withdrawals subtract from the sums of the claims of files, by number,
	 * ascending. */
	struct less {
		uint64_t file;
		uint32_t claims; /* wrapped around */
	} * less;
	size_t count, cap;
};

/* The sum of a file; `file` never descends between calls. */
static uint32_t *less_of(struct marks *marks, uint64_t file)
{
	if (!marks->count || marks->less[marks->count - 1].file != file) {
		marks->less = xgrow(marks->less, marks->count, &marks->cap,
				    sizeof(*marks->less));
		marks->less[marks->count++] = (struct less){.file = file};
	}
	return &marks->less[marks->count - 1].claims;
}

static int by_file(const void *left, const void *right)
{
	const struct less *a = left, *b = right;

	return (a->file > b->file) - (a->file < b->file);
}

static const struct less *less_found(const struct marks *marks, uint64_t file)
{
	const struct less key = {.file = file};

	return marks->count
		       ? bsearch(&key, marks->less, marks->count, sizeof(key), by_file)
		       : NULL;
}

/* Withdraws all claims on texts that contain a secret. This writes the table, so the
 * cursor seeks again after each of them. */
static int withdraw_secrets(struct index_txn *txn, struct marks *marks, struct err *err)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_CLAIM);
	struct buf text = {0};
	int rc = store_seek(c, NULL, 0);

	while (rc == 0) {
		struct store_value k = store_key(c), v = store_cursor_value(c);
		struct row_version_key key;
		struct row_key at;
		uint64_t file;
		bool secret;

		if (k.len != 16 || v.len != ROW_VERSION_ID_SIZE) {
			rc = txn_damaged(txn, err, "a claim");
			break;
		}
		file = be64_get(k.data);
		row_version_id_get(&key, be64_get((const char *)k.data + 8), v.data);
		rc = claims_secret(txn, &key, &text, &secret, err);
		if (!rc && !secret) {
			rc = store_next(c);
		} else if (!rc) {
			at = row_key2(file, key.number);
			rc = claim_withdraw(txn, file, key.number, less_of(marks, file),
					    err);
			rc = rc ? rc : store_seek(c, at.bytes, at.len);
		}
	}
	buf_release(&text);
	return store_walk_end(c, rc);
}

static int note_file(const char *path, size_t len, const struct claim_file *file,
		     void *payload)
{
	struct marks *marks = payload;

	if (gate_must_read(marks->change, file)) {
		buf_addu32(&marks->paths, (uint32_t)len);
		buf_add(&marks->paths, path, len);
	}
	return 0;
}

static int mark_files(struct index_txn *txn, struct marks *marks, struct err *err)
{
	int rc = claim_file_each(txn, "", 0, note_file, marks, err);

	for (size_t at = 0; !rc && at < marks->paths.len;) {
		const char *path = marks->paths.data + at + 4;
		size_t len = be32_get(path - 4);
		struct row_file row;

		rc = claim_file_load(txn, path, len, &row);
		if (!rc) {
			const struct less *less = less_found(marks, row.file.number);

			row.file.size = CLAIM_ANEW;
			row.file.claims += less ? less->claims : 0;
			claim_file_store(txn, path, len, &row.file, row.unread);
		}
		at += 4 + len;
	}
	return rc;
}

int gate_set(struct index *index, bool allow_secrets, struct err *err)
{
	const char *value = allow_secrets ? taken : rejected;
	struct index_txn *txn = NULL;
	struct marks marks = {0};
	enum gate_change change;
	int rc = index_begin(&txn, index, true, err);

	if (rc) {
		return rc;
	}
	change = gate_compare(txn, allow_secrets);
	if (change == GATE_SAME) {
		index_abort(&txn);
		return 0;
	}
	marks.change = change;
	if (change == GATE_CLOSES) {
		rc = withdraw_secrets(txn, &marks, err);
	}
	rc = rc ? rc : mark_files(txn, &marks, err);
	buf_release(&marks.paths);
	free(marks.less);
	if (rc) {
		index_abort(&txn);
		return rc;
	}
	store_put(txn->store, TABLE_META, setting_key, strlen(setting_key), value,
		  strlen(value));
	return index_commit(&txn, err);
}
