/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PACKMERGE_H
#define EXPORTER_GIT_PACK_PACKMERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/objects.h"
#include "exporter/git/pack/packset.h"

/*
 * packmerge - puts the objects of many packs into as few as possible. The first version of a
 * path stays as it is; a later one becomes a delta of an earlier one (versions.h). A delta that
 * is there already is copied, and so is what has no other versions. That costs reading, a CRC
 * and writing.
 *
 *	packmerge_new(&merge, dir, objects);
 *	packmerge_add(merge, dir, set, PACKMERGE_RUNS, err);
 *	packmerge_replace(old, new, path, merge);	(for each, in the order of time)
 *	packmerge_make(merge, &count, &names, err);
 *	packmerge_install(merge, err);
 *	packmerge_free(merge);
 *
 * In a pack made here the versions of a path stand together, the first one first. So a
 * reader from front to back meets each base right before what needs it, and the pack shows
 * which objects are versions of one path: merging the snapshots of a week does not take walking
 * those of years again.
 */

struct packmerge;

/* The new packs will be in the folder `dir`. `objects`, which reads all that is in the packs
 * added, is borrowed until packmerge_free. */
void packmerge_new(struct packmerge **out, const char *dir, struct objects *objects);
/* Of the packs that are added from now on, only those objects are written of which `keep` says
 * true; the others are as if they were not there. */
typedef bool packmerge_keep_fn(const uint8_t id[OBJECT_ID], void *payload);
void packmerge_only(struct packmerge *merge, packmerge_keep_fn *keep, void *payload);
/*
 * Adds the chosen packs of the folder `dir`, the smallest first. An object that is in several
 * packs is taken from the one added last. ERR_FAIL, ERR_INPUT: a pack is damaged.
 */
enum packmerge_kind {
	PACKMERGE_FOUND, /* whatever is there */
	PACKMERGE_RUNS, /* likewise; deltas that follow their base are versions of one path */
	PACKMERGE_MADE, /* made just now, of objects that were read */
};
int packmerge_add(struct packmerge *merge, const char *dir, const struct packset *set,
		  enum packmerge_kind kind, struct err *err);
/* Appends the ids of the commits in packs without deltas: of their snapshots it is not known
 * yet what changed. */
void packmerge_commits(const struct packmerge *merge, struct buf *ids);
/* The object `new` has come in the place of `old` at a path, of which `path` is a hash; the
 * payload is the merge. False: `new` is not in these packs, or is known already. */
bool packmerge_replace(const uint8_t old[OBJECT_ID], const uint8_t new[OBJECT_ID],
		       uint32_t path, void *payload);
/* Whether the object is a version of a path, but not the first one. */
bool packmerge_is_later(const struct packmerge *merge, const uint8_t id[OBJECT_ID]);

/* Writes all objects into new packs, flushed under temporary names, and appends the names
 * that they will have, a newline after each. *count: how many objects. */
int packmerge_make(struct packmerge *merge, uint64_t *count, struct buf *names,
		   struct err *err);
/* Gives the new packs their names. Durable on return. */
int packmerge_install(struct packmerge *merge, struct err *err);
/* Removes what is not installed. NULL is allowed. */
void packmerge_free(struct packmerge *merge);

#endif
