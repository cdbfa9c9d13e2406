/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WALK_H
#define INDEXER_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "data/base/err.h"

/*
 * walk - walks through the metadata folder, and opens single paths in it.
 *
 * Every path is relative to the root, without a leading slash, and has the bytes that are
 * on disk; the root itself is "". A path is resolved below the root's descriptor, and no
 * part of it may be a symbolic link.
 *
 * One folder is open at a time, whatever the depth. A file or folder that vanishes during
 * the walk is ignored.
 */

/* Bytes of the longest path that is walked: what the index can hold. */
#define WALK_PATH_MAX 4095

/* A file that may hold metadata: its name fits, and nothing says that it is not a regular
 * file. All of it is borrowed until the callback returns. */
struct walk_file {
	int dirfd;        /* the folder that it lies in */
	const char *name; /* in that folder; the end of `path` */
	const char *path;
	size_t len; /* of path */
};

/* A non-zero return of a callback ends the walk and is returned. A callback may be
 * NULL. */
struct walk_visitor {
	/* A folder, before it is read: the place to watch it. `dirfd` is open for
	 * reading. */
	int (*enter)(int dirfd, const char *path, size_t len, void *payload,
		     struct err *err);
	int (*file)(const struct walk_file *file, void *payload, struct err *err);
	/* A folder that cannot be read, with the errno. The files below it are not known
	 * to be gone. */
	int (*unreadable)(const char *path, size_t len, int error, void *payload,
			  struct err *err);
	/* A file or folder whose path is longer than WALK_PATH_MAX. It was logged. */
	void (*too_long)(void *payload);
	void *payload;
};

/* Walks the folder `path` below `rootfd`, the files of each folder before its folders.
 * It is no error if there is no such folder. */
int walk_run(int rootfd, const char *path, size_t len, const struct walk_visitor *visitor,
	     struct err *err);

/* Opens `path` below `rootfd` with `flags` (O_NOFOLLOW and O_CLOEXEC are added).
 * Returns a descriptor, or -1 with errno. */
int walk_open(int rootfd, const char *path, int flags);

/* lstat of `path`. Returns 0, or -1 with errno. */
int walk_stat(int rootfd, const char *path, struct stat *out);

/* True if the errno `error` means that there is no such path. */
bool walk_is_gone(int error);

/* Whether a file or folder of this name is walked: not if the name starts with `.` or
 * ends in `~`. A file also needs one of the suffixes `.json`, `.ndjson`, `.jsonl`. */
bool walk_accepts_file(const char *name);
bool walk_accepts_folder(const char *name);

#endif
