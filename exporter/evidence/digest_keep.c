/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/digest_keep.h"

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "data/base/hash.h"
#include "data/base/log.h"
#include "data/index/store.h"
#include "exporter/collection/sort.h"
#include "exporter/git/pack/spill.h"

/* The environment has one table. A key is a SHA-1; its value is the SHA-256, after 8 bytes
 * of a SHA-256 of both. Another layout gets another name: 0.1.0 had "digests1", notes by
 * path. */
#define TABLE "objects1"
#define CHECK 8
/* What was put: a SHA-1 and a SHA-256. */
#define PAIR (OBJECT_ID + DIGEST_ID)
/* When so many were put they are saved, which bounds the memory. */
#define PAIRS_MAX ((size_t)1 << 20)
/* Puts of one transaction, whose changed pages LMDB has in memory. */
#define SLICE 65536

struct digest_keep {
	struct spill pairs;  /* put since the last save */
	struct hash numbers; /* of pairs, from 1 */
	char *dir;           /* NULL: in this process alone */
	bool write;
	struct store *store;   /* NULL: none, or passed over */
	struct store_txn *txn; /* reads; NULL: none is open */
	int rc;                /* why nothing can be saved */
	struct err err;
	struct buf pair; /* scratch */
};

/* --- the environment --- */

static const struct store_spec *spec(void)
{
	static const char *const tables[] = {TABLE};
	static const struct store_spec spec = {.noun = "digest store",
					       .repair = "delete its folder",
					       .table = tables,
					       .count = 1};

	return &spec;
}

static void remove_store(const char *dir)
{
	static const char *const files[] = {"data.mdb", "lock.mdb"};
	struct buf path = {0};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		buf_clear(&path);
		buf_addf(&path, "%s/%s", dir, files[i]);
		unlink(path.data);
	}
	buf_release(&path);
}

static int make_anew(struct digest_keep *keep, struct err *err)
{
	remove_store(keep->dir);
	return store_open(&keep->store, keep->dir, spec(), STORE_CREATE | STORE_UNUSED,
			  err);
}

static void close_store(struct digest_keep *keep)
{
	store_abort(&keep->txn);
	store_close(keep->store);
	keep->store = NULL;
}

/* Goes on without what the environment has. */
static void pass_over(struct digest_keep *keep, struct err why)
{
	log_warning("the digests in '%s' are passed over: %s", keep->dir, why.msg);
	close_store(keep);
	keep->rc = why.code;
	keep->err = why;
	if (keep->write && why.code == ERR_FORMAT) {
		keep->rc = make_anew(keep, &keep->err);
	}
}

static void check_pair(uint8_t out[CHECK], const uint8_t id[OBJECT_ID],
		       const void *sha256)
{
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, OBJECT_ID, id);
	sha256_update(&hash, DIGEST_ID, sha256);
	sha256_digest(&hash, CHECK, out);
}

/* False: the environment does not have it. */
static bool get_row(uint8_t sha256[DIGEST_ID], struct digest_keep *keep,
		    const uint8_t id[OBJECT_ID])
{
	struct store_value value;
	uint8_t check[CHECK];
	const char *bytes;
	struct err why;
	int rc = 0;

	if (!keep->txn) {
		rc = store_begin(&keep->txn, keep->store, false, &why);
	}
	rc = rc ? rc : store_get(keep->txn, 0, id, OBJECT_ID, &value);
	if (rc && rc != ERR_NOTFOUND) {
		if (keep->txn) {
			store_status(keep->txn, &why);
		}
		pass_over(keep, why);
	}
	if (rc || value.len != CHECK + DIGEST_ID) {
		return false;
	}
	bytes = value.data;
	check_pair(check, id, bytes + CHECK);
	if (memcmp(check, bytes, CHECK) != 0) {
		return false;
	}
	memcpy(sha256, bytes + CHECK, DIGEST_ID);
	return true;
}

/* Puts the pairs in the order of their keys, so that each page changes once; into an empty
 * table they are appended, which fills the pages. */
static int put_sorted(struct digest_keep *keep, struct sort *sort, struct err *err)
{
	struct store_txn *txn = NULL;
	struct sort_item item;
	uint8_t value[CHECK + DIGEST_ID];
	bool empty = false;
	size_t puts = 0;
	int rc;

	while ((rc = sort_next(sort, &item, err)) == 0) {
		if (!txn) {
			rc = store_begin(&txn, keep->store, true, err);
			if (rc) {
				break;
			}
			empty = empty || store_count(txn, 0) == 0;
		}
		check_pair(value, (const uint8_t *)item.key, item.text);
		memcpy(value + CHECK, item.text, DIGEST_ID);
		(empty ? store_append : store_put)(txn, 0, item.key, OBJECT_ID, value,
						   sizeof(value));
		if (++puts % SLICE == 0) {
			rc = store_commit(&txn, err);
			if (rc) {
				break;
			}
		}
	}
	if (rc == ERR_NOTFOUND) {
		rc = txn ? store_commit(&txn, err) : 0;
	}
	store_abort(&txn);
	return rc;
}

static void forget_pairs(struct digest_keep *keep)
{
	spill_release(&keep->pairs);
	hash_clear(&keep->numbers);
}

static int save(struct digest_keep *keep, struct err *err)
{
	struct sort *sort = sort_new(keep->dir);
	size_t count = keep->numbers.count;
	int rc = 0;

	store_abort(&keep->txn); /* it would keep old pages from being used again */
	for (size_t i = 0; !rc && i < count; i++) {
		buf_clear(&keep->pair);
		rc = spill_read(&keep->pairs, &keep->pair, i * PAIR, PAIR, err);
		if (!rc) {
			sort_add(sort, keep->pair.data, OBJECT_ID,
				 keep->pair.data + OBJECT_ID, DIGEST_ID);
		}
	}
	rc = rc ? rc : put_sorted(keep, sort, err);
	sort_free(sort);
	return rc;
}

/* --- both --- */

static struct digest_keep *new_keep(const char *dir, bool write)
{
	struct digest_keep *keep = xzalloc(sizeof(*keep));

	keep->write = write;
	keep->dir = dir ? xstrdup(dir) : NULL;
	keep->pairs.dir = write ? keep->dir : file_temp_folder();
	return keep;
}

int digest_keep_open(struct digest_keep **out, const char *dir, struct err *err)
{
	struct digest_keep *keep = new_keep(dir, dir != NULL);
	int rc = 0;

	if (dir) {
		rc = file_mkdirs(dir, err);
		rc = rc ? rc : store_open(&keep->store, dir, spec(), 0, err);
		if (rc == ERR_FORMAT || rc == ERR_NOTFOUND) {
			rc = make_anew(keep, err);
		}
	}
	if (rc) {
		digest_keep_close(keep);
		keep = NULL;
	}
	*out = keep;
	return rc;
}

void digest_keep_open_reader(struct digest_keep **out, const char *dir)
{
	struct err why;

	*out = new_keep(dir, false);
	switch (store_open(&(*out)->store, dir, spec(), 0, &why)) {
	case 0:
	case ERR_NOTFOUND:
		break;
	default:
		pass_over(*out, why);
	}
}

void digest_keep_close(struct digest_keep *keep)
{
	if (keep) {
		close_store(keep);
		spill_release(&keep->pairs);
		hash_release(&keep->numbers);
		buf_release(&keep->pair);
		free(keep->dir);
		free(keep);
	}
}

int digest_keep_get(uint8_t sha256[DIGEST_ID], struct digest_keep *keep,
		    const uint8_t id[OBJECT_ID], struct err *err)
{
	uint32_t hash = hash_bytes(id, OBJECT_ID, 0), n;
	size_t at = 0;

	while ((n = hash_next(&keep->numbers, hash, &at))) {
		int rc;

		buf_clear(&keep->pair);
		rc = spill_read(&keep->pairs, &keep->pair, (uint64_t)(n - 1) * PAIR, PAIR,
				err);
		if (rc) {
			return rc;
		}
		if (memcmp(keep->pair.data, id, OBJECT_ID) == 0) {
			memcpy(sha256, keep->pair.data + OBJECT_ID, DIGEST_ID);
			return 0;
		}
	}
	return keep->store && get_row(sha256, keep, id) ? 0 : ERR_NOTFOUND;
}

void digest_keep_put(struct digest_keep *keep, const uint8_t id[OBJECT_ID],
		     const uint8_t sha256[DIGEST_ID])
{
	spill_add(&keep->pairs, id, OBJECT_ID);
	spill_add(&keep->pairs, sha256, DIGEST_ID);
	hash_add(&keep->numbers, hash_bytes(id, OBJECT_ID, 0),
		 (uint32_t)keep->numbers.count + 1);
	if (keep->numbers.count >= PAIRS_MAX && keep->store && keep->write) {
		digest_keep_save(keep, NULL);
	}
}

int digest_keep_save(struct digest_keep *keep, struct err *err)
{
	if (!keep->write) {
		return 0;
	}
	if (!keep->rc && keep->numbers.count) {
		keep->rc = save(keep, &keep->err);
		if (keep->rc == ERR_FORMAT) {
			pass_over(keep, keep->err);
			keep->rc = keep->rc ? keep->rc : save(keep, &keep->err);
		}
		if (keep->rc) {
			close_store(keep);
		} else {
			forget_pairs(keep);
		}
	}
	if (keep->rc && err) {
		*err = keep->err;
	}
	return keep->rc;
}
