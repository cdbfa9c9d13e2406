/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_INGEST_H
#define INDEXER_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "indexer/batch.h"

/*
 * ingest - reads one file into steps of a batch. It looks at files only; the writer
 * (indexer/writer.h) carries out the steps.
 *
 *	struct ingest *ingest = ingest_new(rootfd, &batch);
 *	rc = ingest_begin(ingest, path, len, 0, err);
 *	while (!rc && ingest_is_busy(ingest)) {
 *		(carry out the batch, clear it)
 *		ingest_more(ingest);
 *	}
 *	ingest_outcome(ingest)
 *
 * A path may be a file that is gone, or is not a regular file (WITHDRAW, with
 * INGEST_WITHDRAW); a file that cannot be opened (this is its only reject); or a file
 * with claims and rejects. The largest record bounds the memory, not the file.
 */

#define INGEST_DOCUMENT_MAX (1ull << 30) /* bytes of a `.json` file */
/* Bytes of a slice: ingest_begin and ingest_more read about as much at once, and a file
 * that has more is large. */
#define INGEST_SLICE (8ull << 20)
/* A line of an `.ndjson` file: a record, and some white space. A longer one may not end,
 * so it ends the reading of its file, with a reject. */
#define INGEST_LINE_MAX (RECORD_SIZE_MAX + 4096)
/* So many NUL bytes in a row, in a line that is not JSON, do the same: they are a hole in
 * the file, or what a crash left, and may go on for terabytes. They are found in what is
 * read, as file systems differ in what they report as holes. */
#define INGEST_HOLE 4096

enum ingest_flags {
	/* Read the whole file before its first claim: merging it met a claim that it
	 * lowers. */
	INGEST_REPLACE = 1 << 0,
	/* The file changed during several readings: if it changes again, it is rejected
	 * for that. So `status` lists it, and the next scan reads it again. */
	INGEST_UNSTEADY = 1 << 1,
	/* Accept records that contain a secret (data/format/secret.h). */
	INGEST_SECRETS = 1 << 2,
	/* Withdraw the claims of a file that is gone. Without this flag, only the outcome
	 * says that it is gone. */
	INGEST_WITHDRAW = 1 << 3,
	/* Do not read a large file. Only the outcome says that it is one. */
	INGEST_SMALL = 1 << 4,
};

struct ingest_outcome {
	bool gone;      /* there is no regular file, and no step */
	bool large;     /* it is a large file (INGEST_SMALL), and no step */
	bool withdrawn; /* there is no regular file; the step is WITHDRAW */
	bool changed;   /* it changed while it was read, and must be read again; no steps
			 * are left, or the last one is a DROP */
	bool racy;      /* it changed so recently that its stat values may hide a change
			 * that is still to come */
	bool denied;    /* we lack permission for it, or for a parent */
	uint64_t rejects;
	uint64_t bytes;
};

struct ingest;

/* `batch` is borrowed. */
struct ingest *ingest_new(int rootfd, struct batch *batch);
void ingest_free(struct ingest *ingest);

/* Begins to read `path`. An error is ours (no descriptors left), not the file's. */
int ingest_begin(struct ingest *ingest, const char *path, size_t len, unsigned flags,
		 struct err *err);
/* True while there is more of this path to come. */
bool ingest_is_busy(const struct ingest *ingest);
/* Reads on. The batch may be empty afterwards. */
void ingest_more(struct ingest *ingest);
/* Gives up the file that is being read, if there is one. If claims of it were carried
 * out, the batch gets a DROP. */
void ingest_stop(struct ingest *ingest);

/* How the last path ended. */
struct ingest_outcome ingest_outcome(const struct ingest *ingest);

#endif
