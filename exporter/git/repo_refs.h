/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REPO_REFS_H
#define EXPORTER_GIT_REPO_REFS_H

#include "data/base/err.h"

/*
 * repo_refs - whether libgit2 may read the references of a repository.
 *
 * A repository may be a copy of somebody else's. libgit2 reads a reference's file whole, and
 * waits at a FIFO; a symbolic reference can name any file of the repository, and a symbolic
 * link any folder of the disk.
 */

/* Checks HEAD, packed-refs and every file below refs/ of the repository `path`: regular files
 * of a size that references have, and symbolic references that lead to refs/.
 * ERR_REFUSED: one is not; the message names it. A file that does not exist is none. */
int repo_refs_check(const char *path, struct err *err);

#endif
