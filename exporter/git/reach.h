/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REACH_H
#define EXPORTER_GIT_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/pack/packset.h"
#include "exporter/git/repo.h"
#include "exporter/git/shallow.h"

/*
 * reach - which objects of a repository can be reached from some of them. Commits, trees and
 * tags are read, each once; of a file it is only asked whether it is there. Memory: a byte for
 * each object, and 5 MiB.
 *
 *	reach_open(&reach, repo, err);
 *	reach_from(reach, id, &shallow, err);	(for each reference)
 *	reach_has(id, reach);
 *	reach_close(reach);
 */

struct reach;

/* Lists what there is, in packs and as loose objects. The repository is borrowed. ERR_INPUT:
 * the index of a pack is damaged. ERR_REFUSED: a pack has no name as git gives it. */
int reach_open(struct reach **out, struct snapshot_repo *repo, struct err *err);
/* NULL is allowed. */
void reach_close(struct reach *reach);

/* Reaches the object `id`, and from it all that it needs: of a commit in `shallow` the tree,
 * but not the parents. ERR_FAIL: an object is missing or damaged. */
int reach_from(struct reach *reach, const uint8_t id[OBJECT_ID],
	       const struct shallow *shallow, struct err *err);
/* Whether the object is there and has been reached; `reach` is a struct reach. */
bool reach_has(const uint8_t id[OBJECT_ID], void *reach);

/* How many objects there are, or how many of them have been reached, and what they take in
 * packs, or as files. One that is in several packs counts as often. */
struct reach_sum {
	uint64_t objects, bytes;
};
int reach_sum(struct reach_sum *all, struct reach_sum *reached, const struct reach *reach,
	      struct err *err);

/* The packs, by size; those with `chosen` set have an object that was not reached. Borrowed
 * until reach_close. */
struct packset *reach_packs(struct reach *reach);
/* Appends the ids of the loose objects that have been reached and are in no pack. */
void reach_loose(const struct reach *reach, struct buf *ids);

#endif
