/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REPO_H
#define EXPORTER_GIT_REPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/shallow.h"

/*
 * repo - a git repository through libgit2: its objects, references and configuration.
 * Only repo.c calls libgit2. snapshot.h opens and locks a repository; this header is
 * for code that reads objects by their ids.
 */

struct snapshot_repo {
	char *path;
	char *who;        /* snapshot.c: the command, for the lock's message */
	int lock;         /* snapshot.c: -1 unless open for writing */
	uint64_t seen;    /* snapshot.c: repo_folder_fingerprint at snapshot_unlock */
	unsigned threads; /* beside the caller's, for large work */
	struct git_repository *git; /* NULL: closed */
	struct objects *objects;    /* NULL: not open */
	bool refs_good;             /* repo.c: repo_refs_check has passed */
	struct shallow shallow;     /* repo.c: repo_is_shallow */
	bool shallow_good;          /* likewise: it has been read */
};

/* --- opening: for snapshot.c --- */

/* Whether the user's or the system's configuration of git declares the folder `path`, which is
 * absolute and without links, as safe.directory. For repo_trust.c. */
int repo_is_safe_directory(bool *is, const char *path, struct err *err);

/* Starts libgit2 with the settings that hold for the whole process. */
int repo_start(struct err *err);
void repo_stop(void);
/* Opens the repository, for references only until repo_open_objects. Its configuration is not
 * read. */
int repo_open(struct snapshot_repo *repo, struct err *err);
int repo_open_objects(struct snapshot_repo *repo, struct err *err);
void repo_close(struct snapshot_repo *repo);
/* Whether the repository has lost its configuration, or repo_make has not come to its end.
 * ERR_REFUSED: the configuration includes other files. */
int repo_is_incomplete(bool *is, struct snapshot_repo *repo, struct err *err);
/* Refuses a repository that is not bare or whose HEAD is not `branch`, and, if it is open for
 * writing, switches off the automatic `git gc`. */
int repo_prepare(struct snapshot_repo *repo, const char *branch, struct err *err);

/* --- objects --- */

/* Appends the body of the object `id`, which must be of this type. The body is checked
 * against its id. An object that is missing is damage, never ERR_NOTFOUND. */
int repo_object(struct snapshot_repo *repo, struct buf *body, const uint8_t id[OBJECT_ID],
		enum object_type type, struct err *err);
/* The same for a tree: the function `read` of a tree_store, whose payload is the
 * repository. */
int repo_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
	      struct err *err);
bool repo_has(struct snapshot_repo *repo, const uint8_t id[OBJECT_ID]);
/* Makes new packs visible. A failure is harmless: libgit2 looks for new packs again when
 * it misses an object. */
void repo_refresh(struct snapshot_repo *repo);

/* Whether history ends with this commit, although it names a parent (shallow.h). The file is
 * read once, and again after repo_forget_shallow or a new opening. */
int repo_is_shallow(bool *is, struct snapshot_repo *repo, const uint8_t commit[OBJECT_ID],
		    struct err *err);
/* To be called after the file was changed. */
void repo_forget_shallow(struct snapshot_repo *repo);

/* --- references --- */

/* Where the branch or tag `name` is, in hex; "" where there is none. */
int repo_ref(char hex[OBJECT_HEX + 1], struct snapshot_repo *repo, const char *name,
	     struct err *err);
/* The commit that a revision names ("HEAD~1", a tag, an id). ERR_NOTFOUND. */
int repo_resolve(uint8_t commit[OBJECT_ID], struct snapshot_repo *repo, const char *rev,
		 struct err *err);
/* The commit that a reference leads to, through no more tags of tags than this: a thousand
 * tags, each of the one before, would take going through half a million. ERR_NOTFOUND (no
 * message): it leads to none. */
#define REPO_TAGS_MAX 10
int repo_ref_commit(uint8_t commit[OBJECT_ID], struct snapshot_repo *repo,
		    const char *name, struct err *err);
/* Appends the names of all tags ("refs/tags/" left off), each with a NUL. */
int repo_tags(struct snapshot_repo *repo, struct buf *names, struct err *err);
/* Whether git takes the name for a tag. Some repository must be open. */
bool repo_tag_is_valid(const char *name);

/* --- other work trees --- */

/* Whether the work tree `top`, of which git keeps the folder `git_dir`, ignores the file or
 * folder `path`, which is relative to `top` and need not exist. False, too, if that cannot
 * be found out. No repository need be open. */
bool repo_ignores(const char *git_dir, const char *top, const char *path);

/* --- packs with deltas --- */

/* Packs objects with deltas, by libgit2, which holds about 300 bytes of each. Objects with
 * similar names (paths; NULL: none) are compared if they are no larger than
 * `delta_bytes_max`. */
struct repo_packer;
int repo_packer_open(struct repo_packer **out, struct snapshot_repo *repo,
		     size_t delta_bytes_max, struct err *err);
int repo_packer_add(struct repo_packer *packer, const uint8_t id[OBJECT_ID],
		    const char *name, struct err *err);
/* Writes the pack and its index into the folder `dir`. Durable on return. */
int repo_packer_write(struct repo_packer *packer, const char *dir, struct err *err);
/* NULL is allowed. */
void repo_packer_free(struct repo_packer *packer);

#endif
