/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PENDING_H
#define EXPORTER_SITE_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place.h"

/*
 * pending - the commits, one a line, that a publish began to bring the site to and may not have
 * finished. site.c explains what they are for; each kind of place keeps them in its own way
 * (place.h), and none when they say that all is done.
 *
 *	pending_read(&pending, place, err);
 *	pending_begin(&pending, place, &to->commit, true, err);
 *	... files ...
 *	place_pending_end(place, err);
 *	pending_release(&pending);
 */

struct pending {
	struct buf text; /* the lines; empty: none */
	bool unfinished; /* a publish before us was not finished */
};

/* Reads them with or without the lock of the site. Without it, what cannot be read is
 * unfinished, and has no lines. */
int pending_read(struct pending *out, struct place *place, struct err *err);
void pending_release(struct pending *pending);

/* Reads the line at *at, and moves *at to the next. *commit is "" if the line is not the id
 * of a commit. False: there are no more lines. */
bool pending_next(const struct pending *pending, size_t *at, struct snapshot_id *commit);

/* Adds a commit to them, durably. Unless the site's state is `known`, it also adds a
 * line that is not a commit, so that the next publish compares every file, too. */
int pending_begin(struct pending *pending, struct place *place,
		  const struct snapshot_id *commit, bool known, struct err *err);

#endif
