/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_TREE_EDITS_H
#define EXPORTER_GIT_TREE_EDITS_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * edits - the changes of a tree: paths and the object of each, added in any order, then
 * sorted as git sorts trees. A path takes its bytes and 17 more.
 *
 *	edits_add(&edits, "api/v1/x.json", object, err);
 *	edits_add(&edits, "api/v1/y.json", EDITS_REMOVE, err);
 *	edits_sort(&edits);
 *	for (size_t i = 0; i < edits.count; i++) {
 *		... edits_path(&edits, i), edits.edit[i].object ...
 *	}
 *	edits_release(&edits);
 */

#define EDITS_PATH_MAX 4095 /* bytes of a path */
#define EDITS_DEPTH_MAX 128 /* names in a path */

/* Instead of an object: the file is removed. */
#define EDITS_REMOVE UINT32_MAX

struct edit {
	uint64_t key;    /* eight bytes of the path, for edits_sort */
	uint32_t path;   /* where it begins in `paths`; later edits begin later */
	uint32_t object; /* the caller's number, or EDITS_REMOVE */
};

/* A zeroed one is empty. */
struct edits {
	struct buf paths; /* each with a NUL behind it */
	struct edit *edit;
	size_t count, cap;
};

/* Adds an edit. ERR_INPUT: not every git takes the path. It is empty, too long or too deep,
 * or has a name that is empty, `.`, `..` or `.git`. */
int edits_add(struct edits *edits, const char *path, uint32_t object, struct err *err);
/* Sorts by the bytes of the paths, and keeps the last edit of each. git walks trees in this
 * order: it sorts a folder as if its name ended in '/'. */
void edits_sort(struct edits *edits);
/* Borrowed until the next edits_add. */
const char *edits_path(const struct edits *edits, size_t i);
void edits_release(struct edits *edits);

#endif
