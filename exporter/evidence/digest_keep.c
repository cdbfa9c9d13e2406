/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/digest_keep.h"

#include <nettle/sha2.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/index/store.h"

/* The environment has one table. A key is a path; its value is the note, after 8 bytes
 * of a SHA-256 of both. Another layout gets another name. */
#define TABLE "digests1"
#define CHECK 8
/* Puts of one transaction. */
#define SLICE 4096

struct note {
	char *path;
	char *bytes;
	size_t len;
};

struct digest_keep {
	void *tree;          /* of struct note (tsearch(3)), in memory */
	struct store *store; /* NULL: in memory */
	struct store_txn *txn;
	size_t puts; /* in the transaction */
	int rc;      /* the first failure */
	struct err err;
};

/* --- in memory --- */

static int compare_notes(const void *a, const void *b)
{
	const struct note *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static void free_note(void *payload)
{
	struct note *one = payload;

	free(one->path);
	free(one->bytes);
	free(one);
}

static struct note *find_note(const struct digest_keep *keep, const char *path)
{
	/* Only compared. */
	struct note key = {.path = (char *)(uintptr_t)path};
	struct note **found = tfind(&key, &keep->tree, compare_notes);

	return found ? *found : NULL;
}

static void put_note(struct digest_keep *keep, const char *path, const void *note,
		     size_t len)
{
	struct note *one = find_note(keep, path);

	if (!one) {
		one = xzalloc(sizeof(*one));
		one->path = xstrdup(path);
		if (!tsearch(one, &keep->tree, compare_notes)) {
			abort(); /* as xmalloc would */
		}
	}
	free(one->bytes);
	one->bytes = xmemdup0(note, len);
	one->len = len;
}

/* --- in a folder --- */

static int open_store(struct digest_keep *keep, const char *dir, struct err *err)
{
	static const char *const tables[] = {TABLE};
	static const struct store_spec spec = {.noun = "digest store",
					       .repair = "delete its folder",
					       .table = tables,
					       .count = 1};

	return store_open(&keep->store, dir, &spec, STORE_CREATE | STORE_UNUSED, err);
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

/* Begins a transaction if there is none. False: it failed, now or before. */
static bool begin(struct digest_keep *keep)
{
	if (!keep->rc && !keep->txn) {
		keep->rc = store_begin(&keep->txn, keep->store, true, &keep->err);
		keep->puts = 0;
	}
	return !keep->rc;
}

static void check_note(uint8_t out[CHECK], const char *path, const void *note, size_t len)
{
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, strlen(path) + 1, (const uint8_t *)path);
	sha256_update(&hash, len, note);
	sha256_digest(&hash, CHECK, out);
}

static int get_row(struct digest_keep *keep, const char *path, struct buf *note)
{
	struct store_value value;
	uint8_t check[CHECK];
	const char *bytes;

	if (!begin(keep) || store_get(keep->txn, 0, path, strlen(path), &value) != 0 ||
	    value.len < CHECK) {
		return ERR_NOTFOUND;
	}
	bytes = value.data;
	check_note(check, path, bytes + CHECK, value.len - CHECK);
	if (memcmp(check, bytes, CHECK) != 0) {
		return ERR_NOTFOUND;
	}
	buf_add(note, bytes + CHECK, value.len - CHECK);
	return 0;
}

static void commit(struct digest_keep *keep)
{
	if (!keep->rc && keep->txn) {
		keep->rc = store_commit(&keep->txn, &keep->err);
	}
}

static void put_row(struct digest_keep *keep, const char *path, const void *note,
		    size_t len)
{
	struct buf value = {0};
	uint8_t check[CHECK];

	/* A path that is too long for a key has no note. */
	if (strlen(path) > STORE_KEY_MAX || !begin(keep)) {
		return;
	}
	check_note(check, path, note, len);
	buf_add(&value, check, CHECK);
	buf_add(&value, note, len);
	store_put(keep->txn, 0, path, strlen(path), value.data, value.len);
	buf_release(&value);
	if (++keep->puts >= SLICE) {
		commit(keep);
	}
}

/* --- both --- */

int digest_keep_open(struct digest_keep **out, const char *dir, struct err *err)
{
	struct digest_keep *keep = xzalloc(sizeof(*keep));
	int rc = 0;

	*out = NULL;
	if (dir) {
		rc = file_mkdirs(dir, err);
		rc = rc ? rc : open_store(keep, dir, err);
		if (rc == ERR_FORMAT) {
			remove_store(dir);
			rc = open_store(keep, dir, err);
		}
	}
	if (rc) {
		free(keep);
		return rc;
	}
	*out = keep;
	return 0;
}

void digest_keep_close(struct digest_keep *keep)
{
	if (keep) {
		tdestroy(keep->tree, free_note);
		store_abort(&keep->txn);
		store_close(keep->store);
		free(keep);
	}
}

int digest_keep_get(struct digest_keep *keep, const char *path, struct buf *note)
{
	struct note *one;

	if (keep->store) {
		return get_row(keep, path, note);
	}
	one = find_note(keep, path);
	if (!one) {
		return ERR_NOTFOUND;
	}
	buf_add(note, one->bytes, one->len);
	return 0;
}

void digest_keep_put(struct digest_keep *keep, const char *path, const void *note,
		     size_t len)
{
	if (keep->store) {
		put_row(keep, path, note, len);
	} else {
		put_note(keep, path, note, len);
	}
}

void digest_keep_delete(struct digest_keep *keep, const char *path)
{
	/* In memory a note stays, in case the folder comes back. */
	if (keep->store && strlen(path) <= STORE_KEY_MAX && begin(keep)) {
		store_delete(keep->txn, 0, path, strlen(path));
	}
}

int digest_keep_save(struct digest_keep *keep, struct err *err)
{
	if (keep->store) {
		commit(keep);
	}
	if (keep->rc && err) {
		*err = keep->err;
	}
	return keep->rc;
}
