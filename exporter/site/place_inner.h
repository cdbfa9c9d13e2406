/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_INNER_H
#define EXPORTER_SITE_PLACE_INNER_H

#include "exporter/site/place.h"

/* What place.c and place_file.c share, and nobody else includes. */

#define PLACE_OWN ".albumen" /* the site's own folder, and its folders */
#define PLACE_TEMP "file"    /* and a number: files on their way */
#define PLACE_BUILD "build"

/* "api/v1/albums" has three folders. They stay for ever, and must be folders; what
 * is deeper belongs to one album, and comes and goes with it. */
#define PLACE_FIXED_DEPTH 3
#define PLACE_DEPTH_MAX 8
#define PLACE_LATE_MAX 64

struct place {
	char *root_path;
	int root, own, tmp, lock;
	int build; /* the folder that is being built in, or -1 */
	bool many;
	bool dirty; /* something is not durable yet */
	bool whole; /* what it is, is not in `touched`: sync the whole file system */
	/* The open folders on the way to the last path: paths come sorted, so the
	 * next one mostly needs one of them again. `at` is the path of the last;
	 * fd[i] is the folder at.data[0 .. end[i]]. */
	struct buf at;
	int fd[PLACE_DEPTH_MAX];
	size_t end[PLACE_DEPTH_MAX];
	size_t depth;
	/* Folders whose entries are not durable yet (few files only): paths, each
	 * with a NUL behind it. */
	struct buf touched;
	/* Few files only: those that are written, but neither synced nor in place yet;
	 * the disk has begun with all of them. Where each will be is an offset in
	 * late_paths; it is tmp/PLACE_TEMP and its place here. */
	struct {
		int fd;
		size_t path;
	} late[PLACE_LATE_MAX];
	size_t lates;
	struct buf late_paths;
	/* The file that is being written. */
	struct buf path;
	int out;
	int rc;
	struct err failure;
	bool is_there, is_same; /* the file in its place; the second only for a look */
	/* While it only looks; else NULL. */
	place_found_fn *found;
	void *found_payload;
};

/* The folder that `path` lies in, and its name there. The folder stays open until
 * the next call. ERR_NOTFOUND, quietly, where there is no such folder and it is
 * not to be made. */
int place_parent(struct place *place, int *dirfd, const char **name, const char *path,
		 bool make, struct err *err);

/* Syncs the late files and puts them in place, in the order they came in. */
int place_settle(struct place *place, struct err *err);

/* Closes the open folders from `depth` on. */
void place_close_folders(struct place *place, size_t depth);

/* Remembers for place_sync that entries of the last open folder changed. */
void place_touch(struct place *place);

#endif
