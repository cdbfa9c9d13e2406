/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_WALK_H
#define EXPORTER_SITE_PLACE_WALK_H

#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/site/place_kind.h"

/*
 * place_walk - removes what a folder holds: all of it, or all but what the caller wants
 * to keep. Links are removed, never followed. Memory does not grow with the files.
 */

/*
 * Removes the files that `keep` rejects (NULL: every file) from the folder `name` in
 * `dirfd`, and folders below it that end up empty. *path holds the path of the folder, on
 * return again; in between it is what `keep` is called with. *removed counts files up;
 * NULL: nothing is removed, `keep` is only called for each file. `root` is for messages.
 * A folder that does not exist counts as empty.
 */
int place_walk(int dirfd, const char *name, const char *root, struct buf *path,
	       place_keep_fn *keep, void *payload, uint64_t *removed, struct err *err);

/* Removes `name` in `dirfd`: a file, or a folder with everything in it. */
int place_walk_remove(int dirfd, const char *name, const char *root, struct err *err);

#endif
