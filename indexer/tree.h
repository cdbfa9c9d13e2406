/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_TREE_H
#define INDEXER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * tree - the folders under the root as they are known, and which watch descriptor
 * stands for which of them. Pure bookkeeping: no files, no events.
 *
 * Every step costs the same however many folders there are: a folder is found by
 * its parent and name, and by its wd, through hash tables; its path is put
 * together when asked for, so renaming a folder touches nothing but itself.
 */

struct tree_node {
	struct tree_node *parent; /* NULL: the root */
	struct tree_node *child, *next, *prev;
	int wd;        /* -1: not watched */
	bool polled;   /* cannot be watched: it is looked at from time to time */
	uint32_t seen; /* the last walk that came through it */
	uint32_t hash;
	uint64_t dev, ino;
	char name[]; /* "" for the root */
};

/* What is known of a watch descriptor. */
struct tree_wd {
	int wd;     /* 0: a free slot */
	bool ended; /* its WATCH_ENDED was read, though perhaps not yet acted upon */
	struct tree_node *node; /* NULL: no folder of ours any more */
};

struct tree {
	struct tree_node *root;
	struct tree_node **names; /* hash table */
	size_t name_slots, nodes;
	struct tree_wd *wds; /* hash table */
	size_t wd_slots, wd_count;
};

void tree_init(struct tree *tree);
void tree_release(struct tree *tree);

/* The folder of a path (relative to the root, "" for it), or NULL. */
struct tree_node *tree_find(const struct tree *tree, const char *path, size_t len);
/* The folder `name` in `parent`, or NULL. */
struct tree_node *tree_child(const struct tree *tree, const struct tree_node *parent,
			     const char *name, size_t len);
/* As tree_find, but makes what is missing, unwatched. */
struct tree_node *tree_make(struct tree *tree, const char *path, size_t len);
/* Appends the path of a folder, and a slash behind it unless it is the root. */
void tree_path(const struct tree_node *node, struct buf *out);

/* Takes the folder and all below it out of the tree; their watch descriptors stay
 * known, as those of no folder. Not the root. `each` is called for each of them
 * that lives. */
void tree_drop(struct tree *tree, struct tree_node *node,
	       void (*each)(int wd, void *payload), void *payload);

/* Ties a wd to a folder; if it stood for another one, that one has none now and is
 * returned, else NULL. */
struct tree_node *tree_tie(struct tree *tree, struct tree_node *node, int wd);
/* What is known of a wd, or NULL; borrowed until the next tree_tie. */
struct tree_wd *tree_wd(const struct tree *tree, int wd);
/* Forgets a wd; its folder, if any, has none now. */
void tree_untie(struct tree *tree, int wd);

#endif
