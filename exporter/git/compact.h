/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_COMPACT_H
#define EXPORTER_GIT_COMPACT_H

#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/packmerge.h"
#include "exporter/git/pack/packset.h"
#include "exporter/git/repo.h"

/*
 * compact - packs objects again with deltas: those between the versions of a path by
 * packmerge.h, the others by libgit2, first in the folder REPO_FOLDER_STAGE of the repository.
 */

/* Packs all objects of the chosen packs and checks that no object is missing. Returns the
 * new packs as packmerge_make leaves them, in any case; appends their names, a newline after
 * each. *objects: how many there are. */
int compact_make(struct packmerge **out, struct buf *names, uint64_t *objects,
		 struct snapshot_repo *repo, const struct packset *set, struct err *err);

#endif
