/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_HISTORY_H
#define EXPORTER_GIT_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/snapshot.h"
#include "exporter/git/tree/tree.h"

/*
 * history - walks from a snapshot back to the first one, by first parents. A step reads one
 * commit, and only those trees that the caller asks for and that are not cached. Neighbours
 * share nearly all of their trees, so most of them are cached.
 *
 *	struct history *history = history_new(repo);
 *	struct history_step step;
 *
 *	history_start(history, commit_id);
 *	while ((rc = history_next(history, &step, err)) == 0) {
 *		rc = tree_find(blob, history_trees(history), step.tree, path, err);
 *		...
 *	}
 *	rc = rc == ERR_NOTFOUND ? 0 : rc;
 *	history_free(history);
 */

struct history;

/* One snapshot of the line. */
struct history_step {
	uint8_t commit[OBJECT_ID], tree[OBJECT_ID];
	/* False: it is the first snapshot, or history begins late (history_is_cut). */
	bool has_parent;
	uint8_t parent[OBJECT_ID], parent_tree[OBJECT_ID];
	int64_t time_s; /* committer time, Unix seconds */
	/* Borrowed until the next step; parent_message: NULL without has_parent. */
	const char *message, *parent_message;
};

/* The repository is borrowed. Memory: about 2 MiB for trees of usual size. */
struct history *history_new(struct snapshot_repo *repo);
/* NULL is allowed. */
void history_free(struct history *history);

/* The next step will be the snapshot `commit`. May be called at any time. */
void history_start(struct history *history, const uint8_t commit[OBJECT_ID]);

/* One step: first the snapshot of history_start, then its parent, and so on. ERR_NOTFOUND
 * (no message): there are no more. */
int history_next(struct history *history, struct history_step *step, struct err *err);

/* Whether the last step names a parent, but history begins with it (shallow.h). */
bool history_is_cut(const struct history *history);

/* The snapshots' trees through a cache, for tree_find, tree_diff and pathset_diff. It cannot
 * write; borrowed until history_free. */
const struct tree_store *history_trees(struct history *history);

/* Appends the blob `id` to *body. */
int history_blob(struct history *history, struct buf *body, const uint8_t id[OBJECT_ID],
		 struct err *err);

#endif
