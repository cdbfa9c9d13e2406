/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_APPLY_H
#define INDEXER_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "indexer/ingest.h"
#include "indexer/warn.h"

/*
 * apply - applies files to the index: reads each one into steps (ingest), which are
 * carried out and committed (writer).
 *
 *	struct apply *apply = apply_new(&options);
 *	for each path: rc = apply_path(apply, path, len, attempt, err);
 *	rc = apply_end(apply, rc, NULL, err);
 *	apply_free(apply);	(what was not committed is lost)
 *
 * Apply files that appeared before those that vanished: the claims of a renamed file
 * then stand under its new name before they fall under its old one.
 */

#define APPLY_ATTEMPTS 4 /* readings of a file that changes while it is read */

struct apply_counts {
	uint64_t read;      /* files whose content was read */
	uint64_t withdrawn; /* files that were gone, whose claims were withdrawn */
	uint64_t records;   /* claims that the files state (three for a tag image) */
	uint64_t bytes;     /* of the files that were read */
};

struct apply_options {
	struct index *index;
	int rootfd;
	bool allow_secrets; /* INGEST_SECRETS */
	bool small;         /* large files are not read, only reported to `done` */
	struct warn *warn;
	int64_t commit_ms; /* a transaction ends at this age (0: no limit) */
	/* Called now and then, also in the middle of a large file: to read events, or to
	 * check for a stop. A non-zero return ends the work and is returned. */
	int (*tick)(void *payload, struct err *err);
	/* Called when a path has been read, before its claims are committed. */
	void (*done)(const char *path, size_t len, const struct ingest_outcome *outcome,
		     void *payload);
	void *payload;
};

struct apply;

/* `options` is borrowed; its callbacks and `warn` may be NULL. */
struct apply *apply_new(const struct apply_options *options);
void apply_free(struct apply *apply);

/* Applies the file that lies at `path` now. A file that is gone keeps its claims: it
 * is only reported to `done` (see indexer/withdraw.h). `attempt` counts from 0; if the
 * file still changes at the last one (APPLY_ATTEMPTS - 1), that is its reject. */
int apply_path(struct apply *apply, const char *path, size_t len, unsigned attempt,
	       struct err *err);

/* The same, but withdraws the claims of a file that is gone. */
int apply_withdraw(struct apply *apply, const char *path, size_t len, struct err *err);

/* The same as apply_path in slices, of which each is committed; other work may be done
 * between two of them, also on the index. apply_begin begins, and apply_more reads on until
 * `until_ms`, at least for one slice. `small` does not count. Nothing else of this apply
 * may be called before apply_is_busy is false, except apply_end with an error. */
int apply_begin(struct apply *apply, const char *path, size_t len, unsigned attempt,
		struct err *err);
bool apply_is_busy(const struct apply *apply);
int apply_more(struct apply *apply, int64_t until_ms, struct err *err);

/* Waits until everything so far is carried out, and reads the files again that merging
 * asked for: `done` has then been called for all of it. */
int apply_finish(struct apply *apply, struct err *err);

/* apply_finish, and a commit. `health`, if not NULL, is written in the same
 * transaction. Does nothing if there is nothing to write. */
int apply_commit(struct apply *apply, const struct index_health *health, struct err *err);

/* Ends the work; `rc` is what the last call above returned. 0: returns the result of
 * apply_commit. ERR_STOPPED, from either: reads nothing more, and commits the files that
 * were read completely; the file that was being read, and those that wait for a second
 * reading, are left as a kill would leave them: their new claims are added, none is
 * withdrawn, and the next scan reads them again. Other errors: commits nothing. */
int apply_end(struct apply *apply, int rc, const struct index_health *health,
	      struct err *err);

const struct apply_counts *apply_counts(struct apply *apply);

#endif
