/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_COMPACTED_H
#define EXPORTER_GIT_COMPACTED_H

#include "data/base/err.h"
#include "exporter/git/pack/packset.h"

/*
 * compacted - the file albumen-exporter.compact, which names the packs that are compact: made by
 * compact_make. It is only a hint: if it is lost, the next compaction does more than it must.
 * `path` is the folder of the repository.
 */

/* Sets `compact` of each pack of the set. */
int compacted_read(struct packset *set, const char *path, struct err *err);
/* Writes the names of the compact packs that are not chosen, and those of new ones, a newline
 * after each. */
int compacted_write(const struct packset *set, const char *path, const char *names,
		    struct err *err);
/* The new packs have come in the place of the chosen ones, deltas and all: they are compact if
 * most of what was chosen is. */
int compacted_replace(struct packset *set, const char *path, const char *names,
		      struct err *err);

#endif
