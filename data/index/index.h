/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_INDEX_H
#define DATA_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/meta.h"

/*
 * index - the index as a whole: the environment on disk, transactions, and what
 * stands in its meta row. The stored format is described at the top of index.c.
 * What goes in comes through data/index/claim.h; what comes out, through data/index/query.h.
 *
 *	struct index *index = NULL;
 *	struct index_txn *txn = NULL;
 *	if (index_open(&index, dir, INDEX_WRITE | INDEX_CREATE, err) < 0 ||
 *	    index_begin(&txn, index, true, err) < 0) { ... }
 *	...
 *	rc = index_commit(&txn, err);	(txn is NULL afterwards, whatever happened)
 *	index_close(index);
 *
 * An LMDB environment must be opened once per process: open one index, once.
 * Everything is for one thread at a time.
 */

struct index;
struct index_txn;

enum index_open_flags {
	INDEX_WRITE = 1 << 0,  /* take the writer's lock; ERR_LOCKED if another has it */
	INDEX_CREATE = 1 << 1, /* make it if absent (with INDEX_WRITE) */
};

/*
 * Opens the index in the folder `dir`. ERR_NOTFOUND: there is none (and no
 * INDEX_CREATE); ERR_FORMAT: another format version, the message says how to
 * rebuild; ERR_LOCKED: INDEX_WRITE and another process writes.
 */
int index_open(struct index **out, const char *dir, unsigned flags, struct err *err);
void index_close(struct index *index);

/* ERR_REPLACED: the folder, the index in it, or the writer's lock was removed or replaced.
 * Each transaction looks by itself; this is for a writer that has none for long. */
int index_check_place(const struct index *index, struct err *err);

/* The folder that it lies in. Borrowed. */
const char *index_dir(const struct index *index);
/* For data/index/build.h and claim_packer_new: whether the index is being built, by this
 * writer, and what its texts are packed with; borrowed. */
bool index_is_building(const struct index *index);
struct dictionary *index_dictionary(struct index *index);
/* The file in `dir` whose modification (inotify IN_MODIFY) says that a
 * transaction with changed responses has been committed: "DIR/changed". */
#define INDEX_CHANGED_FILE "changed"

/* False while a new index is built (data/index/build.h): what this transaction sees must
 * not be exported then. */
bool index_is_built(const struct index_txn *txn);

/*
 * Begins a transaction. Readers see the index as it is now until they end;
 * keep them short (a second), or the index grows (HAZARDS C4). One transaction
 * at a time per index.
 */
int index_begin(struct index_txn **out, struct index *index, bool write, struct err *err);

/* Commits; *txn is given away in any case. Durable on return. A store call that
 * failed since index_begin fails the commit (errors stick), so callers may
 * leave the single results unchecked. ERR_REPLACED: see index_check_place. A read
 * transaction just ends. */
int index_commit(struct index_txn **txn, struct err *err);
/* Ends a transaction that only read, whose work came to `rc`. Returns the first failure
 * of what was read (a damaged row, say), with its message in *err, else `rc`: what was
 * read counts only if this is 0. *txn may be NULL. */
int index_end(struct index_txn **txn, int rc, struct err *err);
/* Ends without effect. NULL is allowed. */
void index_abort(struct index_txn **txn);

/* The index's uuid, 36 characters: drawn when the index is made, and anew when a
 * killed first scan is begun again. Borrowed until the transaction ends. */
const char *index_uuid(const struct index_txn *txn);

/* The sequence of the change feed as this transaction sees it: the number of
 * its last entry; 0 when nothing was ever indexed. */
uint64_t index_sequence(const struct index_txn *txn);
/* Entries of the feed at or below this one may be missing (they named responses
 * that no longer exist): who has exported less must export everything. */
uint64_t index_feed_floor(const struct index_txn *txn);

/*
 * Epochs tell an index from an older copy of itself. Each writer draws a random
 * number and stores it, with the first sequence that it gives out, in its first
 * transaction that moves the sequence. Where an index was restored from a copy, the
 * next writer's sequences are some that were given out before, but its epoch is
 * another.
 *
 * The caller that worked up to the sequence S in an earlier transaction, in which
 * index_epoch was E, may go on from S if index_epoch_holds(txn, E, S).
 */

/* The epoch of index_sequence; 0 while that is 0. */
uint64_t index_epoch(const struct index_txn *txn);
/* Whether `sequence` was given out in `epoch`, and by the history of this very index.
 * False also for an epoch that is not one of the latest INDEX_EPOCHS. */
bool index_epoch_holds(const struct index_txn *txn, uint64_t epoch, uint64_t sequence);
#define INDEX_EPOCHS 1000

void index_counts(const struct index_txn *txn, struct index_counts *out);

void index_health(const struct index_txn *txn, struct index_health *out);
void index_set_health(struct index_txn *txn, const struct index_health *health);

#endif
