/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"

/* The map never has to grow while the store is open (HAZARDS C8): without
 * WRITEMAP the file grows only as pages are used, address space is free. Where a
 * limit on it (ulimit -v, LimitAS=) stands in the way, smaller ones are tried. */
#define MAP_SIZE ((size_t)256 << 30)
#define MAP_SIZE_MIN ((size_t)1 << 30)
#define READERS_MAX 510

/* A writer looks for dead readers this often: what they hold is not reused. */
#define READERS_CHECK_S 60

struct store {
	MDB_env *env;
	time_t readers_checked_s; /* CLOCK_MONOTONIC */
	MDB_dbi *table;
	size_t count;
};

struct store_txn {
	struct store *store;
	MDB_txn *txn;
	struct err failed; /* the first failure; code 0 while there is none */
};

struct store_cursor {
	struct store_txn *txn;
	MDB_cursor *cursor; /* NULL where the open failed */
	MDB_val key, value;
};

/* The one translator of LMDB's codes: positive ones are errno's. */
static int store_err(struct err *err, int rc, const char *what)
{
	switch (rc) {
	case ENOSPC:
	case EDQUOT:
		return err_set(err, ERR_FULL,
			       "cannot %s: %s; make room on the index's disk", what,
			       mdb_strerror(rc));
	case ENOENT:
		return err_set(err, ERR_NOTFOUND, "cannot %s: %s", what,
			       mdb_strerror(rc));
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		return err_set(err, ERR_FORMAT,
			       "cannot %s: %s; delete the index folder and scan again",
			       what, mdb_strerror(rc));
	case MDB_READERS_FULL:
		return err_set(err, ERR_LOCKED, "cannot %s: %s", what, mdb_strerror(rc));
	default:
		return err_set(err, ERR_FAIL, "cannot %s: %s", what, mdb_strerror(rc));
	}
}

/* Notes the first failure of a transaction. "Not found" is an answer. */
static int txn_result(struct store_txn *txn, int rc, const char *what)
{
	if (rc == MDB_SUCCESS) {
		return 0;
	}
	if (rc == MDB_NOTFOUND) {
		return ERR_NOTFOUND;
	}
	return store_err(&txn->failed, rc, what);
}

static int open_env(MDB_env **out, const char *dir, size_t tables, bool made,
		    struct err *err)
{
	/* NOTLS: a reader's slot belongs to its transaction. To fill a new one is to
	 * go through all of it; what is there is touched here and there. */
	unsigned flags = MDB_NOTLS | (made ? 0 : MDB_NORDAHEAD);
	size_t map_size = MAP_SIZE;

	for (;;) {
		MDB_env *env = NULL;
		int rc = mdb_env_create(&env);

		if (!rc) {
			rc = mdb_env_set_maxdbs(env, (MDB_dbi)tables);
		}
		if (!rc) {
			rc = mdb_env_set_maxreaders(env, READERS_MAX);
		}
		if (!rc) {
			rc = mdb_env_set_mapsize(env, map_size);
		}
		if (!rc) {
			rc = mdb_env_open(env, dir, flags, 0666);
		}
		if (!rc) {
			*out = env;
			return 0;
		}
		mdb_env_close(env);
		/* EINVAL is what valgrind says of more room than it has. */
		if ((rc != ENOMEM && rc != EINVAL) || map_size <= MAP_SIZE_MIN) {
			return store_err(err, rc, "open the index");
		}
		map_size /= 2;
	}
}

/* A table handle opened in a transaction that aborts is void (HAZARDS C9), so
 * all are opened in one that commits. */
static int open_tables(struct store *store, const char *const *names, unsigned flags,
		       struct err *err)
{
	bool create = flags & STORE_CREATE;
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(store->env, NULL, create ? 0 : MDB_RDONLY, &txn);

	if (rc) {
		return store_err(err, rc, "open the index");
	}
	for (size_t i = 0; i < store->count; i++) {
		rc = mdb_dbi_open(txn, names[i], create ? MDB_CREATE : 0,
				  &store->table[i]);
		if (rc) {
			mdb_txn_abort(txn);
			if (rc == MDB_NOTFOUND) {
				return err_set(err, ERR_NOTFOUND,
					       "no table '%s' in the index", names[i]);
			}
			return store_err(err, rc, "open the index's tables");
		}
	}
	rc = mdb_txn_commit(txn);
	return rc ? store_err(err, rc, "open the index's tables") : 0;
}

int store_open(struct store **out, const char *dir, const char *const *names,
	       size_t count, unsigned flags, struct err *err)
{
	struct store *store = xzalloc(sizeof(*store));
	struct buf path = {0};
	struct stat st;
	bool there;
	int rc;

	*out = NULL;
	store->count = count;
	store->table = xreallocarray(NULL, count, sizeof(*store->table));
	buf_addf(&path, "%s/data.mdb", dir);
	/* mdb_env_open would make an empty environment for a mere reader. */
	there = stat(path.data, &st) == 0;
	if (!there && !(flags & STORE_CREATE)) {
		rc = err_sys(err, "cannot open index '%s'", dir);
	} else if ((flags & STORE_CREATE) && (rc = file_mkdirs(dir, err)) < 0) {
		/* err is filled */
	} else {
		rc = open_env(&store->env, dir, count, !there, err);
		if (!rc) {
			rc = store_clear_readers(store, err);
		}
		if (!rc) {
			rc = open_tables(store, names, flags, err);
		}
	}
	buf_release(&path);
	if (rc) {
		store_close(store);
		return rc;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (store) {
		if (store->env) {
			mdb_env_close(store->env);
		}
		free(store->table);
		free(store);
	}
}

void store_read_ahead(struct store_txn *txn)
{
	off_t memory = (off_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGE_SIZE);
	struct stat st;
	int fd;

	/* Not if the end would push the beginning out again. */
	if (mdb_env_get_fd(txn->store->env, &fd) == MDB_SUCCESS && fstat(fd, &st) == 0 &&
	    st.st_size < memory / 2) {
		posix_fadvise(fd, 0, st.st_size, POSIX_FADV_WILLNEED);
	}
}

int store_clear_readers(struct store *store, struct err *err)
{
	int rc = mdb_reader_check(store->env, NULL);

	return rc ? store_err(err, rc, "clear the index's stale readers") : 0;
}

int store_begin(struct store_txn **out, struct store *store, bool write, struct err *err)
{
	struct store_txn *txn = xzalloc(sizeof(*txn));
	unsigned flags = write ? 0 : MDB_RDONLY;
	struct timespec now;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (write && now.tv_sec - store->readers_checked_s >= READERS_CHECK_S) {
		store->readers_checked_s = now.tv_sec;
		mdb_reader_check(store->env, NULL);
	}
	rc = mdb_txn_begin(store->env, NULL, flags, &txn->txn);

	if (rc == MDB_READERS_FULL && store_clear_readers(store, err) == 0) {
		rc = mdb_txn_begin(store->env, NULL, flags, &txn->txn);
	}
	if (rc) {
		free(txn);
		*out = NULL;
		return store_err(err, rc, "begin a transaction of the index");
	}
	txn->store = store;
	*out = txn;
	return 0;
}

int store_commit(struct store_txn **txn, struct err *err)
{
	struct store_txn *t = *txn;
	int rc = 0;

	*txn = NULL;
	if (t->failed.code) {
		rc = store_status(t, err);
		mdb_txn_abort(t->txn);
	} else {
		int mdb = mdb_txn_commit(t->txn); /* frees it, whatever it returns */

		if (mdb) {
			rc = store_err(err, mdb, "commit to the index");
		}
	}
	free(t);
	return rc;
}

void store_abort(struct store_txn **txn)
{
	if (*txn) {
		mdb_txn_abort((*txn)->txn);
		free(*txn);
		*txn = NULL;
	}
}

void store_fail(struct store_txn *txn, const struct err *err)
{
	if (!txn->failed.code) {
		txn->failed = *err;
	}
}

int store_status(const struct store_txn *txn, struct err *err)
{
	if (txn->failed.code && err) {
		*err = txn->failed;
	}
	return txn->failed.code;
}

static MDB_val val(const void *data, size_t len)
{
	/* LMDB takes keys and values by a pointer that is not const; it only reads. */
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)data};
}

int store_get(struct store_txn *txn, size_t table, const void *key, size_t key_len,
	      struct store_value *out)
{
	MDB_val k = val(key, key_len);
	MDB_val v;
	int rc;

	if (txn->failed.code) {
		return txn->failed.code;
	}
	rc = mdb_get(txn->txn, txn->store->table[table], &k, &v);
	if (!rc) {
		*out = (struct store_value){.data = v.mv_data, .len = v.mv_size};
	}
	return txn_result(txn, rc, "read the index");
}

static int put(struct store_txn *txn, size_t table, MDB_val k, MDB_val v, unsigned flags)
{
	if (txn->failed.code) {
		return txn->failed.code;
	}
	return txn_result(txn, mdb_put(txn->txn, txn->store->table[table], &k, &v, flags),
			  "write the index");
}

int store_put(struct store_txn *txn, size_t table, const void *key, size_t key_len,
	      const void *value, size_t value_len)
{
	return put(txn, table, val(key, key_len), val(value, value_len), 0);
}

int store_append(struct store_txn *txn, size_t table, const void *key, size_t key_len,
		 const void *value, size_t value_len)
{
	return put(txn, table, val(key, key_len), val(value, value_len), MDB_APPEND);
}

int store_delete(struct store_txn *txn, size_t table, const void *key, size_t key_len)
{
	MDB_val k = val(key, key_len);

	if (txn->failed.code) {
		return txn->failed.code;
	}
	return txn_result(txn, mdb_del(txn->txn, txn->store->table[table], &k, NULL),
			  "write the index");
}

int store_empty(struct store_txn *txn, size_t table)
{
	if (txn->failed.code) {
		return txn->failed.code;
	}
	return txn_result(txn, mdb_drop(txn->txn, txn->store->table[table], 0),
			  "empty a table of the index");
}

size_t store_count(struct store_txn *txn, size_t table)
{
	MDB_stat stat;

	if (txn->failed.code ||
	    txn_result(txn, mdb_stat(txn->txn, txn->store->table[table], &stat),
		       "read the index") < 0) {
		return 0;
	}
	return stat.ms_entries;
}

struct store_cursor *store_cursor_open(struct store_txn *txn, size_t table)
{
	struct store_cursor *cursor = xzalloc(sizeof(*cursor));

	cursor->txn = txn;
	if (!txn->failed.code &&
	    txn_result(
		    txn,
		    mdb_cursor_open(txn->txn, txn->store->table[table], &cursor->cursor),
		    "read the index") < 0) {
		cursor->cursor = NULL;
	}
	return cursor;
}

void store_cursor_close(struct store_cursor *cursor)
{
	if (cursor) {
		if (cursor->cursor) {
			mdb_cursor_close(cursor->cursor);
		}
		free(cursor);
	}
}

static int move(struct store_cursor *cursor, MDB_cursor_op op)
{
	struct store_txn *txn = cursor->txn;

	if (txn->failed.code) {
		return txn->failed.code;
	}
	return txn_result(
		txn, mdb_cursor_get(cursor->cursor, &cursor->key, &cursor->value, op),
		"read the index");
}

int store_seek(struct store_cursor *cursor, const void *key, size_t len)
{
	cursor->key = val(key, len);
	return move(cursor, len ? MDB_SET_RANGE : MDB_FIRST);
}

int store_seek_last(struct store_cursor *cursor, const void *prefix, size_t len)
{
	unsigned char after[STORE_KEY_MAX];
	size_t n = len;
	int rc;

	/* The first key behind all with this prefix, then one back. */
	if (len) {
		memcpy(after, prefix, len);
	}
	while (n && after[n - 1] == 0xff) {
		n--;
	}
	if (n) {
		after[n - 1]++;
		rc = store_seek(cursor, after, n);
	} else {
		rc = ERR_NOTFOUND;
	}
	if (rc == 0) {
		rc = store_previous(cursor);
	} else if (rc == ERR_NOTFOUND) {
		rc = move(cursor, MDB_LAST);
	}
	if (rc == 0 && !store_has_prefix(cursor, prefix, len)) {
		rc = ERR_NOTFOUND;
	}
	return rc;
}

int store_next(struct store_cursor *cursor)
{
	return move(cursor, MDB_NEXT);
}

int store_previous(struct store_cursor *cursor)
{
	return move(cursor, MDB_PREV);
}

struct store_value store_key(const struct store_cursor *cursor)
{
	return (struct store_value){.data = cursor->key.mv_data,
				    .len = cursor->key.mv_size};
}

struct store_value store_cursor_value(const struct store_cursor *cursor)
{
	return (struct store_value){.data = cursor->value.mv_data,
				    .len = cursor->value.mv_size};
}

bool store_has_prefix(const struct store_cursor *cursor, const void *prefix, size_t len)
{
	return cursor->key.mv_size >= len &&
	       (!len || memcmp(cursor->key.mv_data, prefix, len) == 0);
}
