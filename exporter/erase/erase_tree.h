/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_ERASE_ERASE_TREE_H
#define EXPORTER_ERASE_ERASE_TREE_H

#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/tree/tree.h"

/*
 * erase_tree - the tree of a snapshot without what is erased, from the two old trees and the
 * new tree of the snapshot before.
 *
 * Most of a tree needs no look: a folder that did not change between the two old trees is as in
 * the new tree before, and a folder of which nothing was erased before is as in the old tree.
 * So trees are read and written on the way to the edits, and where the snapshot changed what
 * lies beside something that is erased.
 */

/* What differs between two versions of a snapshot, in files. */
struct erase_tree_counts {
	/* Responses of the API (`.album` is none) that are other than they were, or are
	 * gone, where that has not been so before. */
	uint64_t answers;
	/* How many files the snapshot changes against the one before. */
	struct tree_delta was, is; /* only of files that were looked at: their difference
				    * is what counts */
};

/* The trees; each may be NULL: an empty tree. */
struct erase_tree {
	const uint8_t *before;     /* the old tree of the snapshot before */
	const uint8_t *now;        /* the old tree */
	const uint8_t *new_before; /* the new tree of the snapshot before */
};

/* Makes the new tree, to which the sorted edits bring `now`. Edits name every file that the
 * snapshot changed and that is not as in `now`, or was not as in `before`. */
int erase_tree_make(uint8_t made[OBJECT_ID], const struct erase_tree *trees,
		    const struct edits *edits, const struct tree_store *store,
		    struct erase_tree_counts *counts, struct err *err);

#endif
