/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_LIVE_H
#define INDEXER_LIVE_H

#include <stdbool.h>

#include "data/base/err.h"
#include "data/index/index.h"
#include "data/base/stop.h"

/*
 * live - the command `watch`: a scan, then keeping up with the folder until asked
 * to stop.
 *
 * A change is committed as soon as no event is waiting, at the latest 200 ms or
 * 10,000 records after it was seen. When nothing happens, nothing runs.
 */

struct live_options {
	bool accept_withdrawal;
	bool allow_secrets;
	int ready_fd; /* "ready\n" goes there once the first scan is committed and all
		       * folders are watched; -1: nobody waits for it */
};

struct live;

/* Starts to watch, before anything is read; before the index is opened, too (see
 * watch_open). `root` is the folder's path, for messages. All are borrowed. */
int live_open(struct live **out, int rootfd, const char *root, struct stop *stop,
	      struct err *err);
void live_close(struct live *live);

/* Runs until a stop is asked for, which is success. */
int live_run(struct live *live, struct index *index, const struct live_options *options,
	     struct err *err);

#endif
