/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_TAKE_H
#define INDEXER_TAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "indexer/ingest.h"

/*
 * take - paths into the index: reads each (ingest), has what it came to carried
 * out and committed (writer).
 *
 *	struct take *take = take_new(&options);
 *	for each path: take_path(take, path, len, attempt, err);
 *	take_commit(take, NULL, err);
 *	take_free(take);	(what was not committed is lost)
 *
 * Order matters to who removes: paths that appeared go before those that vanished,
 * so that a renamed file is never without its claims.
 */

#define TAKE_ATTEMPTS 4 /* readings of a file that changes under them */

struct take_counts {
	uint64_t read;      /* files whose content was read */
	uint64_t forgotten; /* files that were gone, and withdrawn */
	uint64_t records;   /* claims that were stated (three by a tag image) */
	uint64_t bytes;     /* of the files read */
};

struct take_options {
	struct index *index;
	int rootfd;
	bool allow_secrets; /* INGEST_SECRETS */
	/* A transaction ends when it is so old (0: no limit). */
	int64_t commit_ms;
	/* Called between steps, also in the middle of a long file: to read events, or to
	 * check for a stop. Non-zero ends the work and is returned. */
	int (*tick)(void *payload, struct err *err);
	/* Called once a path has been read. */
	void (*done)(const char *path, size_t len, const struct ingest_outcome *outcome,
		     void *payload);
	void *payload;
};

struct take;

/* `options` is borrowed; its callbacks may be NULL. */
struct take *take_new(const struct take_options *options);
void take_free(struct take *take);

/* Reads `path`, whatever lies there now. `attempt` counts from 0; at the last one
 * (TAKE_ATTEMPTS - 1) a file that still changes gets that as its reject. */
int take_path(struct take *take, const char *path, size_t len, unsigned attempt,
	      struct err *err);

/* The same, and if it is gone its claims are withdrawn. take_path leaves them: what
 * is gone in its eyes is told to `done` alone (see indexer/withdraw.h). */
int take_withdraw(struct take *take, const char *path, size_t len, struct err *err);

/* Carries out what was taken so far, second readings included (where merging a
 * file asked for one): `done` has been called for all of it. */
int take_settle(struct take *take, struct err *err);

/* Carries out and commits what was taken so far. `health`, if not NULL, is written
 * in the same transaction. Nothing to write: nothing is done. */
int take_commit(struct take *take, const struct index_health *health, struct err *err);

/* After a stop (a call above returned ERR_STOPPED), instead of take_commit: commits
 * the files that were taken whole. No reading begins any more. Of the file that was
 * under way, and of those that wait for a second reading, stays what a kill would
 * have left: claims that were added, none withdrawn, and the mark that the next scan
 * reads them again. */
int take_stop(struct take *take, struct err *err);

const struct take_counts *take_counts(struct take *take);

#endif
