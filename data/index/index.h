/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_INDEX_H
#define DATA_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/meta.h"

/*
 * index - the index as a whole: the environment on disk, transactions, and the meta
 * row. The top of index.c describes the stored format. Data comes in through
 * data/index/claim.h and out through data/index/query.h.
 *
 *	struct index *index = NULL;
 *	struct index_txn *txn = NULL;
 *	if (index_open(&index, dir, INDEX_WRITE | INDEX_CREATE, err) < 0 ||
 *	    index_begin(&txn, index, true, err) < 0) { ... }
 *	...
 *	rc = index_commit(&txn, err);	(txn is NULL afterwards in any case)
 *	index_close(index);
 *
 * An LMDB environment must be opened only once per process: open an index once.
 * Everything is for one thread at a time.
 */

struct index;
struct index_txn;

enum index_open_flags {
	INDEX_WRITE = 1 << 0,  /* take the writer's lock, or fail with ERR_LOCKED */
	INDEX_CREATE = 1 << 1, /* make the index if absent (with INDEX_WRITE) */
	/* If it is one of an earlier version, remove it and make a new one (with both others). */
	INDEX_RENEW = 1 << 2,
};

/*
 * Opens the index in the folder `dir`. ERR_NOTFOUND: there is none (and no
 * INDEX_CREATE), or one that a released earlier version made (and no INDEX_RENEW);
 * ERR_FORMAT: it has a format that is not known, the message says how to rebuild it;
 * ERR_LOCKED: INDEX_WRITE, and another process writes; ERR_REFUSED: INDEX_WRITE, and the
 * folder is on a network file system.
 */
int index_open(struct index **out, const char *dir, unsigned flags, struct err *err);
void index_close(struct index *index);

/* ERR_REPLACED: the folder, the index in it, or the lock was removed or replaced. Each
 * transaction checks this by itself; a writer that has had none for a while calls
 * this. */
int index_check_place(const struct index *index, struct err *err);

/* The folder of the index. Borrowed. */
const char *index_dir(const struct index *index);
/* Internal: whether this writer is building the index, and the dictionaries of its
 * texts; borrowed. */
bool index_is_building(const struct index *index);
struct dictionary *index_dictionary(struct index *index);
/* The file "DIR/changed". A commit that changed responses modifies it (inotify
 * IN_MODIFY). */
#define INDEX_CHANGED_FILE "changed"

/* When the change that came after `sequence` was committed, Unix seconds, or later by up to
 * a quarter of how long ago that is. 0: it is not known. It reads nothing of the index in
 * `dir` but that file. */
int64_t index_changed_after(const char *dir, uint64_t sequence);

/* The file "DIR/status.json", in which the indexer reports on the index, for those who may not
 * write to the lock of the database, which LMDB's readers need. */
#define INDEX_STATUS_FILE "status.json"
/* Whether there is an index in the folder `dir` that this process may not open for that reason. */
bool index_is_locked_away(const char *dir);

/* False while a new index is built (data/index/build.h): it must not be exported. */
bool index_is_built(const struct index_txn *txn);

/*
 * Begins a transaction, one at a time per index. A reader sees the index as it is now
 * until it ends. Keep readers short (a second): LMDB does not reuse pages that a reader
 * may see, so the file grows.
 */
int index_begin(struct index_txn **out, struct index *index, bool write, struct err *err);

/* Commits, and ends the transaction in any case. The commit is durable on return.
 * Failures stick: if a call failed since index_begin, the commit fails, so callers need
 * not check each call. ERR_REPLACED: see index_check_place. A read transaction just
 * ends. */
int index_commit(struct index_txn **txn, struct err *err);
/* Ends a read transaction, whose work returned `rc`. Returns its first failure (a
 * damaged row, say), with the message in *err, else `rc`: the results count only if
 * this is 0. *txn may be NULL. */
int index_end(struct index_txn **txn, int rc, struct err *err);
/* Aborts. NULL is allowed. */
void index_abort(struct index_txn **txn);

#define INDEX_UUID (META_UUID_LEN + 1) /* bytes, the NUL included */
/* The uuid of the index: made with the index, and again when a killed
 * first scan starts over. Borrowed until the transaction ends. */
const char *index_uuid(const struct index_txn *txn);

/* The sequence of the change feed in this transaction: the number of its last entry; 0
 * if nothing was ever indexed. */
uint64_t index_sequence(const struct index_txn *txn);
/* Entries of the feed up to this one may be missing, since their responses no longer
 * exist. An exporter that has not reached it must export everything. */
uint64_t index_feed_floor(const struct index_txn *txn);

/*
 * Epochs distinguish an index from an older copy of itself. Each writer draws a random
 * number, and stores it with its first sequence in its first transaction that moves the
 * sequence. If an index is restored from a copy, the next writer gives out sequences
 * that were given out before, but under another epoch.
 *
 * A caller that worked up to the sequence S in an earlier transaction, in which
 * index_epoch was E, may continue from S if index_epoch_holds(txn, E, S).
 */

/* The epoch of index_sequence; 0 if that is 0. */
uint64_t index_epoch(const struct index_txn *txn);
/* Whether `sequence` was given out in `epoch`, in the history of this index. False also
 * for an epoch that is not one of the latest INDEX_EPOCHS. */
bool index_epoch_holds(const struct index_txn *txn, uint64_t epoch, uint64_t sequence);
#define INDEX_EPOCHS 1000

void index_counts(const struct index_txn *txn, struct index_counts *out);

void index_health(const struct index_txn *txn, struct index_health *out);
void index_set_health(struct index_txn *txn, const struct index_health *health);

#endif
