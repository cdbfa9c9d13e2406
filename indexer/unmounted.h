/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_UNMOUNTED_H
#define INDEXER_UNMOUNTED_H

#include <stdbool.h>
#include <stddef.h>

#include "indexer/paths.h"

/*
 * unmounted - folders below the root whose file systems were unmounted while they were
 * watched: what the index knows of them is kept. A set of prefixes, each a folder and
 * a slash.
 */

/* Notes that the file system of this folder was unmounted, and logs it. The folders
 * inside it say the same, before or after it. */
void unmounted_add(struct paths *unmounted, int rootfd, const char *prefix, size_t len);
bool unmounted_holds(const struct paths *unmounted, const char *path, size_t len);
/* Moves what those hold from `removed` to `others`: the removal of a mount point is not
 * that of the files which its file system had. */
void unmounted_keep(const struct paths *unmounted, struct paths *removed,
		    struct paths *others);
/* Forgets those that are mounted again, with all below them. True if there was one:
 * walk the whole. */
bool unmounted_check(struct paths *unmounted, int rootfd);

#endif
