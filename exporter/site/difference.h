/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_DIFFERENCE_H
#define EXPORTER_SITE_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * difference - the files that differ between the snapshots that a site may be at and the
 * target, the snapshot that it is brought to. If there are few, they are remembered: to
 * find them again costs more than to write them.
 *
 *	struct difference difference = {.repo = repo, .target = &info->tree};
 *	difference_add(&difference, &tree);	(each snapshot that the site may be at)
 *	difference_find(&difference, err);
 *	difference_each(&difference, each, payload, err);
 *	difference_release(&difference);
 */

#define DIFFERENCE_FEW 64

struct difference {
	struct snapshot_repo *repo;
	const struct snapshot_id *target; /* a tree */
	/* Trees that the site may be at. None: it is not known, and every file of the
	 * target counts as new. */
	struct snapshot_id *base;
	size_t bases;
	bool many; /* more than DIFFERENCE_FEW files differ, or there is no base */
	/* If not `many`: the files. `path` is an offset in `paths`. */
	struct {
		size_t path;
		struct snapshot_id old_blob, new_blob;
	} few[DIFFERENCE_FEW];
	size_t fews;
	struct buf paths;
};

void difference_add(struct difference *difference, const struct snapshot_id *tree);
/* Forgets the bases. */
void difference_forget(struct difference *difference);
void difference_release(struct difference *difference);

/* Sets `many`, and finds the files if they are few. */
int difference_find(struct difference *difference, struct err *err);

/* Calls `each` for the files that differ from the first base, in tree order, then for
 * those that differ from the next. A return that is not 0 ends it and is returned. */
int difference_each(const struct difference *difference, snapshot_change_fn *each,
		    void *payload, struct err *err);

#endif
