/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WRITER_H
#define INDEXER_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "indexer/batch.h"
#include "indexer/paths.h"
#include "indexer/warn.h"

/*
 * writer - carries out batches on the index, in the order in which they come. It commits
 * so often that a kill loses little, and so seldom that flushing costs little. After
 * some batches it starts a thread of its own, so that writing runs beside reading; what
 * is stored is the same either way.
 *
 *	struct writer *writer = writer_new(index, commit_ms);
 *	writer_put(writer, &batch, err);	(for each batch; it comes back empty)
 *	writer_wait(writer, &again, err);	(until all of them are carried out)
 *	writer_commit(writer, NULL, err);
 *	writer_free(writer);
 *
 * No other transaction may be open between writer_new and writer_commit, nor between a
 * writer_put that follows and the next writer_commit.
 */

#define WRITER_STEPS 10000 /* a transaction ends after this many steps */

struct writer;

/* `commit_ms`: a transaction ends at this age (0: no limit). `warn` gets the new rejects,
 * in the thread that carries them out: it is not to be used between writer_put and
 * writer_commit. */
struct writer *writer_new(struct index *index, int64_t commit_ms, struct warn *warn);
/* What was not committed is lost. NULL is allowed. */
void writer_free(struct writer *writer);

/* Carries out the batch, now or soon, and gives an empty one back. The error may be
 * that of an earlier batch. */
int writer_put(struct writer *writer, struct batch *batch, struct err *err);

/* Waits until everything is carried out. Appends to *again the paths of files that must
 * be read a second time, with CLAIM_REPLACE (see claim_end). */
int writer_wait(struct writer *writer, struct paths *again, struct err *err);

/* Waits and commits. `health`, if not NULL, is written in the same transaction. Does
 * nothing if there is nothing to write. A file whose END or DROP has not come goes on in
 * the next transaction. Until then the caller may use other ones, even to read or to
 * withdraw the same file: then its further steps are void. */
int writer_commit(struct writer *writer, const struct index_health *health,
		  struct err *err);

/* Files that a commit left without images that only they claimed. After writer_commit:
 * takes out one of them, with the number of these images; false if there is none. The path
 * is borrowed until the next call of the writer. */
bool writer_lost(struct writer *writer, const char **path, size_t *len, uint64_t *images);

/* The number of claims in all batches. */
uint64_t writer_claims(const struct writer *writer);

#endif
