/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_SNAPSHOT_INNER_H
#define EXPORTER_GIT_SNAPSHOT_INNER_H

#include <stdbool.h>
#include <stdint.h>

#include "exporter/git/pack/object.h"
#include "exporter/git/pack/pack.h"
#include "exporter/git/snapshot.h"
#include "exporter/git/tree/tree.h"

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
/* Where the branch or tag `name` is, in hex; "" where there is none. */
int snapshot_ref(char hex[OBJECT_HEX + 1], struct snapshot_repo *repo, const char *name,
		 struct err *err);
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

/* Whether git cut history behind this commit: its parents are not to be expected. */
bool snapshot_is_shallow(struct snapshot_repo *repo, const uint8_t commit[OBJECT_ID]);

/* --- snapshot_publish.c --- */

/* Completes `pack`, gives it to the repository, and moves the branch or tag `name` from
 * `from` (NULL: there is none yet) to `to`. Durable. ERR_CHANGED: it is elsewhere.
 * ERR_LOCKED: another program changes it. */
int snapshot_publish(struct snapshot_repo *repo, struct pack *pack, const char *name,
		     const uint8_t *from, const uint8_t to[OBJECT_ID], struct err *err);
/* Ends what a killed writer had begun. */
int snapshot_recover(struct snapshot_repo *repo, struct err *err);

/* --- snapshot_folder.c --- */

#define SNAPSHOT_LOCK "albumen-exporter.lock"
#define SNAPSHOT_NOTE "albumen-exporter.packs"
#define SNAPSHOT_STAGE "albumen-exporter.new"   /* a folder of packs on their way */
#define SNAPSHOT_MAKING "albumen-exporter.init" /* a folder: a repository on its way */
#define SNAPSHOT_TEMP_REF "albumen-exporter.ref"
#define SNAPSHOT_TEMP_CONFIG "albumen-exporter.config" /* and what it begins */

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
 * The note: what a writer is about to do, in a file, as long as it is not done. A writer
 * that finds one ends what it says, and removes no other pack than those it names.
 *
 * With a reference: packs get their names, then the reference moves from `from` to `to`,
 * then its folder is synced. If the reference is still at `from`, nothing refers to the
 * packs: they are removed. If it is at `to`, it may not be durable: it is written again.
 * Without: packs come or go beside others that hold the same objects. Those that are not
 * whole are removed.
 *
 * A note with a reference is not synced, as that would make each change slower. After a
 * kill it is there. After a power loss it may be missing or cut short, and then is ignored:
 * what stays is a pack that nothing refers to, perhaps without its index, which is
 * untidy but sound; and the reference is where the disk has it. One without a reference
 * is durable before the first pack goes.
 */
struct snapshot_note {
	const char *ref;       /* NULL: packs alone */
	const char *from, *to; /* ids in hex; from may be "": there is none */
	const char *names;     /* of packs, a newline behind each */
};
/* Cuts *names to the packs that the repository does not have yet: one that it has
 * is not ours to remove, whatever becomes of the reference. */
void snapshot_folder_fresh(const char *path, struct buf *names);
int snapshot_folder_note(const char *path, const struct snapshot_note *note,
			 struct err *err);
/* Keeps git from dropping the packs, whose objects nothing refers to yet, or ends that. */
int snapshot_folder_keep(const char *path, const char *names, bool keep, struct err *err);
enum snapshot_folder_forget_flags {
	SNAPSHOT_FORGET_PACKS = 1 << 0, /* all that it names, whole or not */
	SNAPSHOT_FORGET_KEEP = 1 << 1,  /* what snapshot_folder_keep did */
};
/* Forgets the note, and with it those of its packs that are not whole. */
int snapshot_folder_forget(const char *path, const char *names, unsigned flags,
			   struct err *err);

struct snapshot_found {
	bool is; /* there is a note, which may have been cut short: then it says nothing */
	struct buf ref, names;
	char from[OBJECT_HEX + 1], to[OBJECT_HEX + 1];
};
int snapshot_folder_found(struct snapshot_found *found, const char *path,
			  struct err *err);
bool snapshot_folder_is_noted(const char *path);
void snapshot_found_release(struct snapshot_found *found);

/* Copies a file of the repository, and the copy is durable; renames one, and what it is
 * renamed to lies in a folder that is not synced yet. */
int snapshot_folder_copy(const char *path, const char *from, const char *to,
			 struct err *err);
int snapshot_folder_settle(const char *path, const char *from, const char *to,
			   struct err *err);

/* A repository that is being made (make_repository): the folder to make it in, with what
 * there is of it already; its parts into their places, durable; whether it was begun. */
int snapshot_making_begin(const char *path, struct err *err);
int snapshot_making_end(const char *path, struct err *err);
bool snapshot_making_is(const char *path);

/* A number that tells whether packs have come or gone, or the folder is another one. */
uint64_t snapshot_folder_print(const char *path);

/* If there is a pack without an index, or one that is cut short, appends "; ..." and how to
 * mend it. */
void snapshot_folder_mend(struct buf *out, const char *path);

#endif
