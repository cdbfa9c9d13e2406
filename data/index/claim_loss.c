/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>

#include "data/base/hash.h"
#include "data/index/claim.h"
#include "data/index/ids.h"
#include "data/index/txn.h"

/*
 * Counts the files whose removal would remove records.
 *
 * A record stays while a file outside the list claims it. If two files of the list
 * claim the same record, it goes with them. So the claims of the list on each record
 * are compared with all claims on it. A record with one claim goes with its file; the
 * others, which are few, are counted in a table.
 */

struct loss {
	struct index_txn *txn;
	const struct hash *stated;
	struct hash
		/* of records with several claims: a place in `shared`, plus one */
		places;
	struct shared {
		uint64_t number;
		uint64_t claims; /* claims by files of the list */
	} * shared;
	size_t cap;
};

/* The count of the claims of the list on a record; valid until the next call. */
static uint64_t *claims_of(struct loss *loss, uint64_t number)
{
	uint32_t hash = hash_number(number), place;
	size_t at = 0;

	while ((place = hash_next(&loss->places, hash, &at))) {
		assert(loss->shared);
		if (loss->shared[place - 1].number == number) {
			return &loss->shared[place - 1].claims;
		}
	}
	loss->shared = xgrow(loss->shared, loss->places.count, &loss->cap,
			     sizeof(*loss->shared));
	place = (uint32_t)loss->places.count + 1;
	loss->shared[place - 1] = (struct shared){.number = number};
	hash_add(&loss->places, hash, place);
	return &loss->shared[place - 1].claims;
}

/* Counts the claims of all files on a record, whatever their versions. */
static int count_claims(struct index_txn *txn, uint64_t number, uint64_t *claims,
			struct err *err)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_VERSION);
	struct row_key prefix = row_key1(number);
	int rc;

	*claims = 0;
	for (rc = store_first(c, prefix.bytes, prefix.len); rc == 0; rc = store_next(c)) {
		struct store_value v = store_cursor_value(c);
		struct row_version row;

		if (row_version_get(&row, store_key(c).data, v.data, v.len) < 0) {
			rc = txn_damaged(txn, err, "a version");
			break;
		}
		*claims += row.claims;
	}
	return store_walk_end(c, rc);
}

/* Looks at the claims of one file. *lost: one of its records goes with it. Without
 * `counted`, this is known only for records with one claim; the others are counted for
 * the second pass. *none: the file has no claims. */
static int look_at_file(struct loss *loss, uint64_t file, bool counted, bool *lost,
			bool *none, struct err *err)
{
	struct store_cursor *c = store_cursor_open(loss->txn->store, TABLE_CLAIM);
	struct row_key prefix = row_key1(file);
	int rc;

	*lost = false;
	*none = true;
	for (rc = store_first(c, prefix.bytes, prefix.len); rc == 0; rc = store_next(c)) {
		uint64_t number;
		uint64_t claims;

		*none = false;
		if (store_key(c).len != 16) {
			rc = txn_damaged(loss->txn, err, "a claim");
			break;
		}
		number = be64_get((const char *)store_key(c).data + 8);
		if (loss->stated && hash_has(loss->stated, number)) {
			continue;
		}
		rc = count_claims(loss->txn, number, &claims, err);
		if (rc) {
			break;
		}
		if (claims <= 1) {
			*lost = true;
		} else if (counted) {
			*lost |= claims <= *claims_of(loss, number);
		} else {
			++*claims_of(loss, number);
		}
		if (*lost && counted) {
			break;
		}
	}
	return store_walk_end(c, rc);
}

int claim_loss(struct index_txn *txn, const uint64_t *file, size_t count,
	       const struct hash *stated, uint64_t *lost, uint64_t *empty,
	       struct err *err)
{
	struct loss loss = {.txn = txn, .stated = stated};
	unsigned char *open = xzalloc(count + 1); /* files for the second pass */
	int rc = 0;

	*lost = *empty = 0;
	for (size_t i = 0; i < count && !rc; i++) {
		bool is_lost, none;

		rc = look_at_file(&loss, file[i], false, &is_lost, &none, err);
		*lost += is_lost;
		*empty += none;
		open[i] = !is_lost && !none;
	}
	for (size_t i = 0; i < count && !rc; i++) {
		bool is_lost, none;

		if (open[i]) {
			rc = look_at_file(&loss, file[i], true, &is_lost, &none, err);
			*lost += is_lost;
		}
	}
	free(open);
	hash_release(&loss.places);
	free(loss.shared);
	return rc;
}

uint64_t claim_number(struct index_txn *txn, const struct record *record)
{
	return ids_number(txn, record->kind, &record->id);
}
