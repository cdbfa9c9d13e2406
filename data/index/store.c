/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/clock.h"
#include "data/base/file.h"
#include "data/base/threads.h"
#include "data/index/store_file.h"

/* The map never has to grow while the store is open: without WRITEMAP the file grows
 * only as pages are used, and address space is free. If a limit on it (ulimit -v,
 * LimitAS=) forbids this size, smaller ones are tried. */
#define MAP_SIZE ((size_t)256 << 30)
#define MAP_SIZE_MIN ((size_t)1 << 30)
#define READERS_MAX 510

/* How often a writer clears dead readers, whose pages LMDB does not reuse. */
#define READERS_CHECK_MS 60000

struct store {
	MDB_env *env;
	struct store_file file;
	size_t page_size;
	int64_t readers_checked_ms;
	MDB_dbi *table;
	size_t count;
};

struct store_txn {
	struct store *store;
	MDB_txn *txn;
	bool write;
	const struct fault_area *outer; /* CALL */
	struct err failed; /* the first failure; code 0 while there is none */
	/* Two cursors of each table, or NULL. GET: a writer's is where the last store_append
	 * ended, and any other write to the table closes it; a reader's is where the last
	 * store_get was. WALK: a reader's that was closed. A search from there is short if the
	 * key is near: those of single rows and of lists, each, mostly ascend. */
	MDB_cursor *kept[];
};

enum kept { GET, WALK, KEPT };

static MDB_cursor **kept_of(struct store_txn *txn, size_t table, enum kept which)
{
	return &txn->kept[table * KEPT + which];
}

struct store_cursor {
	struct store_txn *txn;
	size_t table;
	MDB_cursor *cursor; /* NULL: the open failed */
	MDB_val key, value;
	const void *prefix; /* of the walk, borrowed */
	size_t prefix_len;
};

/* Translates the codes of LMDB; positive ones are errno's. `what`: "cannot WHAT NOUN
 * 'DIR'". */
static int store_err(const struct store *store, struct err *err, int rc, const char *what)
{
	const struct store_file *file = &store->file;
	const char *why = mdb_strerror(rc);

	switch (rc) {
	case ENOSPC:
	case EDQUOT:
		return err_set(err, ERR_FULL,
			       "cannot %s %s '%s': %s; make room on its disk", what,
			       file->noun, file->dir, why);
	case MDB_MAP_FULL:
		return err_set(err, ERR_FULL,
			       "cannot %s %s '%s': it outgrows the address space that it "
			       "may use; raise that limit (ulimit -v, LimitAS=)",
			       what, file->noun, file->dir);
	case EMFILE:
		return err_set(err, ERR_FAIL,
			       "cannot %s %s '%s': %s; raise that limit (ulimit -n, "
			       "LimitNOFILE=)",
			       what, file->noun, file->dir, why);
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		return err_set(err, ERR_FORMAT, "cannot %s %s '%s': %s; %s", what,
			       file->noun, file->dir, why, file->repair);
	case MDB_READERS_FULL:
		return err_set(err, ERR_LOCKED, "cannot %s %s '%s': %s", what, file->noun,
			       file->dir, why);
	default:
		return err_set(err, ERR_FAIL, "cannot %s %s '%s': %s", what, file->noun,
			       file->dir, why);
	}
}

/* As store_err, for calls that write: asks for the reason of a short write. */
static int write_err(const struct store *store, struct err *err, int rc, const char *what)
{
	int reason = rc == EIO ? store_file_why_short(&store->file) : 0;

	return store_err(store, err, reason ? reason : rc, what);
}

/* Keeps the first failure of a transaction. "Not found" is a result. */
static int txn_result(struct store_txn *txn, int rc, const char *what)
{
	if (rc == MDB_SUCCESS) {
		return 0;
	}
	if (rc == MDB_NOTFOUND) {
		return ERR_NOTFOUND;
	}
	/* A large transaction writes before its commit. */
	return write_err(txn->store, &txn->failed, rc, what);
}

static MDB_val val(const void *data, size_t len)
{
	/* LMDB takes a pointer that is not const, but only reads. */
	return (MDB_val){.mv_size = len, .mv_data = (void *)(uintptr_t)data};
}

static int leave_lmdb(struct store_txn *txn, int rc)
{
	fault_leave(txn->outer);
	return rc;
}

/* A call of LMDB that follows what the pages of the file say: a fault of memory in it is
 * one of the file. */
#define CALL(txn, call)                                                                  \
	((txn)->outer = fault_enter(&(txn)->store->file.area), leave_lmdb(txn, call))
/* Such a call in a transaction that has not failed; notes its failure. */
#define RUN(txn, call, what)                                                             \
	((txn)->failed.code ? (txn)->failed.code : txn_result(txn, CALL(txn, call), what))

static int open_env(struct store *store, bool made, struct err *err)
{
	/* NOTLS: the slot of a reader belongs to its transaction. A new environment is
	 * read completely while it is filled; an existing one at scattered places. */
	unsigned flags = MDB_NOTLS | (made ? 0 : MDB_NORDAHEAD);
	size_t map_size = MAP_SIZE;

	for (;;) {
		MDB_env *env = NULL;
		int rc = mdb_env_create(&env);

		rc = rc ? rc : mdb_env_set_maxdbs(env, (MDB_dbi)store->count);
		rc = rc ? rc : mdb_env_set_maxreaders(env, READERS_MAX);
		rc = rc ? rc : mdb_env_set_mapsize(env, map_size);
		rc = rc ? rc : mdb_env_open(env, store->file.dir, flags, 0666);
		if (!rc) {
			store->env = env;
			return 0;
		}
		mdb_env_close(env);
		/* valgrind returns EINVAL for more address space than it has. */
		if ((rc != ENOMEM && rc != EINVAL) || map_size <= MAP_SIZE_MIN) {
			return store_err(store, err, rc, "open");
		}
		map_size /= 2;
	}
}

/* A table handle that was opened in an aborted transaction is invalid (mdb_dbi_open),
 * so all are opened in one that commits. */
static int open_tables(struct store *store, const struct store_spec *spec, unsigned flags,
		       struct err *err)
{
	bool create = flags & STORE_CREATE;
	struct store_txn *txn;
	int rc = store_begin(&txn, store, create, err);

	for (size_t i = 0; i < store->count && !rc; i++) {
		int mdb = mdb_dbi_open(txn->txn, spec->table[i], create ? MDB_CREATE : 0,
				       &store->table[i]);

		if (mdb == MDB_NOTFOUND) {
			rc = err_set(err, ERR_NOTFOUND, "no table '%s' in %s '%s'",
				     spec->table[i], store->file.noun, store->file.dir);
		} else if (mdb) {
			rc = store_err(store, err, mdb, "open the tables of");
		}
	}
	if (rc) {
		store_abort(&txn);
		return rc;
	}
	/* A commit keeps the handles of a reader, too (mdb_dbi_open). */
	return store_commit(&txn, err);
}

/* --- the size of the file --- */

/* Whether the pages from `first` to `last` are all free, as `txn` sees it. */
struct free_look {
	MDB_txn *txn;
	MDB_cursor *cursor;
	size_t first, last;
};

static bool are_free(void *payload)
{
	struct free_look *look = payload;
	size_t found = 0;
	MDB_val key, value;

	while (mdb_cursor_get(look->cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
		for (size_t at = sizeof(size_t); at < value.mv_size;
		     at += sizeof(size_t)) {
			size_t page;

			memcpy(&page, (const char *)value.mv_data + at, sizeof(page));
			found += page >= look->first && page <= look->last;
		}
	}
	return found == look->last - look->first + 1;
}

/*
 * A page that was made and freed in one transaction is not written, so the file may be
 * shorter than the number of its last page says. Then the list of free pages, which
 * names each page once, has all missing pages.
 */
static int check_free(struct store *store, off_t size, off_t want, struct err *err)
{
	struct free_look look = {.first = (size_t)size / store->page_size};
	MDB_envinfo info;
	bool good;

	do {
		int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &look.txn);

		/* Table 0 contains the lists of free pages: a length, then page
		 * numbers. */
		rc = rc ? rc : mdb_cursor_open(look.txn, 0, &look.cursor);
		if (rc) {
			mdb_txn_abort(look.txn);
			return store_err(store, err, rc, "read the free pages of");
		}
		mdb_env_info(store->env, &info);
		look.last = info.me_last_pgno;
		good = look.last < look.first || fault_try(are_free, &look);
		mdb_cursor_close(look.cursor);
		/* Try again unless the list belongs to the state in `info`. */
		if (!good && mdb_txn_id(look.txn) != info.me_last_txnid) {
			mdb_txn_abort(look.txn);
			look.txn = NULL;
		}
	} while (!look.txn);
	mdb_txn_abort(look.txn);
	return good ? 0 : store_file_cut_short(&store->file, size, want, err);
}

/* The size of the file according to the newest meta page. */
static off_t size_wanted(const struct store *store)
{
	MDB_envinfo info;

	mdb_env_info(store->env, &info);
	return (off_t)(info.me_last_pgno + 1) * (off_t)store->page_size;
}

static int check_size(struct store *store, struct err *err)
{
	off_t want = size_wanted(store);
	struct stat st;

	if (fstat(store->file.fd, &st) < 0) {
		return err_sys(err, "cannot stat '%s'", store->file.path);
	}
	store->file.size = want < st.st_size ? want : st.st_size;
	return want <= st.st_size ? 0 : check_free(store, st.st_size, want, err);
}

/* Makes the file as long as that, so that check_free is needed only after a kill. A
 * hole takes no room. */
static void extend(struct store *store)
{
	off_t want = size_wanted(store);
	struct stat st;

	if (fstat(store->file.fd, &st) == 0 && st.st_size < want) {
		(void)!ftruncate(store->file.fd, want);
	}
}

int store_check_place(const struct store *store, struct err *err)
{
	bool in_place;
	int rc = store_file_is_in_place(&in_place, &store->file, err);

	if (!rc && !in_place) {
		rc = err_set(err, ERR_REPLACED,
			     "%s '%s' was removed or replaced while it was in use; start "
			     "again",
			     store->file.noun, store->file.dir);
	}
	return rc;
}

/* --- open and close --- */

/* LMDB found something impossible in the file, and would abort. */
static void on_assert(MDB_env *env, const char *what)
{
	(void)what;
	fault_end(mdb_env_get_userctx(env));
}

/* Frees the slots of readers whose processes are gone. */
static int clear_readers(struct store *store, struct err *err)
{
	int rc = mdb_reader_check(store->env, NULL);

	return rc ? store_err(store, err, rc, "clear the stale readers of") : 0;
}

static int open_store(struct store *store, const struct store_spec *spec, unsigned flags,
		      struct err *err)
{
	bool create = flags & STORE_CREATE;
	enum store_file_state state = STORE_FILE_ABSENT;
	MDB_envinfo info;
	MDB_stat stat;
	int rc = create ? file_mkdirs(store->file.dir, err) : 0;
	int fd;

	rc = rc ? rc : store_file_look(&state, &store->file, err);
	if (!rc && state == STORE_FILE_UNMADE && !(flags & STORE_UNUSED)) {
		rc = err_set(err, ERR_FORMAT, "'%s' was cut short; %s", store->file.path,
			     store->file.repair);
	}
	if (!rc && state == STORE_FILE_UNMADE && create &&
	    truncate(store->file.path, 0) < 0) {
		rc = err_sys(err, "cannot empty '%s'", store->file.path);
	}
	/* mdb_env_open would make an empty environment even for a reader. */
	if (!rc && state != STORE_FILE_THERE && !create) {
		rc = err_set(err, ERR_NOTFOUND, "no %s in '%s'", store->file.noun,
			     store->file.dir);
	}
	rc = rc ? rc : store_file_allocate_lock(&store->file, err);
	rc = rc ? rc : open_env(store, state != STORE_FILE_THERE, err);
	if (rc) {
		return rc;
	}
	mdb_env_get_fd(store->env, &fd);
	mdb_env_stat(store->env, &stat);
	store->page_size = stat.ms_psize;
	mdb_env_info(store->env, &info);
	store_file_guard(&store->file, fd, info.me_mapaddr, info.me_mapsize);
	mdb_env_set_userctx(store->env, &store->file.area);
	mdb_env_set_assert(store->env, on_assert);
	rc = clear_readers(store, err);
	return rc ? rc : open_tables(store, spec, flags, err);
}

int store_open(struct store **out, const char *dir, const struct store_spec *spec,
	       unsigned flags, struct err *err)
{
	struct store *store = xzalloc(sizeof(*store));
	int rc;

	*out = NULL;
	store->count = spec->count;
	store->table = xreallocarray(NULL, spec->count, sizeof(*store->table));
	store_file_init(&store->file, dir, spec->noun, spec->repair);
	rc = open_store(store, spec, flags, err);
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
		store_file_unguard(&store->file);
		if (store->env) {
			mdb_env_close(store->env);
		}
		store_file_release(&store->file);
		free(store->table);
		free(store);
	}
}

void store_read_ahead(struct store_txn *txn)
{
	off_t memory = (off_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGE_SIZE);
	struct stat st;
	int fd;

	/* Not if the end of the file would evict its beginning. */
	if (mdb_env_get_fd(txn->store->env, &fd) == MDB_SUCCESS && fstat(fd, &st) == 0 &&
	    st.st_size < memory / 2) {
		posix_fadvise(fd, 0, st.st_size, POSIX_FADV_WILLNEED);
	}
}

long store_waits(void)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_majflt;
}

/* A disk that answers several requests at a time is waited for as much less. */
#define EXPECT_THREADS 8

struct expected {
	struct store *store;
	const size_t *table;
	const char *keys;
	size_t tables, key_len, count;
	atomic_size_t next; /* the next key in the next table */
};

/* A transaction must stay in one thread (lmdb.h), so each has its own. It may see a newer
 * state; nothing is kept of what it reads. */
static void *search_expected(void *payload)
{
	struct expected *e = payload;
	const struct fault_area *outer = fault_enter(&e->store->file.area);
	MDB_txn *txn = NULL;
	size_t n;

	if (mdb_txn_begin(e->store->env, NULL, MDB_RDONLY, &txn) == MDB_SUCCESS) {
		while ((n = atomic_fetch_add(&e->next, 1)) < e->count * e->tables) {
			MDB_dbi dbi = e->store->table[e->table[n % e->tables]];
			MDB_val key =
				val(e->keys + n / e->tables * e->key_len, e->key_len);
			MDB_val value;
			MDB_cursor *cursor;

			if (mdb_cursor_open(txn, dbi, &cursor) == MDB_SUCCESS) {
				mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
				mdb_cursor_close(cursor);
			}
		}
		mdb_txn_abort(txn);
	}
	fault_leave(outer);
	return NULL;
}

void store_expect(struct store_txn *txn, const size_t *table, size_t tables,
		  const void *keys, size_t key_len, size_t count)
{
	struct expected expected = {.store = txn->store,
				    .table = table,
				    .tables = tables,
				    .keys = keys,
				    .key_len = key_len,
				    .count = count};
	pthread_t thread[EXPECT_THREADS];
	size_t started = 0;

	if (txn->failed.code || !threads_pay()) {
		return;
	}
	while (started < EXPECT_THREADS && started < count &&
	       threads_start(&thread[started], search_expected, &expected)) {
		started++;
	}
	for (size_t i = 0; i < started; i++) {
		pthread_join(thread[i], NULL);
	}
}

void store_expect_value(struct store_txn *txn, const struct store_value *value)
{
	size_t in_page = (uintptr_t)value->data % txn->store->page_size;

	madvise((void *)((uintptr_t)value->data - in_page), in_page + value->len,
		MADV_WILLNEED);
}

int store_begin(struct store_txn **out, struct store *store, bool write, struct err *err)
{
	struct store_txn *txn =
		xzalloc(sizeof(*txn) + KEPT * store->count * sizeof(*txn->kept));
	unsigned flags = write ? 0 : MDB_RDONLY;
	int rc;

	if (write && clock_now_ms() - store->readers_checked_ms >= READERS_CHECK_MS) {
		store->readers_checked_ms = clock_now_ms();
		mdb_reader_check(store->env, NULL);
	}
	rc = mdb_txn_begin(store->env, NULL, flags, &txn->txn);

	if (rc == MDB_READERS_FULL && clear_readers(store, err) == 0) {
		rc = mdb_txn_begin(store->env, NULL, flags, &txn->txn);
	}
	*out = NULL;
	if (rc) {
		free(txn);
		return store_err(store, err, rc, "begin a transaction of");
	}
	txn->store = store;
	rc = store_check_place(store, err);
	rc = rc ? rc : check_size(store, err);
	if (rc) {
		store_abort(&txn);
		return rc;
	}
	txn->write = write;
	*out = txn;
	return 0;
}

/* Checks that the file did not shrink since the transaction began: a commit would make
 * it as long as it was, with a hole. */
static int check_before_commit(struct store *store, struct err *err)
{
	struct stat st;
	int rc = store_check_place(store, err);

	if (!rc && fstat(store->file.fd, &st) < 0) {
		rc = err_sys(err, "cannot stat '%s'", store->file.path);
	} else if (!rc && st.st_size < store->file.size) {
		rc = store_file_cut_short(&store->file, st.st_size, store->file.size,
					  err);
	}
	return rc;
}

static void close_one(MDB_cursor **kept)
{
	if (*kept) {
		mdb_cursor_close(*kept);
		*kept = NULL;
	}
}

static void close_kept(struct store_txn *txn)
{
	for (size_t i = 0; i < KEPT * txn->store->count; i++) {
		close_one(&txn->kept[i]);
	}
}

int store_commit(struct store_txn **txn, struct err *err)
{
	struct store_txn *t = *txn;
	struct store *store = t->store;
	int rc = store_status(t, err);

	*txn = NULL;
	close_kept(t);
	if (!rc && t->write) {
		rc = check_before_commit(store, err);
	}
	if (rc) {
		mdb_txn_abort(t->txn);
	} else {
		/* frees the transaction in any case */
		int mdb = CALL(t, mdb_txn_commit(t->txn));

		if (mdb) {
			rc = write_err(store, err, mdb, "commit to");
		} else if (t->write) {
			extend(store);
		}
	}
	free(t);
	return rc;
}

void store_abort(struct store_txn **txn)
{
	if (*txn) {
		close_kept(*txn);
		CALL(*txn, (mdb_txn_abort((*txn)->txn), 0));
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

/* Opens the kept cursor of the table unless it is open. */
static int keep_cursor(struct store_txn *txn, size_t table, enum kept which)
{
	MDB_cursor **kept = kept_of(txn, table, which);
	int rc = 0;

	if (!*kept) {
		rc = RUN(txn, mdb_cursor_open(txn->txn, txn->store->table[table], kept),
			 txn->write ? "write" : "read");
		*kept = rc ? NULL : *kept;
	}
	return rc;
}

int store_get(struct store_txn *txn, size_t table, const void *key, size_t key_len,
	      struct store_value *out)
{
	MDB_val k = val(key, key_len), v;
	int rc;

	if (txn->write) {
		rc = RUN(txn, mdb_get(txn->txn, txn->store->table[table], &k, &v),
			 "read");
	} else {
		rc = keep_cursor(txn, table, GET);
		rc = rc ? rc
			: RUN(txn,
			      mdb_cursor_get(*kept_of(txn, table, GET), &k, &v, MDB_SET),
			      "read");
	}
	if (!rc) {
		*out = (struct store_value){.data = v.mv_data, .len = v.mv_size};
	}
	return rc;
}

int store_put(struct store_txn *txn, size_t table, const void *key, size_t key_len,
	      const void *value, size_t value_len)
{
	MDB_val k = val(key, key_len), v = val(value, value_len);

	close_one(kept_of(txn, table, GET));
	return RUN(txn, mdb_put(txn->txn, txn->store->table[table], &k, &v, 0), "write");
}

/* At the end of a table, a cursor that stays there saves the search for it. `behind`: not
 * NULL if the key may also belong before the end, which *behind then says. */
static int append(struct store_txn *txn, size_t table, MDB_val k, MDB_val v, bool *behind)
{
	int rc = txn->failed.code ? txn->failed.code : keep_cursor(txn, table, GET);

	if (rc) {
		return rc;
	}
	rc = CALL(txn, mdb_cursor_put(*kept_of(txn, table, GET), &k, &v, MDB_APPEND));
	if (behind && rc == MDB_KEYEXIST) {
		*behind = true;
		return 0;
	}
	return txn_result(txn, rc, "write");
}

int store_append(struct store_txn *txn, size_t table, const void *key, size_t key_len,
		 const void *value, size_t value_len)
{
	return append(txn, table, val(key, key_len), val(value, value_len), NULL);
}

int store_put_last(struct store_txn *txn, size_t table, const void *key, size_t key_len,
		   const void *value, size_t value_len)
{
	bool behind = false;
	int rc = append(txn, table, val(key, key_len), val(value, value_len), &behind);

	return behind ? store_put(txn, table, key, key_len, value, value_len) : rc;
}

int store_delete(struct store_txn *txn, size_t table, const void *key, size_t key_len)
{
	MDB_val k = val(key, key_len);

	close_one(kept_of(txn, table, GET));
	return RUN(txn, mdb_del(txn->txn, txn->store->table[table], &k, NULL), "write");
}

int store_empty(struct store_txn *txn, size_t table)
{
	close_one(kept_of(txn, table, GET));
	return RUN(txn, mdb_drop(txn->txn, txn->store->table[table], 0),
		   "empty a table of");
}

size_t store_count(struct store_txn *txn, size_t table)
{
	MDB_stat stat = {0};

	(void)RUN(txn, mdb_stat(txn->txn, txn->store->table[table], &stat), "read");
	return stat.ms_entries;
}

struct store_cursor *store_cursor_open(struct store_txn *txn, size_t table)
{
	struct store_cursor *cursor = xzalloc(sizeof(*cursor));

	cursor->txn = txn;
	cursor->table = table;
	if (!keep_cursor(txn, table, WALK)) {
		cursor->cursor = *kept_of(txn, table, WALK);
		*kept_of(txn, table, WALK) = NULL;
	}
	return cursor;
}

void store_cursor_close(struct store_cursor *cursor)
{
	if (cursor) {
		MDB_cursor **kept = kept_of(cursor->txn, cursor->table, WALK);

		if (!cursor->txn->write) {
			close_one(kept);
			*kept = cursor->cursor;
		} else {
			close_one(&cursor->cursor);
		}
		free(cursor);
	}
}

int store_walk_end(struct store_cursor *cursor, int rc)
{
	store_cursor_close(cursor);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int move(struct store_cursor *cursor, MDB_cursor_op op)
{
	return RUN(cursor->txn,
		   mdb_cursor_get(cursor->cursor, &cursor->key, &cursor->value, op),
		   "read");
}

int store_seek(struct store_cursor *cursor, const void *key, size_t len)
{
	cursor->key = val(key, len);
	return move(cursor, len ? MDB_SET_RANGE : MDB_FIRST);
}

int store_find(struct store_cursor *cursor, const void *key, size_t len)
{
	int rc = cursor->key.mv_size ? move(cursor, MDB_NEXT) : ERR_NOTFOUND;

	if (rc == ERR_NOTFOUND ||
	    (rc == 0 && (cursor->key.mv_size != len ||
			 memcmp(cursor->key.mv_data, key, len) != 0))) {
		cursor->key = val(key, len);
		rc = move(cursor, MDB_SET_KEY);
	}
	return rc;
}

int store_seek_last(struct store_cursor *cursor, const void *prefix, size_t len)
{
	unsigned char after[STORE_KEY_MAX];
	size_t n = len;
	int rc;

	/* To the first key after all with this prefix, then one back. */
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

/* A walk ends behind the last key with its prefix. */
static int within(const struct store_cursor *cursor, int rc)
{
	return rc == 0 && !store_has_prefix(cursor, cursor->prefix, cursor->prefix_len)
		       ? ERR_NOTFOUND
		       : rc;
}

int store_first(struct store_cursor *cursor, const void *prefix, size_t len)
{
	cursor->prefix = prefix;
	cursor->prefix_len = len;
	return within(cursor, store_seek(cursor, prefix, len));
}

int store_next(struct store_cursor *cursor)
{
	return within(cursor, move(cursor, MDB_NEXT));
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
