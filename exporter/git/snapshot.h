/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_SNAPSHOT_H
#define EXPORTER_GIT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/stop.h"

/*
 * snapshot - a bare git repository of snapshots: read one, compare two, make the
 * next. snapshot.c alone includes <git2.h>. No git index, no work tree, no loose
 * objects: the new objects of a snapshot go into packs (pack.h), then one
 * compare-and-swap moves the branch.
 *
 * Making a snapshot:
 *
 *	snapshot_edit_begin(&edit, repo, fresh, err);
 *	snapshot_put(edit, "api/v1/tag_images/xx/yy/N.json", body, len, err);
 *	snapshot_remove(edit, "api/v1/albums/xx/yy/N/images.json");
 *	snapshot_edit_build(edit, &tree, &same, &delta, err);
 *	snapshot_edit_commit(&edit, message, time_s, &info, err);	(or _drop)
 *
 * Order of the puts does not matter; the last word on a path wins.
 */

#define SNAPSHOT_BRANCH "refs/heads/main"
#define SNAPSHOT_HEX 40

struct snapshot_repo;

enum snapshot_open_flags {
	SNAPSHOT_WRITE = 1 << 0,  /* take the writer's lock, sweep what a kill left */
	SNAPSHOT_CREATE = 1 << 1, /* make the repository if absent or an empty folder */
};

/* An object id in hex, NUL-terminated; "" stands for none. */
struct snapshot_id {
	char hex[SNAPSHOT_HEX + 1];
};

/* What a snapshot's commit says. */
struct snapshot_info {
	struct snapshot_id commit, tree, parent; /* parent "" for the first */
	int64_t time_s;                          /* committer time, Unix seconds */
	char *message;                           /* heap; snapshot_info_release */
};
void snapshot_info_release(struct snapshot_info *info);

/* Appends the value of the last trailer `name` ("Albumen-Sequence") of a commit
 * message to *value. ERR_NOTFOUND, quietly. Trailers are the last paragraph. */
int snapshot_trailer(const char *message, const char *name, struct buf *value);

/*
 * Opens the repository: a bare one, or for reading also the folder of a clone that
 * is not. `who` names the command for the lock's message. Ambient
 * git configuration is not read. ERR_NOTFOUND: none there; ERR_LOCKED: another
 * process writes. A folder with other things in it is refused.
 */
int snapshot_open(struct snapshot_repo **out, const char *path, unsigned flags,
		  const char *who, struct err *err);
/* How long to wait for another writer: to open for writing, and to lock again. */
struct snapshot_wait {
	unsigned seconds;
	struct stop *stop; /* ends the wait with ERR_STOPPED; NULL: nothing does */
};
/* As snapshot_open, but ERR_LOCKED comes after the wait (NULL: at once). */
int snapshot_open_wait(struct snapshot_repo **out, const char *path, unsigned flags,
		       const char *who, const struct snapshot_wait *wait,
		       struct err *err);
void snapshot_close(struct snapshot_repo *repo);

/*
 * A writer that lives long gives the lock away between two pieces of work, so that others
 * can write: snapshot_unlock. Until snapshot_lock the repository is one for reading. No
 * edit may be begun at either. snapshot_lock ends what a killed writer left, as
 * snapshot_open does, and opens anew what others have changed. After ERR_LOCKED and
 * ERR_STOPPED it may be called again; after any other failure too, but the
 * repository may not be read before it has succeeded.
 */
void snapshot_unlock(struct snapshot_repo *repo);
int snapshot_lock(struct snapshot_repo *repo, const struct snapshot_wait *wait,
		  struct err *err);
const char *snapshot_path(const struct snapshot_repo *repo);
/* How many threads beside the caller's may work on a large edit: 0 or more. The
 * default is one where there are two processors. The bytes do not depend on it. */
void snapshot_set_threads(struct snapshot_repo *repo, unsigned threads);

/* The branch's tip. ERR_NOTFOUND (quietly): no snapshot yet. */
int snapshot_head(struct snapshot_repo *repo, struct snapshot_info *out, struct err *err);
/* A snapshot by any revision that git understands: "HEAD~1", a tag, an id. */
int snapshot_resolve(struct snapshot_repo *repo, const char *rev,
		     struct snapshot_info *out, struct err *err);

/* Appends the names of all tags ("refs/tags/" left off), each with a NUL behind. */
int snapshot_tags(struct snapshot_repo *repo, struct buf *names, struct err *err);
/* Whether git takes the name for a tag. Some repository must be open. */
bool snapshot_tag_is_valid(const char *name);

/* Appends the file `path` of the snapshot's tree to *out. ERR_NOTFOUND, quietly. */
int snapshot_read(struct snapshot_repo *repo, const struct snapshot_id *tree,
		  const char *path, struct buf *out, struct err *err);
/* Appends the blob `id` to *out. */
int snapshot_read_blob(struct snapshot_repo *repo, const struct snapshot_id *id,
		       struct buf *out, struct err *err);

/* One file that differs between two trees. */
struct snapshot_change {
	const char *path;            /* borrowed until the callback returns */
	struct snapshot_id old_blob; /* "" where the file is new */
	struct snapshot_id new_blob; /* "" where the file is gone */
};
/*
 * Calls `each` for every file that differs between the trees `from` ("" or NULL
 * for nothing at all) and `to`, in tree order. Equal subtrees are not read, so
 * the cost follows the difference. A non-zero return ends it and is returned.
 */
typedef int snapshot_change_fn(const struct snapshot_change *change, void *payload);
int snapshot_diff(struct snapshot_repo *repo, const struct snapshot_id *from,
		  const struct snapshot_id *to, snapshot_change_fn *each, void *payload,
		  struct err *err);

/* As snapshot_diff, but of the `count` files `path` alone, which are sorted by their
 * bytes; one that ends in '/' stands for all in that folder (then none of the others
 * may lie in it). With `from` NULL it finds which of them there are in `to`. */
int snapshot_diff_paths(struct snapshot_repo *repo, const struct snapshot_id *from,
			const struct snapshot_id *to, const char *const *path,
			size_t count, snapshot_change_fn *each, void *payload,
			struct err *err);

struct snapshot_edit;

/* Begins the next snapshot: a change of the branch's tip, or with `fresh` a tree
 * built from nothing but what is put. The repository must be open for writing. */
int snapshot_edit_begin(struct snapshot_edit **out, struct snapshot_repo *repo,
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
	/* Adds trailers to the message. The pack has been flushed. */
	int (*message)(struct buf *message, const struct pack *pack,
		       const uint8_t tree[SNAPSHOT_HEX / 2], void *payload,
		       struct err *err);
	/* Signs the body of the commit in place. */
	int (*commit)(struct buf *body, void *payload, struct err *err);
	/* The edit has ended: frees the payload. */
	void (*end)(bool committed, void *payload);
};
/* Call it before anything is put. The signer is borrowed until the edit ends. */
void snapshot_edit_sign(struct snapshot_edit *edit, const struct snapshot_signer *signer,
			void *payload);

/* Sets the file `path`. The body is copied (hashed, and written to the new
 * pack unless the tip has it at this path or this edit has written it). */
int snapshot_put(struct snapshot_edit *edit, const char *path, const char *body,
		 size_t len, struct err *err);
/* Removes the file `path`; its not being there is no error. */
void snapshot_remove(struct snapshot_edit *edit, const char *path);

/* What an edit amounts to, known once its tree is built. */
struct snapshot_delta {
	uint64_t added, changed, removed; /* files */
};

/*
 * Builds the trees. *same: the tree is the tip's; then the edit is best dropped.
 * Must be called once, before snapshot_edit_commit.
 */
int snapshot_edit_build(struct snapshot_edit *edit, struct snapshot_id *tree, bool *same,
			struct snapshot_delta *delta, struct err *err);
/*
 * Commits with `message` and the author and committer time `time_s` (UTC), which
 * is moved up to the parent's where it lies before it. Everything is durable
 * before the branch moves. ERR_CHANGED: somebody else moved the branch. *edit is
 * given away in any case.
 */
int snapshot_edit_commit(struct snapshot_edit **edit, const char *message, int64_t time_s,
			 struct snapshot_info *out, struct err *err);
/* Forgets the edit and what it wrote. NULL is allowed. */
void snapshot_edit_drop(struct snapshot_edit **edit);

#endif
