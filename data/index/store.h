/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_STORE_H
#define DATA_INDEX_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/err.h"

/*
 * store - ordered tables of bytes on disk: LMDB, and the only file with <lmdb.h>. It
 * does not know what it stores.
 *
 * Calling sequence:
 *
 *	store_open(&store, dir, &spec, STORE_CREATE, err);
 *	store_begin(&txn, store, true, err);
 *	store_put(txn, table, key, key_len, value, value_len);
 *	...
 *	rc = store_commit(&txn, err);
 *
 * Failures stick: after a failure other than "not found", every call in the transaction
 * returns the same code, and store_commit reports the first failure. So a sequence of
 * writes needs one check at its end.
 *
 * Keys are 1 to STORE_KEY_MAX bytes, ordered by memcmp. There are no duplicates (LMDB
 * 0.9.24 skips entries when deleting under a DUPSORT cursor): sets are composite keys
 * with empty values.
 *
 * Memory: a `struct store_value` points into the map. It is read-only and valid until
 * the transaction ends or, in a write transaction, until the next write.
 *
 * Durability: a commit is on the disk when it returns (the default flags of LMDB).
 * Readers that were killed are cleared by store_open, by writers once a minute, and
 * when no slot is left for another reader.
 */

#define STORE_KEY_MAX 511

struct store;
struct store_txn;

struct store_value {
	const void *data;
	size_t len;
};

/* Describes an environment. All is borrowed until store_open returns; `noun`, which must
 * be a literal, for ever. */
struct store_spec {
	const char *noun;   /* in messages: "index" */
	const char *repair; /* in messages: how to repair it */
	const char *const *table;
	size_t count;
};

enum store_open_flags {
	STORE_CREATE = 1 << 0, /* make the environment and the tables if absent */
	/* The caller knows that nothing important was committed yet. A file shorter
	 * than its first two pages (a full disk, a kill) then counts as absent, and
	 * STORE_CREATE replaces it. */
	STORE_UNUSED = 1 << 1,
};

/*
 * Opens the environment in the folder `dir` with the tables of `spec`; a table is then
 * known by its place in spec->table. Open an environment once per process, or LMDB
 * loses its locks (lmdb.h, caveats). ERR_NOTFOUND: there is no environment, or a table
 * is missing; ERR_FORMAT: it is damaged, or its file was cut short.
 */
int store_open(struct store **out, const char *dir, const struct store_spec *spec,
	       unsigned flags, struct err *err);
void store_close(struct store *store);

/*
 * Call this before reading most of the file. By default a page fault reads one page,
 * and not the 128 KiB (or megabytes) around it, since a change touches about twenty
 * scattered rows.
 */
void store_read_ahead(struct store_txn *txn);

/* How many pages this thread has waited for, since it began: a number that grows tells that
 * rows are on the disk and not in memory. */
long store_waits(void);
/*
 * Has the pages read that rows are on: in each of the `tables`, the row at or after each of
 * `count` keys of `key_len` bytes. Threads search them, so that the disk has several pages to
 * read at a time: a search alone asks for one, and for the next when it has that. Returns when
 * all is read. It is a hint: without threads it does nothing.
 */
void store_expect(struct store_txn *txn, const size_t *table, size_t tables,
		  const void *keys, size_t key_len, size_t count);
/* Has the pages of a value read, without waiting. */
void store_expect_value(struct store_txn *txn, const struct store_value *value);

/*
 * ERR_REPLACED: the folder was removed or renamed, or has another file in its place;
 * ERR_FORMAT: the file is shorter than what was committed. store_commit of a writer
 * checks both again. If the file is cut short between two checks, and a page after its
 * end is read, the process writes a line that says so and exits with status 1.
 */
int store_begin(struct store_txn **out, struct store *store, bool write, struct err *err);
/* ERR_REPLACED as above: whether a transaction could begin now. */
int store_check_place(const struct store *store, struct err *err);
int store_commit(struct store_txn **txn, struct err *err); /* *txn is NULL afterwards */
void store_abort(struct store_txn **txn);                  /* likewise; NULL is allowed */
/* Fails a transaction for a reason of the caller (something stored cannot be true);
 * sticks like any failure. */
void store_fail(struct store_txn *txn, const struct err *err);
/* Returns 0, or the code of the first failure with its message. */
int store_status(const struct store_txn *txn, struct err *err);

/* ERR_NOTFOUND: no such key (does not stick). */
int store_get(struct store_txn *txn, size_t table, const void *key, size_t key_len,
	      struct store_value *out);
int store_put(struct store_txn *txn, size_t table, const void *key, size_t key_len,
	      const void *value, size_t value_len);
/* As store_put, for a key greater than every key of the table: fills pages completely
 * instead of halving them. */
int store_append(struct store_txn *txn, size_t table, const void *key, size_t key_len,
		 const void *value, size_t value_len);
/* As store_put, for a key that is likely to be greater than every key of the table: then it
 * is appended. It reads the end of the table, though. */
int store_put_last(struct store_txn *txn, size_t table, const void *key, size_t key_len,
		   const void *value, size_t value_len);
/* ERR_NOTFOUND: there was no such key (does not stick). */
int store_delete(struct store_txn *txn, size_t table, const void *key, size_t key_len);
/* Empties the table. */
int store_empty(struct store_txn *txn, size_t table);
/* Rows in the table. */
size_t store_count(struct store_txn *txn, size_t table);

/*
 * A cursor: a position in a table. Other tables may be written while it is open; after
 * a write to its own table, seek again.
 *
 *	struct store_cursor *c = store_cursor_open(txn, table);
 *	for (rc = store_first(c, prefix, len); rc == 0; rc = store_next(c)) {
 *		... store_key(c), store_cursor_value(c) ...
 *	}
 *	rc = store_walk_end(c, rc);
 *
 * If the open fails, so does every call on the cursor.
 */
struct store_cursor;
struct store_cursor *store_cursor_open(struct store_txn *txn, size_t table);
void store_cursor_close(struct store_cursor *cursor);
/* Closes the cursor of a walk that ended with `rc`. Returns 0 for the end of the table
 * or the prefix (ERR_NOTFOUND), else `rc`. */
int store_walk_end(struct store_cursor *cursor, int rc);
/* Moves to the first key at or after `key` (len 0: to the first of all). */
int store_seek(struct store_cursor *cursor, const void *key, size_t len);
/* Moves to this key, at little cost if it follows the one where the cursor stands.
 * ERR_NOTFOUND: there is no such key (does not stick). */
int store_find(struct store_cursor *cursor, const void *key, size_t len);
/* Moves to the last key that starts with `prefix` (len 0: to the last of all). */
int store_seek_last(struct store_cursor *cursor, const void *prefix, size_t len);
/* Moves to the first key that starts with `prefix` (len 0: to the first of all);
 * store_next then ends after the last one. `prefix` is borrowed until the cursor is
 * closed. */
int store_first(struct store_cursor *cursor, const void *prefix, size_t len);
int store_next(struct store_cursor *cursor);
int store_previous(struct store_cursor *cursor);
struct store_value store_key(const struct store_cursor *cursor);
struct store_value store_cursor_value(const struct store_cursor *cursor);
bool store_has_prefix(const struct store_cursor *cursor, const void *prefix, size_t len);

#endif
