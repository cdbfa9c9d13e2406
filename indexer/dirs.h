/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_DIRS_H
#define INDEXER_DIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/hash.h"

/*
 * dirs - the known folders below the root, and the watch descriptor (wd) of each.
 * Bookkeeping only: no files, no events.
 *
 * Hash tables find a folder by its parent and name, and by its wd; its path is put
 * together on demand. So every step costs the same however many folders there are.
 */

struct dirs_node {
	struct dirs_node *parent; /* NULL: the root */
	struct dirs_node *child, *next, *prev;
	int wd;               /* -1: not watched */
	bool polled;          /* it cannot be watched: the caller polls it */
	bool denied;          /* we lacked permission for it, or for something in it */
	uint32_t seen;        /* the number of the last walk that entered it */
	uint32_t hash, place; /* in `node` */
	uint64_t dev, ino;    /* of the folder that is watched */
	char name[];          /* "" for the root */
};

/* What is known of a watch descriptor. */
struct dirs_wd {
	int wd;
	bool ended; /* its NOTIFY_ENDED was read, though perhaps not yet handled */
	struct dirs_node *node; /* NULL: its folder was dropped */
};

struct dirs {
	struct dirs_node *root;
	struct dirs_node **node; /* all but the root, in no order */
	size_t node_count, node_cap;
	struct dirs_wd *wd; /* all, in no order */
	size_t wd_count, wd_cap;
	struct hash names, wds; /* of places in `node` and `wd`, plus one */
};

void dirs_init(struct dirs *dirs);
void dirs_release(struct dirs *dirs);

/* The folder of a path (relative to the root, "" for it), or NULL. */
struct dirs_node *dirs_find(const struct dirs *dirs, const char *path, size_t len);
/* The folder `name` in `parent`, or NULL. */
struct dirs_node *dirs_child(const struct dirs *dirs, const struct dirs_node *parent,
			     const char *name, size_t len);
/* As dirs_find, but adds the folders that are missing, unwatched. */
struct dirs_node *dirs_make(struct dirs *dirs, const char *path, size_t len);
/* Appends the path of a folder, and a slash behind it unless it is the root. */
void dirs_path(const struct dirs_node *node, struct buf *out);

/* Drops the folder, which is not the root, and all below it. Their wds stay known,
 * without a folder; `each` is called for each wd that has not ended. */
void dirs_drop(struct dirs *dirs, struct dirs_node *node,
	       void (*each)(int wd, void *payload), void *payload);

/* Ties a wd without a folder to a folder without a wd. */
void dirs_tie(struct dirs *dirs, struct dirs_node *node, int wd);
/* The folder that has this inode and a wd that has not ended, or NULL. Slow: looks at all
 * folders. */
struct dirs_node *dirs_with_inode(const struct dirs *dirs, uint64_t dev, uint64_t ino);
/* What is known of a wd, or NULL; borrowed until the next dirs_tie or dirs_untie. */
struct dirs_wd *dirs_wd(const struct dirs *dirs, int wd);
/* Drops a wd; its folder, if it has one, has no wd afterwards. */
void dirs_untie(struct dirs *dirs, int wd);

#endif
