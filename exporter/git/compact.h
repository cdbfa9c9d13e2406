/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_COMPACT_H
#define EXPORTER_GIT_COMPACT_H

#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/packset.h"
#include "exporter/git/repo.h"

/*
 * compact - packs objects again with deltas, by libgit2, first in the folder
 * REPO_FOLDER_STAGE of the repository.
 */

/* Packs all objects of the chosen packs, flushes the new packs, and checks that no object
 * is missing. Appends the names of the new packs, a newline after each. *objects: how many
 * there are. */
int compact_make(struct buf *names, uint64_t *objects, struct snapshot_repo *repo,
		 const struct packset *set, struct err *err);
/* Moves the new packs, of which these are the names, into objects/pack. Durable on
 * return. */
int compact_install(struct snapshot_repo *repo, const char *names, struct err *err);

#endif
