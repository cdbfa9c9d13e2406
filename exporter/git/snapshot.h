/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_SNAPSHOT_H
#define EXPORTER_GIT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/stop.h"
#include "exporter/git/tree/tree.h"

/*
 * snapshot - a git repository of snapshots: opens and locks it, reads a snapshot, compares
 * two. A snapshot is a commit of the branch main. snapshot_edit.h makes the next one,
 * history.h walks back.
 */

#define SNAPSHOT_BRANCH "refs/heads/main"
#define SNAPSHOT_HEX 40

struct snapshot_repo;

enum snapshot_open_flags {
	SNAPSHOT_WRITE = 1 << 0,  /* lock it, and recover from a writer's kill */
	SNAPSHOT_CREATE = 1 << 1, /* make it if it is absent or an empty folder */
	/* For reading, but refuse what a writer refuses. Nothing is changed. */
	SNAPSHOT_LOOK = 1 << 2,
};

/* An object id in hex, NUL-terminated; "" stands for none. */
struct snapshot_id {
	char hex[SNAPSHOT_HEX + 1];
};

/* What a snapshot's commit says. */
struct snapshot_info {
	/* parent: "" for the first, also where history begins late (shallow.h) */
	struct snapshot_id commit, tree, parent;
	int64_t time_s; /* committer time, Unix seconds */
	char *message;  /* heap; snapshot_info_release */
};
void snapshot_info_release(struct snapshot_info *info);

/*
 * Opens a bare repository or, for reading only, the folder of a clone that is not bare.
 * `who` names the command for the lock's message. Of git's configuration only the user's
 * safe.directory is read, and, by a writer, core.bare and gc.auto of the repository.
 * ERR_NOTFOUND: there is no repository. ERR_LOCKED: another process writes. ERR_REFUSED: the
 * folder has other things in it, or repo_trust.h says no.
 */
int snapshot_open(struct snapshot_repo **out, const char *path, unsigned flags,
		  const char *who, struct err *err);
/* How long to wait for another writer: to open for writing, and to lock again. */
struct snapshot_wait {
	unsigned seconds;
	struct stop *stop; /* ends the wait with ERR_STOPPED; NULL: not stoppable */
};
/* As snapshot_open, but ERR_LOCKED comes after the wait (NULL: at once). */
int snapshot_open_wait(struct snapshot_repo **out, const char *path, unsigned flags,
		       const char *who, const struct snapshot_wait *wait,
		       struct err *err);
void snapshot_close(struct snapshot_repo *repo);

/*
 * A long-running writer unlocks the repository between two pieces of work, so that others
 * can write. Until snapshot_lock the repository is open for reading only. At either call no
 * edit may be under way. snapshot_lock recovers as snapshot_open does, and opens the
 * repository again if others have changed its packs. After a failure it may be called
 * again; after any but ERR_LOCKED and ERR_STOPPED the repository may not be read before it
 * has succeeded.
 */
void snapshot_unlock(struct snapshot_repo *repo);
int snapshot_lock(struct snapshot_repo *repo, const struct snapshot_wait *wait,
		  struct err *err);

/* Leaves beside the lock, which the caller holds, why its work has failed, for whoever asks how
 * things stand. The next writer writes over it. */
void snapshot_note_failure(struct snapshot_repo *repo, const char *why);
/* Appends why the last writer failed, and sets *at_s to when, Unix seconds. False: it did not fail,
 * or another one has begun since. */
bool snapshot_failure(struct buf *why, int64_t *at_s, const struct snapshot_repo *repo);

const char *snapshot_path(const struct snapshot_repo *repo);
/* Whether it is open for writing, and locked. */
bool snapshot_writable(const struct snapshot_repo *repo);
/* Forgets packs that have been removed. Only a writer needs that: a reader that
 * misses a pack looks again. After a failure only snapshot_close may be called. */
int snapshot_reopen(struct snapshot_repo *repo, struct err *err);

/* The branch's tip. ERR_NOTFOUND (no message): no snapshot yet. */
int snapshot_head(struct snapshot_repo *repo, struct snapshot_info *out, struct err *err);
/* A snapshot by any revision that git understands: "HEAD~1", a tag, an id. */
int snapshot_resolve(struct snapshot_repo *repo, const char *rev,
		     struct snapshot_info *out, struct err *err);

/* Appends the file `path` of the snapshot's tree to *out. ERR_NOTFOUND (no
 * message). */
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
typedef int snapshot_change_fn(const struct snapshot_change *change, void *payload);
/*
 * Calls `each` for every file that differs between the trees `from` ("" or NULL: an empty
 * tree) and `to`, in tree order. `fault` says which paths may be there (tree.h). `only`: the
 * path of one file, or of a folder with a '/' at its end; NULL: all. Equal subtrees are not read, so the cost follows the difference. A
 * non-zero return ends the comparison and is returned.
 */
int snapshot_diff(struct snapshot_repo *repo, tree_fault_fn *fault,
		  const struct snapshot_id *from, const struct snapshot_id *to,
		  const char *only, snapshot_change_fn *each, void *payload,
		  struct err *err);

#endif
