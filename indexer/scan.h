/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_SCAN_H
#define INDEXER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "indexer/paths.h"
#include "indexer/apply.h"
#include "indexer/walk.h"

/*
 * scan - brings the index up to the folder: what `scan`
 * does once, and `watch` when it starts and whenever events may have been lost.
 */

struct scan_counts {
	uint64_t files;      /* metadata files that are there */
	uint64_t unchanged;  /* of them, those that were not read */
	uint64_t unreadable; /* folders that could not be read */
	struct apply_counts applied;
};

struct scan_options {
	struct apply_options apply; /* `done` is not called for files that are gone, nor
				   * for those that changed: the scan reads them again */
	bool accept_withdrawal;     /* though most of the known files are gone */
	/* Watches each folder before it is read. NULL: nothing is watched. */
	struct folder *folder;
	/* Called for each known file that is not there, which the scan then does not
	 * withdraw. NULL: the scan withdraws it, if the brake allows. */
	void (*missing)(const char *path, size_t len, void *payload);
};

/*
 * Brings the index up to the folder. ERR_REFUSED: so much is gone that it looks like an
 * unmounted disk (indexer/withdraw.h); nothing was changed, unless it went while the
 * scan ran: then nothing was withdrawn. ERR_STOPPED and others: what was committed
 * before stays, and the next scan does the rest. When it succeeds the index's health
 * says so, unless the watched folder lost events meanwhile.
 */
int scan_run(struct scan_counts *counts, const struct scan_options *options,
	     struct err *err);

/*
 * The first half alone, for the folder `path` and all below it: which of its files
 * differ from what the index knows (*dirty) and which known ones are not there
 * (*missing). Changes nothing.
 */
int scan_look(struct scan_counts *counts, struct paths *dirty, struct paths *missing,
	      const char *path, size_t len, const struct scan_options *options,
	      struct err *err);

#endif
