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
 * tree - git's tree objects as bytes: looks up a path, compares two trees, and merges a tree
 * with edits (tree_merge.c). A tree_store of the caller reads and writes the objects.
 *
 * A tree's body is "MODE NAME\0" and the raw id for each entry, sorted by the bytes of the
 * names, where the name of a tree counts as if it ended in '/'.
 */

/*
 * Says what is wrong with an entry of that path (no slash at its end), as "does not belong
 * in a snapshot"; NULL: nothing. It is asked before a folder is read. A tree of a few
 * kilobytes can name the same folder many times over, on many levels, and so have more
 * paths than can ever be walked. So whoever walks a tree of strangers says which paths may
 * be in it, and has to leave room for no folder in two places (exporter/snapshot/response.h).
 */
typedef const char *tree_fault_fn(const char *path, bool is_folder);

struct tree_store {
	/* Appends the body of the tree `id` to *body. */
	int (*read)(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		    struct err *err);
	/* Keeps a new tree and sets its id. The store reports errors later. */
	void (*write)(uint8_t id[OBJECT_ID], const void *body, size_t len, void *payload);
	/* The id of an edit's object. */
	const uint8_t *(*object)(uint32_t object, void *payload);
	/* For tree_merge: called for each file of the old tree that goes; may be NULL. */
	void (*removed)(const char *path, void *payload);
	/* For tree_merge: which paths may be in the old tree. From the first one that may not,
	 * and if this is NULL, files of folders that go are counted, but `removed` is not
	 * called: a stranger's tree may have more than can ever be named. */
	tree_fault_fn *fault;
	void *payload;
};

struct tree_entry {
	const char *mode; /* octal digits, not terminated */
	size_t mode_len;
	const char *name; /* NUL-terminated; these point into the body */
	size_t name_len;
	const uint8_t *id;
	bool is_tree;
};

/* Walks a body: begin with {body->data, body->data + body->len}, and call tree_next until it
 * returns false. `broken`: the body is not a tree's. */
struct tree_cursor {
	const char *at, *end;
	bool broken;
};
bool tree_next(struct tree_cursor *cursor, struct tree_entry *entry);
/* The same for a walk that needs git's order: *entry is the entry before, or zeroed. A body with
 * another order, or in which a name comes twice, is broken: the walk might have a million times
 * the same one. */
bool tree_next_sorted(struct tree_cursor *cursor, struct tree_entry *entry);

/* The order of entries in a tree: negative, 0 or positive. */
int tree_compare(const char *a, size_t a_len, bool a_is_tree, const char *b, size_t b_len,
		 bool b_is_tree);

/* Reads the tree `id` into *body, which is cleared first. */
int tree_read(struct buf *body, struct tree_cursor *cursor,
	      const struct tree_store *store, const uint8_t id[OBJECT_ID],
	      struct err *err);
/* Fails if the walk of the tree `id` ended because its body is damaged. */
int tree_end(const struct tree_cursor *cursor, const uint8_t id[OBJECT_ID],
	     struct err *err);

/* The id of the file `path`. ERR_NOTFOUND (no message). */
int tree_find(uint8_t blob[OBJECT_ID], const struct tree_store *store,
	      const uint8_t root[OBJECT_ID], const char *path, struct err *err);

/* Called for each file that differs; the id is NULL on the side that does not have it. A
 * non-zero return ends the comparison and is returned. */
typedef int tree_diff_fn(const char *path, const uint8_t *old_blob,
			 const uint8_t *new_blob, void *payload);
/* Compares two trees; either may be NULL: an empty tree. ERR_INPUT: `fault` (NULL: any path
 * may be in them) finds something wrong with an entry that differs; a folder is empty or
 * out of order. */
int tree_diff(const struct tree_store *store, tree_fault_fn *fault, const uint8_t *from,
	      const uint8_t *to, tree_diff_fn *each, void *payload, struct err *err);

/* Paths sorted by their bytes. A path that ends in '/' stands for all files in that folder;
 * then no other path may lie in it. */
struct tree_paths {
	const char *const *path;
	size_t count;
};
/* As tree_diff, but only for these paths: other folders are not read. */
int tree_diff_paths(const struct tree_store *store, tree_fault_fn *fault,
		    const uint8_t *from, const uint8_t *to,
		    const struct tree_paths *paths, tree_diff_fn *each, void *payload,
		    struct err *err);

struct tree_delta {
	uint64_t added, changed, removed; /* files */
};

/*
 * Applies the sorted edits to the tree `old` (NULL: an empty tree). Only trees on the way to
 * an edit are read and written. With `fresh`, files of `old` that no edit names are removed.
 * A tree that becomes empty is removed, except the root. ERR_INPUT: a path would be both a
 * file and a folder.
 */
int tree_merge(uint8_t root[OBJECT_ID], const struct tree_store *store,
	       const uint8_t *old, const struct edits *edits, bool fresh,
	       struct tree_delta *delta, struct err *err);

#endif
