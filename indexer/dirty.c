/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/dirty.h"

#include "data/base/clock.h"

static void mark(struct dirty *dirty)
{
	if (!dirty->since_ms) {
		dirty->since_ms = clock_now_ms();
	}
}

void dirty_add(struct dirty *dirty, int list, const char *path, size_t len)
{
	paths_add(&dirty->list[list], path, len);
	mark(dirty);
}

void dirty_leave(struct dirty *dirty, bool told, const char *prefix, size_t len)
{
	paths_add(&dirty->left[told], prefix, len);
	mark(dirty);
}

void dirty_join(struct dirty *dirty, const struct dirty *more)
{
	const char *path;
	size_t at, len;

	for (int list = 0; list < DIRTY_LISTS; list++) {
		at = 0;
		while (paths_next(&more->list[list], &at, &path, &len)) {
			dirty_add(dirty, list, path, len);
		}
	}
	for (int told = 0; told < 2; told++) {
		at = 0;
		while (paths_next(&more->left[told], &at, &path, &len)) {
			dirty_leave(dirty, told, path, len);
		}
	}
}

size_t dirty_count(const struct dirty *dirty)
{
	size_t count = dirty->left[0].count + dirty->left[1].count;

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
	paths_clear(&dirty->left[0]);
	paths_clear(&dirty->left[1]);
	dirty->since_ms = 0;
}

void dirty_release(struct dirty *dirty)
{
	for (int list = 0; list < DIRTY_LISTS; list++) {
		paths_release(&dirty->list[list]);
	}
	paths_release(&dirty->left[0]);
	paths_release(&dirty->left[1]);
	*dirty = (struct dirty){0};
}
