/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_SNAPSHOT_EDIT_H
#define EXPORTER_GIT_SNAPSHOT_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/snapshot.h"

/*
 * snapshot_edit - makes the next snapshot.
 *
 *	snapshot_edit_begin(&edit, repo, fresh, err);
 *	snapshot_put(edit, "api/v1/tag_images/xx/yy/N.json", body, len, err);
 *	snapshot_remove(edit, "api/v1/albums/xx/yy/N/images.json");
 *	snapshot_edit_build(edit, &tree, &same, &delta, err);
 *	snapshot_edit_commit(&edit, message, time_s, &info, err);	(or _drop)
 *
 * Puts and removals come in any order; the last one of a path counts. There is no git
 * index, no work tree and no loose object: new objects go into packs (pack.h), then the
 * branch moves (advance.h).
 */

struct snapshot_edit;

/* Begins the next snapshot: a change of the branch's tip or, with `fresh`, a tree that has
 * only what is put. The repository must be open for writing. */
int snapshot_edit_begin(struct snapshot_edit **out, struct snapshot_repo *repo,
			bool fresh, struct err *err);

/* As snapshot_edit_begin, for an edit that is only built, which writes nothing. `repo` may be
 * open for reading, or NULL: there is none yet. */
int snapshot_edit_begin_dry(struct snapshot_edit **out, struct snapshot_repo *repo,
			    bool fresh, struct err *err);

/*
 * What signs an edit: sign_edit.h. It is shown every object that the edit adds, and
 * completes the commit.
 */
struct pack;
struct snapshot_signer {
	/* A blob, and its number in the pack. A blob that was put before comes again with
	 * the number that it has. */
	void (*blob)(uint32_t number, const void *body, size_t len, void *payload);
	/* A tree that the repository does not have; its number is the next one. */
	void (*tree)(const void *body, size_t len, void *payload);
	/* Adds trailers to the message. Called after pack_wait. */
	int (*message)(struct buf *message, const struct pack *pack,
		       const uint8_t tree[OBJECT_ID], void *payload, struct err *err);
	/* Signs the body of the commit in place. */
	int (*commit)(struct buf *body, void *payload, struct err *err);
	/* The edit has ended: frees the payload. */
	void (*end)(bool committed, void *payload);
};
/* Call it before anything is put. The signer is borrowed until the edit ends. */
void snapshot_edit_sign(struct snapshot_edit *edit, const struct snapshot_signer *signer,
			void *payload);

/* Sets the file `path`. The body is copied. It is written to the new pack unless the
 * repository or the edit has it. */
int snapshot_put(struct snapshot_edit *edit, const char *path, const char *body,
		 size_t len, struct err *err);
/* Removes the file `path`, if it is there. */
void snapshot_remove(struct snapshot_edit *edit, const char *path);

/* What an edit changes. */
struct snapshot_delta {
	uint64_t added, changed, removed; /* files */
};

typedef void snapshot_removed_fn(const char *path, void *payload);
/* Has `removed` called for each file of the tip that the edit removes, when it is built, up
 * to the first that may not be there (`fault`, as in tree_store). */
void snapshot_edit_watch(struct snapshot_edit *edit, tree_fault_fn *fault,
			 snapshot_removed_fn *removed, void *payload);

/* Builds the trees: once, before snapshot_edit_commit. *same: the tree equals the tip's, so
 * the caller may drop the edit. */
int snapshot_edit_build(struct snapshot_edit *edit, struct snapshot_id *tree, bool *same,
			struct snapshot_delta *delta, struct err *err);
/*
 * Commits with `message` and the author and committer time `time_s` (UTC), or the parent's
 * time if that is later. Everything is durable before the branch moves. ERR_CHANGED: another
 * program moved the branch. *edit is freed in any case.
 */
int snapshot_edit_commit(struct snapshot_edit **edit, const char *message, int64_t time_s,
			 struct snapshot_info *out, struct err *err);
/* Frees the edit and removes what it wrote. NULL is allowed. */
void snapshot_edit_drop(struct snapshot_edit **edit);

#endif
