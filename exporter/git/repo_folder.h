/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REPO_FOLDER_H
#define EXPORTER_GIT_REPO_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * repo_folder - a repository as a folder of files, without libgit2. `path` is always the
 * folder of the repository; other names are relative to it.
 */

/* What a writer of ours puts into the folder, besides the lock (reflock.h). */
#define REPO_FOLDER_STAGE "albumen-exporter.new" /* a folder of packs to be installed */
#define REPO_FOLDER_TEMP_REF "albumen-exporter.ref"
#define REPO_FOLDER_TEMP_CONFIG "albumen-exporter.config" /* a prefix, too */

enum repo_folder_kind {
	REPO_FOLDER_ABSENT,
	REPO_FOLDER_EMPTY, /* or a repository whose maker was killed */
	REPO_FOLDER_REPO,
	REPO_FOLDER_OTHER,
};
int repo_folder_look(enum repo_folder_kind *out, const char *path, struct err *err);
/* Whether there is a regular file `name`. */
bool repo_folder_has(const char *path, const char *name);

/* Removes the temporary files that a killed writer left. Only with the writer's lock. */
int repo_folder_sweep(const char *path, struct err *err);
/* Removes the folder REPO_FOLDER_STAGE, if there is one. */
int repo_folder_unstage(const char *path, struct err *err);
/* Removes the file `full`, a path of its own, if there is one. */
int repo_folder_remove(const char *full, struct err *err);

/* Writes the file `name`, which is not durable. */
int repo_folder_write(const char *path, const char *name, const void *bytes, size_t len,
		      struct err *err);
int repo_folder_copy(const char *path, const char *from, const char *to, struct err *err);
/* Flushes the file `from` and renames it to `to`. The new name is not durable yet. Replaces an
 * empty folder `to`: git leaves one where a reference was removed. */
int repo_folder_rename(const char *path, const char *from, const char *to,
		       struct err *err);

/* A number that changes when packs come or go, or the folder is replaced. */
uint64_t repo_folder_fingerprint(const char *path);

/* If a pack has no index or is cut short, appends "; ..." and how to repair it. */
void repo_folder_advise(struct buf *out, const char *path);

#endif
