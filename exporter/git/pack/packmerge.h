/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PACKMERGE_H
#define EXPORTER_GIT_PACK_PACKMERGE_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/packset.h"

/*
 * packmerge - copies the objects of many packs into as few as possible, as they stand
 * there, deflated. That costs reading them, a CRC and writing them.
 */

struct packmerge;

/*
 * Copies the objects of the chosen packs of the folder `dir` into new packs there, flushed
 * under temporary names, and appends the names that they will have, a newline after each.
 * A delta cannot be copied without its base: a chosen pack with deltas is marked as compact
 * and no longer chosen, nothing is copied, and *out is NULL.
 */
int packmerge_make(struct packmerge **out, struct buf *names, const char *dir,
		   struct packset *set, struct err *err);
/* Gives the new packs their names. Durable on return. */
int packmerge_install(struct packmerge *merge, struct err *err);
/* Removes what is not installed. NULL is allowed. */
void packmerge_free(struct packmerge *merge);

#endif
