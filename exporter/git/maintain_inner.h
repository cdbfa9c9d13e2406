/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_MAINTAIN_INNER_H
#define EXPORTER_GIT_MAINTAIN_INNER_H

#include "data/base/buf.h"
#include "exporter/git/maintain.h"
#include "exporter/git/pack/packset.h"

/*
 * maintain, from the inside: maintain.c chooses packs and replaces them;
 * maintain_merge.c and maintain_pack.c make those that come in their place.
 */

/* Notes that the packs `names` come and the chosen ones go (snapshot_folder_note): before
 * the first of them gets its name. */
int maintain_note(struct snapshot_repo *repo, const struct packset *set,
		  const char *names, struct err *err);

/*
 * Copies what is in the chosen packs of the folder `dir` into new ones there,
 * durable and with their true names, which are appended to *names, each with a
 * newline. A chosen pack with deltas is marked as compact and no longer chosen;
 * then nothing else is done, and *names stays as it is.
 */
int maintain_merge(struct buf *names, struct snapshot_repo *repo, const char *dir,
		   struct packset *set, struct err *err);

/* The same, but with deltas, by libgit2. *objects: how many there are. */
int maintain_pack(struct buf *names, uint64_t *objects, struct snapshot_repo *repo,
		  const char *dir, const struct packset *set, struct err *err);

#endif
