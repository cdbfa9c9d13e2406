/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WRITER_H
#define INDEXER_WRITER_H

#include <stdint.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "indexer/batch.h"
#include "indexer/paths.h"

/*
 * writer - carries batches out on the index, in the order they come in, and
 * commits so often that a kill loses little and so seldom that syncing costs
 * little. Once there are many, on a thread of its own beside the reading; what
 * is stored is the same either way.
 *
 *	struct writer *writer = writer_new(index, commit_ms);
 *	writer_put(writer, &batch, err);	(many; the batch comes back empty)
 *	writer_wait(writer, &again, err);	(all of it is carried out)
 *	writer_commit(writer, NULL, err);
 *	writer_free(writer);
 *
 * Between writer_new and writer_commit nobody else begins a transaction.
 */

#define WRITER_RECORDS 10000 /* a transaction ends after so many records */

struct writer;

/* `commit_ms`: a transaction ends when it is so old (0: no limit). */
struct writer *writer_new(struct index *index, int64_t commit_ms);
/* What was not committed is lost. NULL is allowed. */
void writer_free(struct writer *writer);

/* Carries out the batch, now or soon, and gives an empty one back. An error may
 * be that of an earlier batch. */
int writer_put(struct writer *writer, struct batch *batch, struct err *err);

/* Waits until everything is carried out. Appends the paths of files whose
 * merging asks for a second reading, with CLAIM_REPLACE, to *again. */
int writer_wait(struct writer *writer, struct paths *again, struct err *err);

/* Settles and commits. `health`, if not NULL, is written in the same transaction.
 * Nothing to write: nothing is done. */
int writer_commit(struct writer *writer, const struct index_health *health,
		  struct err *err);

/* Claims that were put. */
uint64_t writer_claims(const struct writer *writer);

#endif
