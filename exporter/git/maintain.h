/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_MAINTAIN_H
#define EXPORTER_GIT_MAINTAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * maintain - keeps a repository of snapshots fast to write and small to keep.
 *
 * Each snapshot adds a pack, and git slows down with the number of packs. There are two
 * remedies:
 *
 * - maintain_when_due, after every snapshot: above some number of packs, it copies the
 *   smaller ones into one, as they are (packmerge.h). A byte is copied again only when its
 *   pack has grown by half, so the cost is spread over the snapshots.
 * - maintain_compact, on request: packs what has come since the last time again, with deltas
 *   (compact.h). That takes half a millisecond an object and makes it smaller.
 *
 * Both keep every object, whether something refers to it or not, and are safe against a
 * kill at any point and with readers at work: new packs are durable and in place before old
 * ones go. Both need the repository open for writing and no edit begun. They leave alone
 * packs with a .keep, and loose objects, which we do not write. But if a purge is due
 * (purge.h), both do that first.
 */

/* Merges packs if there are too many; with `busy` a few more are allowed. A failure is only
 * logged, because the next snapshot tries again. An error means that `repo` cannot be used
 * any more. */
int maintain_when_due(struct snapshot_repo *repo, bool busy, struct err *err);

struct maintain_result {
	bool done;        /* false: there was nothing to do */
	uint64_t objects; /* packed again */
	uint64_t packs_before, packs;
	uint64_t bytes_before, bytes; /* of packs without their indexes */
};
int maintain_compact(struct snapshot_repo *repo, struct maintain_result *result,
		     struct err *err);

#endif
