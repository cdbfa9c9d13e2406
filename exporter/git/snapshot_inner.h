/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_SNAPSHOT_INNER_H
#define EXPORTER_GIT_SNAPSHOT_INNER_H

#include <stdbool.h>
#include <stdint.h>

#include "exporter/git/object.h"
#include "exporter/git/pack.h"
#include "exporter/git/snapshot.h"
#include "exporter/git/tree.h"

/*
 * snapshot, from the inside: what snapshot.c (with libgit2: the repository as it
 * is), snapshot_edit.c (the next snapshot) and snapshot_folder.c (the repository
 * as a folder) are to each other. For these alone, and for those who read objects by
 * their ids: snapshot_object and snapshot_tree.
 */

#define SNAPSHOT_AUTHOR "albumen-exporter <albumen@localhost>"

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
/* The branch or tag `name` from `from` (NULL: there is none yet) to `to`. Durable.
 * ERR_CHANGED: it is elsewhere. */
int snapshot_move(struct snapshot_repo *repo, const char *name, const uint8_t *from,
		  const uint8_t to[OBJECT_ID], struct err *err);
bool snapshot_writable(const struct snapshot_repo *repo);
unsigned snapshot_threads(const struct snapshot_repo *repo);
/* tree_store's `read`; the payload is the repository. */
int snapshot_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		  struct err *err);

/* Objects into a pack with deltas, by libgit2, which holds about 300 bytes of each.
 * Those with like names (paths; NULL: none) are compared, up to `delta_bytes_max`. */
struct snapshot_packer;
int snapshot_packer_open(struct snapshot_packer **out, struct snapshot_repo *repo,
			 size_t delta_bytes_max, struct err *err);
int snapshot_packer_add(struct snapshot_packer *packer, const uint8_t id[OBJECT_ID],
			const char *name, struct err *err);
/* Writes the pack and its index into the folder `dir`, durable. */
int snapshot_packer_write(struct snapshot_packer *packer, const char *dir,
			  struct err *err);
/* NULL is allowed. */
void snapshot_packer_free(struct snapshot_packer *packer);

/* --- snapshot_sign.c --- */

#define SNAPSHOT_DIGESTS "albumen-exporter.digests" /* a folder: digest.h */

/* What an edit needs to be signed: it is shown all that is added to the edit's pack. */
struct snapshot_signing;
void snapshot_signing_new(struct snapshot_signing **out, struct snapshot_repo *repo,
			  const char *key);
/* NULL is allowed. */
void snapshot_signing_free(struct snapshot_signing *signing);
/* Each blob in the order of numbers (one that was there before is none), then each
 * tree. */
void snapshot_signing_blob(struct snapshot_signing *signing, uint32_t number,
			   const void *body, size_t len);
void snapshot_signing_tree(struct snapshot_signing *signing, const void *body,
			   size_t len);
/* Works out the SHA-256 of the edit's tree, when the pack has been flushed. */
int snapshot_signing_digest(struct snapshot_signing *signing, const struct pack *pack,
			    const uint8_t tree[OBJECT_ID], struct err *err);
/* Adds the trailer that says it to the last paragraph of a message. */
void snapshot_signing_trailer(struct snapshot_signing *signing, struct buf *message);
int snapshot_signing_sign(struct snapshot_signing *signing, struct buf *commit,
			  struct err *err);
/* The branch has moved: remembers what the next time can go on from. */
void snapshot_signing_save(struct snapshot_signing *signing);

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
