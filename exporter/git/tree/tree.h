/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_TREE_TREE_H
#define EXPORTER_GIT_TREE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/tree/edits.h"
#include "exporter/git/pack/object.h"

/*
 * tree - git's tree objects, as bytes: look up, compare, and make new ones of old
 * ones and edits (tree_merge.c). Where objects come from and go to is the caller's.
 *
 * A tree's body is "MODE NAME\0" and the raw id for each entry, in the order of
 * names, byte by byte, where a tree's name counts as if it ended in '/'.
 */

struct tree_store {
	/* Appends the body of the tree `id` to *body. */
	int (*read)(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		    struct err *err);
	/* Keeps a new tree and tells its id. Errors stick where it goes. */
	void (*write)(uint8_t id[OBJECT_ID], const void *body, size_t len, void *payload);
	/* The id of an edit's object. */
	const uint8_t *(*object)(uint32_t object, void *payload);
	void *payload;
};

struct tree_entry {
	const char *mode; /* octal digits, not terminated, as they stand there */
	size_t mode_len;
	const char *name; /* NUL-terminated; these point into the body */
	size_t name_len;
	const uint8_t *id;
	bool is_tree;
};

/* Walks a body: {body->data, body->data + body->len}, then tree_next until it is
 * false; `broken` says that it ended because the body is no tree's. */
struct tree_cursor {
	const char *at, *end;
	bool broken;
};
bool tree_next(struct tree_cursor *cursor, struct tree_entry *entry);

/* The order of entries in a tree: negative, 0 or positive. */
int tree_compare(const char *a, size_t a_len, bool a_is_tree, const char *b, size_t b_len,
		 bool b_is_tree);

/* Reads the tree `id` into *body, which is cleared first. */
int tree_read(struct buf *body, struct tree_cursor *cursor,
	      const struct tree_store *store, const uint8_t id[OBJECT_ID],
	      struct err *err);
/* 0, or the error of a cursor that ended in the midst of the tree `id`. */
int tree_end(const struct tree_cursor *cursor, const uint8_t id[OBJECT_ID],
	     struct err *err);

/* The id of the file `path`. ERR_NOTFOUND, quietly. */
int tree_find(uint8_t blob[OBJECT_ID], const struct tree_store *store,
	      const uint8_t root[OBJECT_ID], const char *path, struct err *err);

/* Called for each file that differs; ids are NULL where it is not there. A
 * non-zero return ends the comparison and is returned. */
typedef int tree_diff_fn(const char *path, const uint8_t *old_blob,
			 const uint8_t *new_blob, void *payload);
/* Compares two trees, either of which may be NULL: nothing. */
int tree_diff(const struct tree_store *store, const uint8_t *from, const uint8_t *to,
	      tree_diff_fn *each, void *payload, struct err *err);

/* Paths to look at alone, sorted by their bytes. One that ends in '/' stands for all
 * in that folder; then no other path may lie in it. */
struct tree_paths {
	const char *const *path;
	size_t count;
};
/* As tree_diff, but for nothing else than these: folders that do not lie on the way
 * are not read, however they differ. */
int tree_diff_paths(const struct tree_store *store, const uint8_t *from,
		    const uint8_t *to, const struct tree_paths *paths, tree_diff_fn *each,
		    void *payload, struct err *err);

struct tree_delta {
	uint64_t added, changed, removed; /* files */
};

/*
 * Makes the tree that the sorted edits turn `old` into (NULL: nothing). Only trees
 * on the way to an edit are read and written. With `fresh`, files of `old` that
 * no edit names go. A tree that becomes empty disappears, save the root.
 * ERR_INPUT: a path would be both a file and a folder.
 */
int tree_merge(uint8_t root[OBJECT_ID], const struct tree_store *store,
	       const uint8_t *old, const struct edits *edits, bool fresh,
	       struct tree_delta *delta, struct err *err);

#endif
