/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WATCH_H
#define INDEXER_WATCH_H

#include <stdbool.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "data/base/stop.h"
#include "indexer/warn.h"

/*
 * watch - the command `watch`: scans the folder, then keeps up with it until a signal.
 *
 * A change is committed as soon as no event is waiting, at the latest after 200 ms or
 * 10,000 paths. While nothing happens, the process sleeps.
 */

struct watch_options {
	bool accept_withdrawal;
	bool allow_secrets;
	struct warn *warn;
	int ready_fd; /* gets "ready\n" once the first scan is committed and all folders
		       * are watched; -1: none */
	/* Reports the state of the index to the files that others watch it by: called after
	 * the first scan, at the pace of data/base/pace.h, and when a signal ends the watch. No
	 * transaction is open then. A failure ends the watch. NULL: nothing is reported. */
	int (*report)(void *payload, struct err *err);
	void *payload;
};

struct watch;

/* Call this before index_open: its descriptor must be a low one (see notify_open). `root`
 * is the folder's path. All arguments are borrowed. */
int watch_open(struct watch **out, int rootfd, const char *root, struct stop *stop,
	       struct err *err);
void watch_close(struct watch *watch);

/* Runs until a signal asks it to stop, which is success. */
int watch_run(struct watch *watch, struct index *index,
	      const struct watch_options *options, struct err *err);

#endif
