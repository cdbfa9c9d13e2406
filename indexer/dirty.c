/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/dirty.h"

#include "data/base/clock.h"

unsigned dirty_attempt(int list)
{
	return list >= LATER_RETRY_1 && list <= LATER_RETRY_3
		       ? (unsigned)(list - LATER_RETRY_1 + 1)
		       : 0;
}

void dirty_add(struct dirty *dirty, int list, const char *path, size_t len)
{
	paths_add(&dirty->list[list], path, len);
	if (!dirty->since_ms) {
		dirty->since_ms = clock_now_ms();
	}
}

void dirty_join(struct dirty *dirty, const struct dirty *more)
{
	for (int list = 0; list < DIRTY_LISTS; list++) {
		const char *path;
		size_t at = 0, len;

		while (paths_next(&more->list[list], &at, &path, &len)) {
			dirty_add(dirty, list, path, len);
		}
	}
}

size_t dirty_count(const struct dirty *dirty)
{
	size_t count = 0;

	for (int list = 0; list < DIRTY_LISTS; list++) {
		count += dirty->list[list].count;
	}
	return count;
}

void dirty_clear(struct dirty *dirty)
{
	for (int list = 0; list < DIRTY_LISTS; list++) {
		paths_clear(&dirty->list[list]);
	}
	dirty->since_ms = 0;
}

void dirty_release(struct dirty *dirty)
{
	for (int list = 0; list < DIRTY_LISTS; list++) {
		paths_release(&dirty->list[list]);
	}
	*dirty = (struct dirty){0};
}
