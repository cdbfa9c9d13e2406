/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_INGEST_H
#define INDEXER_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "indexer/batch.h"

/*
 * ingest - one path, read: whatever lies there now becomes steps of a batch. It
 * looks at files only; carrying the steps out is take's (indexer/apply.h).
 *
 *	struct ingest *ingest = ingest_new(rootfd);
 *	rc = ingest_begin(ingest, &batch, path, len, 0, err);
 *	while (!rc && ingest_is_busy(ingest)) {
 *		(carry out the batch, clear it)
 *		ingest_more(ingest, &batch);
 *	}
 *	ingest_outcome(ingest)
 *
 * What a path can come to: a file that is gone, or is no regular file (FORGET, if
 * INGEST_WITHDRAW allows it); a file that cannot be opened, with that as its only
 * reject; a file with its claims and rejects. Memory is bounded by the greatest record,
 * not by the file.
 */

#define INGEST_DOCUMENT_MAX (1ull << 30) /* bytes of a `.json` file */

enum ingest_flags {
	/* Merging it met a claim that it lowers: read it as a whole. */
	INGEST_REPLACE = 1 << 0,
	/* It changed under several readings: if it does so once more, that is its
	 * reject. So it is listed, and the next scan reads it again. */
	INGEST_UNSTEADY = 1 << 1,
	/* Records that hold a secret (data/format/secret.h) are taken. */
	INGEST_SECRETS = 1 << 2,
	/* A path that is gone is withdrawn (FORGET). Without it the outcome alone says
	 * that it is gone. */
	INGEST_WITHDRAW = 1 << 3,
};

struct ingest_outcome {
	bool gone;      /* no regular file is there; the batch has nothing of it */
	bool withdrawn; /* likewise, and the batch has a FORGET */
	bool changed;   /* it changed while it was read: read it again. The batch has
			 * nothing that counts (a DROP, where claims were under way) */
	bool racy;      /* it changed so lately that it is worth another look soon */
	bool denied; /* who runs this may not read it, or not enter a folder above it */
	uint64_t rejects;
	uint64_t bytes;
};

struct ingest;

struct ingest *ingest_new(int rootfd);
void ingest_free(struct ingest *ingest);

/* Begins to read `path`. Errors are ours (no descriptors left), not the file's. */
int ingest_begin(struct ingest *ingest, struct batch *batch, const char *path, size_t len,
		 unsigned flags, struct err *err);
/* True while there is more of this path to come. */
bool ingest_is_busy(const struct ingest *ingest);
/* Reads on. The batch may be empty afterwards. */
void ingest_more(struct ingest *ingest, struct batch *batch);
/* Gives up the file that is under way, if one is. The batch says so (a DROP) where
 * claims of it were passed on. */
void ingest_stop(struct ingest *ingest, struct batch *batch);

/* How the last path ended. */
struct ingest_outcome ingest_outcome(const struct ingest *ingest);

#endif
