/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_TREE_PATHSET_H
#define EXPORTER_GIT_TREE_PATHSET_H

#include <stddef.h>

#include "data/base/err.h"
#include "exporter/git/tree/tree.h"

/*
 * pathset - a growing set of paths, which finds those that differ between two trees.
 *
 *	struct pathset paths = {0};
 *	pathset_add(&paths, "api/v1/tag_images/xx/yy/N.json");
 *	pathset_diff(&paths, history_trees(history), fault, old, new, each, payload, err);
 *	pathset_release(&paths);
 */

struct pathset {
	char **path; /* after sorting: by their bytes, each once */
	size_t count, cap;
	size_t sorted; /* how many of them are sorted */
};

/* Adds the path of a file, or of a folder with a slash behind it, which stands for all in
 * it (then no other path may lie in it). The path is copied. */
void pathset_add(struct pathset *paths, const char *path);
/* Removes all paths. */
void pathset_clear(struct pathset *paths);
void pathset_release(struct pathset *paths);

/* Calls `each`, in order, for every path of the set that differs between `from` and `to`, or is
 * in only one of them: tree_diff_paths. Either tree may be NULL: an empty tree. A non-zero
 * return ends the comparison and is returned. */
int pathset_diff(struct pathset *paths, const struct tree_store *store,
		 tree_fault_fn *fault, const uint8_t *from, const uint8_t *to,
		 tree_diff_fn *each, void *payload, struct err *err);

#endif
