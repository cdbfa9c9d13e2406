/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PLACE_WALK_H
#define EXPORTER_SITE_PLACE_WALK_H

#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/site/place.h"

/*
 * place_walk - removing much: a folder's content, or what is not to be kept of it.
 * Links are removed, never followed. Memory does not grow with the files.
 */

/*
 * Removes what `keep` does not want (NULL: everything) from the folder `name` in
 * `dirfd`, and folders below it that end up empty. *path is what `keep` gets:
 * it holds the folder's own path, and does again on return. `removed` NULL: nothing
 * is removed, `keep` only sees all there is. `root` is for messages.
 * A folder that is not there is empty. *kept (may be NULL) counts what stayed.
 */
int place_walk(int dirfd, const char *name, const char *root, struct buf *path,
	       place_keep_fn *keep, void *payload, uint64_t *removed, uint64_t *kept,
	       struct err *err);

/* Removes `name` in `dirfd`, a file or a folder with all in it. */
int place_walk_remove(int dirfd, const char *name, const char *root, struct err *err);

#endif
