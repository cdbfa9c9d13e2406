/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_FOLDERS_H
#define EXPORTER_SITE_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * folders - the folders of a site: opened, made and removed as files come and go, and
 * flushed at the end.
 *
 * Paths are relative to the site. Callers ask for paths in sorted order, so the folders
 * of the last path stay open: the next path mostly needs some of them. No link is
 * followed below the site's own folder.
 *
 *	folders_open(&folders, "site", err);
 *	folders_parent(&folders, &dirfd, &name, "api/v1/tags.json", true, err);
 *	renameat(tmp, "file0", dirfd, name);
 *	folders_changed(&folders);
 *	folders_flush(&folders, err);
 *	folders_close(&folders);
 */

/* "api/v1/albums" has three folders. They are never removed, and nothing but a folder is
 * accepted there. A deeper folder belongs to one album, and comes and goes with it. */
#define FOLDERS_FIXED_DEPTH 3
#define FOLDERS_DEPTH_MAX 8

struct folders {
	char *root_path; /* for messages */
	int root;
	/* The open folders on the way to the last path, which is `at`: fd[i] is the folder
	 * at.data[0 .. end[i]]. */
	struct buf at;
	int fd[FOLDERS_DEPTH_MAX];
	size_t end[FOLDERS_DEPTH_MAX];
	size_t depth;
	/* What folders_flush has to flush: these folders (paths, each with a NUL behind
	 * it), and the whole file system if `whole`. */
	struct buf changed;
	bool whole;
	bool many; /* every change sets `whole` */
};

/* Opens the folder `path`, which must exist. After a failure only folders_close may be
 * called. */
int folders_open(struct folders *out, const char *path, struct err *err);
/* A struct whose root_path is NULL is allowed. */
void folders_close(struct folders *folders);

/* Finds the folder that `path` lies in, and its name there. *dirfd stays open until the
 * next call. With `make`, missing folders are made. ERR_NOTFOUND (no message): there is
 * no such folder, and `make` is false. */
int folders_parent(struct folders *folders, int *dirfd, const char **name,
		   const char *path, bool make, struct err *err);

/* Records that an entry of the folder that folders_parent found was added, replaced or
 * removed. */
void folders_changed(struct folders *folders);

/* Removes that folder, and those above it, as far as they are empty and belong to an
 * album. */
int folders_remove_empty(struct folders *folders, struct err *err);

/* Makes all recorded changes durable: fsync of each folder, or syncfs if `whole`. After a
 * failure everything that was recorded stays recorded. */
int folders_flush(struct folders *folders, struct err *err);

#endif
