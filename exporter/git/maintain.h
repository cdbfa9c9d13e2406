/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_MAINTAIN_H
#define EXPORTER_GIT_MAINTAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * maintain - keeps a repository of snapshots quick to write and small to keep.
 *
 * Each snapshot adds a pack, and git slows down with the number of packs. There
 * are two remedies:
 *
 * - maintain_when_due, after every snapshot: from some number of packs on, copies
 *   the smaller ones into one, as they are. What it costs is spread over the
 *   snapshots: a byte is copied again only when its pack has grown by half.
 * - maintain_compact, when asked for: packs anew, with deltas, what has come since
 *   the last time. That takes half a millisecond an object and makes it smaller.
 *
 * Both leave every object where git finds it, whoever refers to it, and are safe
 * against kill -9 at any point and with readers at work: new packs are durable and
 * in place before old ones go. Both need the repository open for writing, and no
 * edit begun. Packs with a .keep beside them are left alone, and loose objects,
 * which we do not write, too.
 */

/* Merges packs if there are too many; `busy` bears with a few more of them, as
 * there is something better to do. What fails is only logged, as the next snapshot
 * tries again; an error means that `repo` cannot be used any more. */
int maintain_when_due(struct snapshot_repo *repo, bool busy, struct err *err);

struct maintain_result {
	bool done;        /* else there was nothing to do */
	uint64_t objects; /* that were packed anew */
	uint64_t packs_before, packs;
	uint64_t bytes_before, bytes; /* of packs, without their indexes */
};
int maintain_compact(struct snapshot_repo *repo, struct maintain_result *result,
		     struct err *err);

#endif
