/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/digest_keep.h"

#include <nettle/sha2.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/index/store.h"

/* In the folder: one table; the key is the path, the value 8 bytes of a SHA-256 over
 * key and note, and the note. Another layout gets another name. */
#define TABLE "digests1"
#define CHECK 8
/* So many puts are committed at once: they are in memory until then. */
#define SLICE 4096

struct note {
	char *path;
	char *bytes;
	size_t len;
};

struct digest_keep {
	void *tree;          /* of entries (tsearch(3)), in memory */
	struct store *store; /* NULL: in memory */
	struct store_txn *txn;
	size_t puts; /* in the transaction */
	int rc;      /* the failure that stuck */
	struct err err;
};

/* --- in memory --- */

static int compare_entries(const void *a, const void *b)
{
	const struct note *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static void free_entry(void *payload)
{
	struct note *entry = payload;

	free(entry->path);
	free(entry->bytes);
	free(entry);
}

static struct note *find_entry(const struct digest_keep *keep, const char *path)
{
	/* Only compared. */
	struct note key = {.path = (char *)(uintptr_t)path};
	struct note **found = tfind(&key, &keep->tree, compare_entries);

	return found ? *found : NULL;
}

static void put_entry(struct digest_keep *keep, const char *path, const void *note,
		      size_t len)
{
	struct note *entry = find_entry(keep, path);

	if (!entry) {
		entry = xzalloc(sizeof(*entry));
		entry->path = xstrdup(path);
		if (!tsearch(entry, &keep->tree, compare_entries)) {
			abort(); /* as xmalloc would */
		}
	}
	free(entry->bytes);
	entry->bytes = xmemdup0(note, len);
	entry->len = len;
}

static void delete_entry(struct digest_keep *keep, const char *path)
{
	struct note *entry = find_entry(keep, path);

	if (entry) {
		tdelete(entry, &keep->tree, compare_entries);
		free_entry(entry);
	}
}

/* --- in a folder --- */

static int open_store(struct digest_keep *keep, const char *dir, struct err *err)
{
	static const char *const tables[] = {TABLE};
	static const struct store_spec spec = {.noun = "digest store",
					       .mend = "delete its folder",
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

/* True if there is a transaction to work in. */
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

	/* Too long a path is not remembered, that is all. */
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
			/* Nothing is lost with it but time. */
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
		tdestroy(keep->tree, free_entry);
		store_abort(&keep->txn);
		store_close(keep->store);
		free(keep);
	}
}

int digest_keep_get(struct digest_keep *keep, const char *path, struct buf *note)
{
	struct note *entry;

	if (keep->store) {
		return get_row(keep, path, note);
	}
	entry = find_entry(keep, path);
	if (!entry) {
		return ERR_NOTFOUND;
	}
	buf_add(note, entry->bytes, entry->len);
	return 0;
}

void digest_keep_put(struct digest_keep *keep, const char *path, const void *note,
		     size_t len)
{
	if (keep->store) {
		put_row(keep, path, note, len);
	} else {
		put_entry(keep, path, note, len);
	}
}

void digest_keep_delete(struct digest_keep *keep, const char *path)
{
	if (!keep->store) {
		delete_entry(keep, path);
	} else if (strlen(path) <= STORE_KEY_MAX && begin(keep)) {
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
