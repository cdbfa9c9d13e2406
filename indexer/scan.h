/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_SCAN_H
#define INDEXER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "indexer/paths.h"
#include "indexer/take.h"
#include "indexer/walk.h"

/*
 * scan - brings the index up to the folder: what `scan`
 * does once, and `watch` when it starts and whenever events may have been lost.
 */

struct scan_counts {
	uint64_t files;      /* metadata files that are there */
	uint64_t unchanged;  /* of them, those that were not read */
	uint64_t missing;    /* known files that are not there */
	uint64_t unreadable; /* folders that could not be read */
	struct take_counts taken;
};

struct scan_options {
	bool accept_withdrawal; /* though most of the known files are gone */
	bool allow_secrets;     /* see data/index/gate.h; becomes the index's setting */
	/* See struct walk_visitor and struct take_hooks; NULL: not wanted. */
	int (*enter)(int dirfd, const char *path, size_t len, void *payload,
		     struct err *err);
	int (*tick)(void *payload, struct err *err);
	void (*done)(const char *path, size_t len, const struct ingest_outcome *outcome,
		     bool changed, void *payload);
	/* Who runs this may not read this folder. NULL: not wanted. */
	void (*barred)(const char *path, size_t len, void *payload);
	/* A known file that is not there: the caller sees to it, and the scan does not
	 * withdraw it. NULL: the scan withdraws it, if it may. */
	void (*missing)(const char *path, size_t len, void *payload);
	/* Asked before the last commit: false where events were lost meanwhile, so
	 * that the folder must be walked again. NULL: none could be. */
	int (*in_step)(bool *yes, void *payload, struct err *err);
	void *payload;
	int64_t commit_ms;
};

/*
 * Reconciles index and folder. ERR_REFUSED: so much is gone that it looks like an
 * unmounted disk (indexer/withdraw.h); nothing was changed, unless it went while the
 * scan ran: then nothing was withdrawn. ERR_STOPPED and others: what
 * was committed before stays, and the next scan does the rest. When it succeeds
 * the index's health says so.
 */
int scan_run(struct scan_counts *counts, struct index *index, int rootfd,
	     const struct scan_options *options, struct err *err);

/*
 * The first half alone, for the folder `path` and all below it: which of its files
 * differ from what the index knows (*dirty) and which known ones are not there
 * (*missing). Changes nothing.
 */
int scan_look(struct scan_counts *counts, struct paths *dirty, struct paths *missing,
	      struct index *index, int rootfd, const char *path, size_t len,
	      const struct scan_options *options, struct err *err);

#endif
