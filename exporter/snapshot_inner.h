/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_INNER_H
#define EXPORTER_SNAPSHOT_INNER_H

#include <stdbool.h>
#include <stdint.h>

#include "exporter/object.h"
#include "exporter/snapshot.h"
#include "exporter/tree.h"

/*
 * snapshot, from the inside: what snapshot.c (with libgit2: the repository as it
 * is), snapshot_edit.c (the next snapshot) and snapshot_folder.c (the repository
 * as a folder) are to each other. For these three alone.
 */

/* --- snapshot.c --- */

/* Appends the body of the object `id`, which must be of this type. What it holds
 * is checked against its id. */
int snapshot_object(struct snapshot_repo *repo, struct buf *body,
		    const uint8_t id[OBJECT_ID], enum object_type type, struct err *err);
bool snapshot_has(struct snapshot_repo *repo, const uint8_t id[OBJECT_ID]);
/* Lets libgit2 see new packs. */
void snapshot_refresh(struct snapshot_repo *repo);
/* Lets libgit2 forget packs that have gone, too: only a writer needs that, as a
 * reader that misses a pack looks again by itself. After a failure there is nothing
 * more to be done with the repository but snapshot_close. */
int snapshot_reopen(struct snapshot_repo *repo, struct err *err);
/* The branch from `from` (NULL: there is none yet) to `to`; ERR_CHANGED. */
int snapshot_move(struct snapshot_repo *repo, const uint8_t *from,
		  const uint8_t to[OBJECT_ID], struct err *err);
bool snapshot_writable(const struct snapshot_repo *repo);
unsigned snapshot_threads(const struct snapshot_repo *repo);
/* tree_store's `read`; the payload is the repository. */
int snapshot_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		  struct err *err);

/* Objects into a pack with deltas, by libgit2, which holds about 300 bytes of each.
 * Those with like names (paths; NULL: none) are compared. */
struct snapshot_packer;
int snapshot_packer_open(struct snapshot_packer **out, struct snapshot_repo *repo,
			 struct err *err);
int snapshot_packer_add(struct snapshot_packer *packer, const uint8_t id[OBJECT_ID],
			const char *name, struct err *err);
/* Writes the pack and its index into the folder `dir`, durable. */
int snapshot_packer_write(struct snapshot_packer *packer, const char *dir,
			  struct err *err);
/* NULL is allowed. */
void snapshot_packer_free(struct snapshot_packer *packer);

/* --- snapshot_folder.c --- */

#define SNAPSHOT_LOCK "albumen-exporter.lock"
#define SNAPSHOT_NOTE "albumen-exporter.packs"
#define SNAPSHOT_STAGE "albumen-exporter.new" /* a folder of packs on their way */

enum snapshot_folder {
	SNAPSHOT_FOLDER_ABSENT,
	SNAPSHOT_FOLDER_EMPTY, /* or a repository that was being made when we died */
	SNAPSHOT_FOLDER_REPO,
	SNAPSHOT_FOLDER_OTHER,
};
/* What lies at `path`. */
int snapshot_folder_look(enum snapshot_folder *out, const char *path, struct err *err);
/* Removes what a killed writer left in the repository. Only with the lock. */
int snapshot_folder_sweep(const char *path, struct err *err);
/* Removes the folder SNAPSHOT_STAGE, if there is one. */
int snapshot_folder_unstage(const char *path, struct err *err);

/*
 * Between the moment that new packs get their names and the moment that the
 * branch moves, a file says which packs they are and where the branch was: if the
 * branch is still there when a repository is opened, nothing refers to them.
 *
 * Cuts *names to the packs that the repository does not have yet: one that it has
 * is not ours to remove, whatever becomes of the branch.
 */
void snapshot_folder_fresh(const char *path, struct buf *names);
/*
 * Notes it. `tip` is 40 digits or "" for no branch, `names` what pack_seal says.
 */
int snapshot_folder_note(const char *path, const char *tip, const char *names,
			 struct err *err);
/* The branch has moved, or not: forgets the note, and with it the packs of `names`
 * unless that is NULL. */
int snapshot_folder_done(const char *path, const char *names, struct err *err);
/* Does what is left to do about a note that was found when the branch was at `tip`. */
int snapshot_folder_recover(const char *path, const char *tip, struct err *err);

#endif
