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
 * history - the line of snapshots, walked from one of them back to the first at
 * little cost a step: a step reads its commit, and of trees only what is asked for
 * and was not read just before. Neighbours share nearly all of their trees, so what
 * a walk has read of one it need not read again of the next.
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
	/* The snapshot before: false for the first one, and where a clone does not
	 * have it (history_is_cut). Its tree is then unknown. */
	bool has_parent;
	uint8_t parent[OBJECT_ID], parent_tree[OBJECT_ID];
	int64_t time_s;      /* committer time, Unix seconds */
	const char *message; /* borrowed until the next step */
};

/* The repository is borrowed. Memory: 2 MiB of trees, where they are no larger than
 * those of albumen. */
struct history *history_new(struct snapshot_repo *repo);
/* NULL is allowed. */
void history_free(struct history *history);

/* The next step is the snapshot `commit`. May be called again at any time. */
void history_start(struct history *history, const uint8_t commit[OBJECT_ID]);

/* One step: the snapshot asked for first, then the one before it, and so on by the
 * first parent. ERR_NOTFOUND, quietly: the step before was the last one. */
int history_next(struct history *history, struct history_step *step, struct err *err);

/* Whether the last step was not the first snapshot ever: it names a parent, but the
 * repository, a shallow clone, does not have it. */
bool history_is_cut(const struct history *history);

/* The snapshots' trees, for tree_find, tree_diff and pathset_diff, by way of a memory
 * of those that were read last. Reads only; borrowed until history_free. */
const struct tree_store *history_trees(struct history *history);

/* Appends the blob `id` to *body. */
int history_blob(struct history *history, struct buf *body, const uint8_t id[OBJECT_ID],
		 struct err *err);

#endif
