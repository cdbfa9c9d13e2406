/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REFLOCK_H
#define EXPORTER_GIT_REFLOCK_H

#include "data/base/err.h"

/*
 * reflock - git's own locks: to change the file NAME of a repository (a reference, the
 * configuration), a program creates NAME.lock, which must not exist yet.
 *
 * A kill leaves such a lock behind, and its name does not say who made it. So ours is a hard
 * link to the writer's lock of the repository (snapshot.h). A lock with the same inode is
 * ours. Any other lock belongs to another program and is never removed.
 *
 *	reflock_lock(&lock, repo, "refs/heads/main", err);
 *	(read the reference, write a temporary file)
 *	repo_folder_rename(repo, "albumen-exporter.ref", "refs/heads/main", err);
 *	reflock_unlock(&lock);
 *
 * The caller holds the writer's lock.
 */

/* The file that the locks are links to, in the repository. */
#define REFLOCK_FILE "albumen-exporter.lock"

/* Makes NAME.lock and the folders above it; *lock is its path, on the heap. If another
 * program holds it, waits for a second, as git holds its locks for a short time.
 * ERR_LOCKED: that program still holds it. */
int reflock_lock(char **lock, const char *repo, const char *name, struct err *err);
/* Makes the file `path`, which must not exist yet, as such a link. Returns 0, or -1 and
 * errno. */
int reflock_mark(const char *repo, const char *path);
/* Removes the lock. NULL is allowed. */
void reflock_unlock(char **lock);
/* Removes the locks and marks that a killed writer left below refs, in objects/pack, and
 * of the repository's own files. */
int reflock_sweep(const char *repo, struct err *err);

#endif
