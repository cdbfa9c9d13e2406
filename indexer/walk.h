/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WALK_H
#define INDEXER_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "data/base/err.h"

/*
 * walk - through a folder of metadata, and to single paths in it.
 *
 * Every path is relative to the root, without a leading slash, bytes as they are
 * on disk; the root itself is "". A path is resolved below the root's descriptor
 * and never through a symbolic link, wherever in it one stands.
 *
 * One folder is open at a time, whatever the depth: nesting costs path bytes, not
 * descriptors. What vanishes while it is walked is passed over in silence.
 */

/* Bytes of the longest path that is looked at: what the index can hold. */
#define WALK_PATH_MAX 4095

/* A file that may hold metadata: its name fits and it is not known to be
 * anything but a regular file. All borrowed until the callback returns. */
struct walk_file {
	int dirfd;        /* the folder that it lies in */
	const char *name; /* in that folder; the end of `path` */
	const char *path;
	size_t len; /* of path */
};

/* A non-zero return of a callback ends the walk and is returned. NULL: not
 * wanted. */
struct walk_visitor {
	/* A folder, before it is read: here a watch goes ("watch first, then
	 * read"). `dirfd` is open for reading. */
	int (*enter)(int dirfd, const char *path, size_t len, void *payload,
		     struct err *err);
	int (*file)(const struct walk_file *file, void *payload, struct err *err);
	/* A folder that cannot be read, with the errno: what is known of the files
	 * below it still stands, as nobody has seen that they are gone. */
	int (*unreadable)(const char *path, size_t len, int error, void *payload,
			  struct err *err);
	void *payload;
};

/* Walks the folder `path` below `rootfd`, files of a folder before its folders.
 * A `path` that is not there (any more) is no error. */
int walk_run(int rootfd, const char *path, size_t len, const struct walk_visitor *visitor,
	     struct err *err);

/* Opens `path` below `rootfd` with `flags` (O_NOFOLLOW and O_CLOEXEC are added).
 * Returns a descriptor, or -1 with errno. */
int walk_open(int rootfd, const char *path, int flags);

/* lstat of `path`. Returns 0, or -1 with errno. */
int walk_stat(int rootfd, const char *path, struct stat *out);

/* True where errno `error` says that there is no such path (now). */
bool walk_is_gone(int error);

/* Whether a file (by its suffix) or folder of this name is looked at: names that
 * start with `.` or end in `~` are not. */
bool walk_takes_file(const char *name);
bool walk_takes_folder(const char *name);

#endif
