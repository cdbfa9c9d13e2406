/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/digest_keep.h"

#include <nettle/sha2.h>
#include <stdbool.h>
#include <errno.h>
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

/* The environment has two tables. In both, a value begins with 8 bytes of a SHA-256 of the key
 * and of what follows in the value.
 *	objects1	SHA-1		SHA-256
 *	lists1		name		SHA-1, SHA-256, SHA-1, SHA-256, ...
 * Another layout gets other names: 0.1.0 had "digests1", lists without SHA-1. */
enum table { OBJECTS, LISTS, TABLES };
#define CHECK 8
/* When so many pairs were put they are saved, which bounds the memory. */
#define PAIRS_MAX ((size_t)1 << 20)
/* So many lists are kept until then. */
#define LISTS_MAX 64
/* Puts of one transaction, whose changed pages LMDB has in memory. */
#define SLICE 65536

struct list {
	char *name;
	struct buf pairs;
};

struct digest_keep {
	/* Put since the last save. */
	struct spill pairs;
	struct hash numbers; /* of pairs, from 1 */
	struct list list[LISTS_MAX];
	size_t lists;
	char *dir; /* NULL: in this process alone */
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
	static const char *const tables[TABLES] = {"objects1", "lists1"};
	static const struct store_spec spec = {.noun = "digest store",
					       .repair = "delete its folder",
					       .table = tables,
					       .count = TABLES};

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

int digest_keep_remove(const char *dir, struct err *err)
{
	remove_store(dir);
	return rmdir(dir) < 0 && errno != ENOENT
		       ? err_sys(err, "cannot remove folder '%s'", dir)
		       : 0;
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

static void check_row(uint8_t out[CHECK], const void *key, size_t key_len,
		      const void *bytes, size_t len)
{
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, key_len, key);
	sha256_update(&hash, len, bytes);
	sha256_digest(&hash, CHECK, out);
}

/* *value: what a row has behind its check. False: the environment does not have it. */
static bool get_row(struct store_value *value, struct digest_keep *keep, enum table table,
		    const void *key, size_t key_len)
{
	uint8_t check[CHECK];
	const char *bytes;
	struct err why;
	int rc = 0;

	if (!keep->store) {
		return false;
	}
	if (!keep->txn) {
		rc = store_begin(&keep->txn, keep->store, false, &why);
	}
	rc = rc ? rc : store_get(keep->txn, table, key, key_len, value);
	if (rc && rc != ERR_NOTFOUND) {
		if (keep->txn) {
			store_status(keep->txn, &why);
		}
		pass_over(keep, why);
	}
	if (rc || value->len < CHECK) {
		return false;
	}
	bytes = value->data;
	*value = (struct store_value){bytes + CHECK, value->len - CHECK};
	check_row(check, key, key_len, value->data, value->len);
	return memcmp(check, bytes, CHECK) == 0;
}

static void put_row(struct store_txn *txn, enum table table, bool append, const void *key,
		    size_t key_len, const void *bytes, size_t len)
{
	struct buf value = {0};
	uint8_t check[CHECK];

	check_row(check, key, key_len, bytes, len);
	buf_add(&value, check, CHECK);
	buf_add(&value, bytes, len);
	(append ? store_append : store_put)(txn, table, key, key_len, value.data,
					    value.len);
	buf_release(&value);
}

/* Puts the pairs in the order of their keys, so that each page changes once; into an empty
 * table they are appended, which fills the pages. */
static int put_sorted(struct digest_keep *keep, struct sort *sort, struct err *err)
{
	struct store_txn *txn = NULL;
	struct sort_item item;
	bool empty = false;
	size_t puts = 0;
	int rc = store_begin(&txn, keep->store, true, err);

	if (!rc) {
		empty = store_count(txn, OBJECTS) == 0;
		for (size_t i = 0; i < keep->lists; i++) {
			const struct list *list = &keep->list[i];

			put_row(txn, LISTS, false, list->name, strlen(list->name),
				list->pairs.data, list->pairs.len);
		}
	}
	while (!rc && (rc = sort_next(sort, &item, err)) == 0) {
		put_row(txn, OBJECTS, empty, item.key, item.key_len, item.text, item.len);
		if (++puts % SLICE == 0) {
			rc = store_commit(&txn, err);
			rc = rc ? rc : store_begin(&txn, keep->store, true, err);
		}
	}
	if (rc == ERR_NOTFOUND) {
		rc = store_commit(&txn, err);
	}
	store_abort(&txn);
	return rc;
}

static void forget(struct digest_keep *keep)
{
	spill_release(&keep->pairs);
	hash_clear(&keep->numbers);
	while (keep->lists) {
		free(keep->list[--keep->lists].name);
		buf_release(&keep->list[keep->lists].pairs);
	}
}

static int save(struct digest_keep *keep, struct err *err)
{
	struct sort *sort = sort_new(keep->dir);
	size_t count = keep->numbers.count;
	int rc = 0;

	store_abort(&keep->txn); /* it would keep old pages from being used again */
	for (size_t i = 0; !rc && i < count; i++) {
		buf_clear(&keep->pair);
		rc = spill_read(&keep->pairs, &keep->pair, i * DIGEST_PAIR, DIGEST_PAIR,
				err);
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
		forget(keep);
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
	struct store_value row;
	size_t at = 0;

	while ((n = hash_next(&keep->numbers, hash, &at))) {
		int rc;

		buf_clear(&keep->pair);
		rc = spill_read(&keep->pairs, &keep->pair,
				(uint64_t)(n - 1) * DIGEST_PAIR, DIGEST_PAIR, err);
		if (rc) {
			return rc;
		}
		if (memcmp(keep->pair.data, id, OBJECT_ID) == 0) {
			memcpy(sha256, keep->pair.data + OBJECT_ID, DIGEST_ID);
			return 0;
		}
	}
	if (!get_row(&row, keep, OBJECTS, id, OBJECT_ID) || row.len != DIGEST_ID) {
		return ERR_NOTFOUND;
	}
	memcpy(sha256, row.data, DIGEST_ID);
	return 0;
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

bool digest_keep_list(struct buf *pairs, struct digest_keep *keep, const char *name)
{
	size_t len = strlen(name);
	struct store_value row;

	if (len > STORE_KEY_MAX || !get_row(&row, keep, LISTS, name, len)) {
		return false;
	}
	buf_add(pairs, row.data, row.len);
	return true;
}

void digest_keep_put_list(struct digest_keep *keep, const char *name,
			  const struct buf *pairs)
{
	struct list *list = &keep->list[keep->lists];

	if (keep->write && keep->lists < LISTS_MAX && strlen(name) <= STORE_KEY_MAX) {
		list->name = xstrdup(name);
		buf_add(&list->pairs, pairs->data, pairs->len);
		keep->lists++;
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
			forget(keep);
		}
	}
	if (keep->rc && err) {
		*err = keep->err;
	}
	return keep->rc;
}
