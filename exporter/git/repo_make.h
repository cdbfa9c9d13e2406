/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REPO_MAKE_H
#define EXPORTER_GIT_REPO_MAKE_H

#include <stdbool.h>

#include "data/base/err.h"

/*
 * repo_make - the making of a repository. Its parts are made in the folder REPO_MAKE_IN
 * inside its own, and then renamed into their places, HEAD last: without HEAD there is no
 * repository. So whatever a kill leaves in that folder is ours, locks of libgit2 included.
 *
 *	repo_make_begin(path, err);
 *	(libgit2 makes the repository in path/REPO_MAKE_IN)
 *	repo_make_end(path, err);
 *
 * The folder goes when all is durable. While it is there, the repository is incomplete, and
 * the next writer makes it again from its parts.
 */
#define REPO_MAKE_IN "albumen-exporter.init"

/* Makes the folder, and moves parts of an earlier attempt into it. */
int repo_make_begin(const char *path, struct err *err);
/* Moves the parts into their places, durable, and removes the folder. */
int repo_make_end(const char *path, struct err *err);
/* Whether a repository is being made, or its maker was killed. */
bool repo_make_is_under_way(const char *path);

#endif
