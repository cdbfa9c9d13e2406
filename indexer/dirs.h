/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_DIRS_H
#define INDEXER_DIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/hash.h"

/*
 * dirs - the folders under the root as they are known, and which watch descriptor
 * stands for which of them. Pure bookkeeping: no files, no events.
 *
 * Every step costs the same however many folders there are: a folder is found by
 * its parent and name, and by its wd, through hash tables, and its path is put
 * together when it is asked for.
 */

struct dirs_node {
	struct dirs_node *parent; /* NULL: the root */
	struct dirs_node *child, *next, *prev;
	int wd;        /* -1: not watched */
	bool polled;   /* cannot be watched: it is looked at from time to time */
	bool denied;   /* something in it could not be looked at, for lack of a right */
	uint32_t seen; /* the last walk that came through it */
	uint32_t hash, place; /* in `node` */
	uint64_t dev, ino;    /* of the folder that is watched */
	char name[];          /* "" for the root */
};

/* What is known of a watch descriptor. */
struct dirs_wd {
	int wd;
	bool ended; /* its WATCH_ENDED was read, though perhaps not yet acted upon */
	struct dirs_node *node; /* NULL: no folder of ours any more */
};

struct dirs {
	struct dirs_node *root;
	struct dirs_node **node; /* all but the root, in no order */
	size_t node_count, node_cap;
	struct dirs_wd *wd; /* all, in no order */
	size_t wd_count, wd_cap;
	struct hash names, wds; /* a place in `node`, in `wd`, and one */
};

void dirs_init(struct dirs *dirs);
void dirs_release(struct dirs *dirs);

/* The folder of a path (relative to the root, "" for it), or NULL. */
struct dirs_node *dirs_find(const struct dirs *dirs, const char *path, size_t len);
/* The folder `name` in `parent`, or NULL. */
struct dirs_node *dirs_child(const struct dirs *dirs, const struct dirs_node *parent,
			     const char *name, size_t len);
/* As dirs_find, but makes what is missing, unwatched. */
struct dirs_node *dirs_make(struct dirs *dirs, const char *path, size_t len);
/* Appends the path of a folder, and a slash behind it unless it is the root. */
void dirs_path(const struct dirs_node *node, struct buf *out);

/* Takes the folder and all below it out of the tree; their watch descriptors stay
 * known, as those of no folder. Not the root. `each` is called for each of them
 * that lives. */
void dirs_drop(struct dirs *dirs, struct dirs_node *node,
	       void (*each)(int wd, void *payload), void *payload);

/* Ties a wd, which stands for no folder, to a folder, which has none. */
void dirs_tie(struct dirs *dirs, struct dirs_node *node, int wd);
/* The folder with a living watch that has this inode, or NULL. Slow: looks at all
 * of them. */
struct dirs_node *dirs_with_inode(const struct dirs *dirs, uint64_t dev, uint64_t ino);
/* What is known of a wd, or NULL; borrowed until the next dirs_tie or dirs_untie. */
struct dirs_wd *dirs_wd(const struct dirs *dirs, int wd);
/* Forgets a wd; its folder, if any, has none now. */
void dirs_untie(struct dirs *dirs, int wd);

#endif
