/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_PATHS_H
#define INDEXER_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/hash.h"

/*
 * paths - many paths in little memory: a list in the order in which they were added, and
 * on request a set.
 *
 *	struct paths paths = {0};
 *	paths_add(&paths, "a/x.json", 8);
 *	for (size_t at = 0; paths_next(&paths, &at, &path, &len);) { ... }
 *	paths_release(&paths);
 *
 * Paths may be added during such a loop: `at` stays valid, `path` does not.
 */
struct paths {
	/* For each path: its length in four bytes, the path, a NUL, and padding to a
	 * multiple of 4. */
	struct buf text;
	size_t count;
	struct hash set; /* of offset / 4 + 1; only paths_add uses it */
};

/* Adds a path unless it is there. Returns true if it is new. */
bool paths_add(struct paths *paths, const char *path, size_t len);
/* Adds a path, even if it is there. */
void paths_append(struct paths *paths, const char *path, size_t len);
/* The path at `*at` (0 for the first), NUL-terminated; moves *at on. */
bool paths_next(const struct paths *paths, size_t *at, const char **path, size_t *len);
/* Empties the list; frees the memory if that is much. */
void paths_clear(struct paths *paths);
void paths_release(struct paths *paths);

#endif
