/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_DIRTY_H
#define INDEXER_DIRTY_H

#include <stddef.h>
#include <stdint.h>

#include "indexer/later.h"
#include "indexer/paths.h"

/*
 * dirty - paths that may have changed since the last commit of `watch`, one list for
 * each reason. A zeroed `struct dirty` is empty.
 *
 * The first lists are those of enum later_which: paths whose time has come.
 */
enum dirty_list {
	DIRTY_EVENT = LATER_COUNT, /* files that an event names, or that a look found */
	DIRTY_REMOVAL,             /* files that an event reports as removed */
	DIRTY_FILES,               /* lists of files */
	/* Prefixes (a folder and a slash; "": the root) whose known files are checked:
	 * in turn for DIRTY_EVENT and DIRTY_REMOVAL. */
	DIRTY_FOLDER = DIRTY_FILES,
	DIRTY_FOLDER_REMOVAL,
	DIRTY_LISTS,
};

struct dirty {
	struct paths list[DIRTY_LISTS];
	int64_t since_ms; /* 0: nothing is dirty */
};

/* How often the files of the list were read before without an end to it: see
 * apply_path. */
unsigned dirty_attempt(int list);

void dirty_add(struct dirty *dirty, int list, const char *path, size_t len);
/* Adds all of `more`. */
void dirty_join(struct dirty *dirty, const struct dirty *more);
size_t dirty_count(const struct dirty *dirty);
/* Both empty it; `clear` keeps the memory. */
void dirty_clear(struct dirty *dirty);
void dirty_release(struct dirty *dirty);

#endif
