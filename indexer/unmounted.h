/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_UNMOUNTED_H
#define INDEXER_UNMOUNTED_H

#include <stdbool.h>
#include <stddef.h>

#include "indexer/paths.h"

/*
 * unmounted - the folders below the root whose file systems were unmounted while they
 * were watched. The index keeps what it knows of their files. A set of prefixes, each a
 * folder and a slash.
 */

/* Adds a folder whose file system was unmounted, and logs it. The folders inside it are
 * reported as well, before or after it. */
void unmounted_add(struct paths *unmounted, int rootfd, const char *prefix, size_t len);
bool unmounted_holds(const struct paths *unmounted, const char *path, size_t len);
/* Moves the files below those folders from `removed` to `others`: if a mount point is
 * removed, the files of its file system are not. */
void unmounted_keep(const struct paths *unmounted, struct paths *removed,
		    struct paths *others);
/* Removes the folders that are mounted again, and all below them. True if there was one:
 * the caller walks the whole folder. */
bool unmounted_check(struct paths *unmounted, int rootfd);

#endif
