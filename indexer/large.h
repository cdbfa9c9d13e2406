/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_LARGE_H
#define INDEXER_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "indexer/apply.h"
#include "indexer/dirty.h"

/*
 * large - large files (ingest.h), which `watch` reads in slices, so that it keeps up with
 * everything else meanwhile.
 *
 *	struct large large = {.apply = options};
 *	large_add(&large, DIRTY_EVENT, path, len);
 *	while (large_is_busy(&large)) {
 *		large_step(&large, until_ms, err);
 *		(other work, also on the index)
 *	}
 *	large_end(&large, rc);
 *
 * A slice is committed, so between two of them the index is as after a kill within the
 * file: it has the claims so far, and none is withdrawn. Other files, small ones, can be
 * read and withdrawn then.
 *
 * A large file may state the records of a file that is gone: it was renamed, or many
 * files were joined. So what is removed while there are large files is withdrawn after
 * them. They are read in rounds, each ending with its removals. What comes during a round
 * is for the next one, so a file that never stops to change holds up nothing for ever.
 */
struct large {
	struct apply_options apply; /* to be set by the caller */
	struct dirty round;         /* what this round reads, and withdraws */
	struct dirty next;
	int list;                 /* of the round: the list that is gone through */
	size_t at;                /* the place in it */
	uint64_t ended;           /* rounds */
	struct apply *reading;    /* of a file, or of the removals; NULL: none is open */
	struct claim_file opened; /* that file */
};

/* True if there is something to read or to withdraw. */
bool large_is_busy(const struct large *large);

/* Adds a file to the next round: a large one to read, with the list that it comes from,
 * or (DIRTY_REMOVAL) one to withdraw. */
void large_add(struct large *large, int list, const char *path, size_t len);

/* The number of rounds that must have ended (large->ended) before what was noticed now,
 * outside of this module, may be withdrawn. */
uint64_t large_rounds(const struct large *large);

/* Reads on until `until_ms`, at least for one slice, and commits. ERR_FULL: nothing is
 * lost, and the next call begins that file again. */
int large_step(struct large *large, int64_t until_ms, struct err *err);

/* The list that the file which is read comes from: for `done`. */
int large_list(const struct large *large);

/* Gives up all of it. The index is left as by a kill, but for ERR_STOPPED flushed. */
void large_end(struct large *large, int rc);

#endif
