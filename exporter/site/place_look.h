/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_LOOK_H
#define EXPORTER_SITE_PLACE_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/site/folders.h"
#include "exporter/site/place_kind.h"

/*
 * place_look - compares the files of a site with what they should be, and changes
 * nothing. place_folder.c calls it instead of writing and removing (place_set_look).
 */

struct place_look {
	place_found_fn *found; /* may be NULL */
	void *payload;
	/* The file that is being compared, or was last. */
	int fd; /* -1: none is open */
	bool is_there, is_same;
};

/* Compares the file `path` with the bytes that follow, in pieces. A file that cannot be
 * read differs. */
int place_look_begin(struct place_look *look, struct folders *folders, const char *path,
		     struct err *err);
void place_look_write(struct place_look *look, const void *bytes, size_t len);
/* Closes the file and reports it if it differs; is_same then says whether it does. */
void place_look_end(struct place_look *look, const char *path);

/* Reports `path` as extra if there is a file. */
int place_look_remove(struct place_look *look, struct folders *folders, const char *path,
		      struct err *err);
/* Reports the files that `keep` rejects below the folder `name` in `dirfd`, whose path is
 * *at. */
int place_look_prune(struct place_look *look, struct folders *folders, int dirfd,
		     const char *name, struct buf *at, place_keep_fn *keep, void *payload,
		     struct err *err);

#endif
