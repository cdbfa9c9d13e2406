/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_DIRTY_H
#define INDEXER_DIRTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "indexer/later.h"
#include "indexer/paths.h"

/* dirty - paths that may have changed since the last commit, in a list for each
 * reason. Zeroed is empty. */

/* The reasons: those of LATER_*, events, and events that say that a file is gone. */
#define DIRTY_EVENT LATER_COUNT
#define DIRTY_REMOVAL (LATER_COUNT + 1)
#define DIRTY_LISTS (LATER_COUNT + 2)

struct dirty {
	struct paths list[DIRTY_LISTS];
	/* Prefixes whose known files are to be looked at; [1]: an event says that they
	 * are gone. */
	struct paths left[2];
	int64_t since_ms; /* 0: nothing is dirty */
};

void dirty_add(struct dirty *dirty, int list, const char *path, size_t len);
void dirty_leave(struct dirty *dirty, bool told, const char *prefix, size_t len);
/* Adds all of `more`. */
void dirty_join(struct dirty *dirty, const struct dirty *more);
size_t dirty_count(const struct dirty *dirty);
/* Empty again; `clear` keeps the memory. */
void dirty_clear(struct dirty *dirty);
void dirty_release(struct dirty *dirty);

#endif
