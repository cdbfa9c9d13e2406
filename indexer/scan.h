/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_SCAN_H
#define INDEXER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "indexer/paths.h"
#include "indexer/apply.h"

/*
 * scan - brings the index up to the folder: the command `scan`, and what `watch` does at
 * its start and whenever events may have been lost.
 */

/* What is said of a folder without metadata files. */
#define SCAN_NOTHING                                                                     \
	"there is nothing to index: the metadata folder holds no file whose name ends "  \
	"in .json, .ndjson or .jsonl"

struct scan_counts {
	uint64_t files;      /* metadata files in the folder */
	uint64_t unchanged;  /* of these, the ones that were not read */
	uint64_t unreadable; /* folders that could not be read, and files and folders
			      * whose path is too long: the log names them */
	struct apply_counts applied;
};

struct scan_options {
	/* `done` is not called for files that are gone, nor for files that changed
	 * while they were read: the scan reads those again. */
	struct apply_options apply;
	bool accept_withdrawal; /* without the brake */
	/* Watches each folder before it is read. NULL: nothing is watched. */
	struct folder *folder;
	/* Asks the brake before anything is changed, and withdraws the missing files;
	 * not if large files were left out (apply.small), as those may state the same
	 * records. */
	bool withdraw;
	/* Called for each missing file that the scan does not withdraw. */
	void (*missing)(const char *path, size_t len, void *payload);
};

/*
 * Brings the index up to the folder (SCAN_NOTHING is logged if it is empty), and records in
 * its health whether it is in step with it. ERR_REFUSED: so many files are missing that it looks like an unmounted disk
 * (indexer/withdraw.h). Nothing was changed; or, if they vanished during the scan,
 * nothing was withdrawn. ERR_STOPPED and other errors: what was committed stays, and the
 * next scan does the rest.
 */
int scan_run(struct scan_counts *counts, const struct scan_options *options,
	     struct err *err);

/*
 * The first half alone, for the folder `path` and all below it: appends the files that
 * differ from what the index knows to *dirty, and the known files that are not there to
 * *missing. Changes nothing.
 */
int scan_look(struct scan_counts *counts, struct paths *dirty, struct paths *missing,
	      const char *path, size_t len, const struct scan_options *options,
	      struct err *err);

#endif
