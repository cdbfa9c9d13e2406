/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_PENDING_H
#define EXPORTER_SITE_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place.h"

/*
 * pending - the note SITE/.albumen/pending: the commits, one a line, that a publish
 * began to bring the site to and may not have finished. It says "done" if there are none.
 * site.c explains what it is for.
 *
 *	pending_read(&pending, place, err);
 *	pending_begin(&pending, place, &to->commit, true, err);
 *	... files ...
 *	pending_end(place, err);
 *	pending_release(&pending);
 */

struct pending {
	struct buf text; /* the lines; empty: none */
	bool unfinished; /* a publish before us was not finished */
};

/* True if no publish is unfinished. Reads the note without the lock of the site. */
bool pending_is_done(const char *site);

/* Fails if this process may not read the note: then nobody can say whether a publish is
 * unfinished, and pending_is_done is false. */
int pending_check(const char *site, struct err *err);

/* When it was last written, Unix seconds; 0: there is none. */
int64_t pending_since_s(const char *site);

/* Reads the note without the lock of the site. All is zero if it cannot be read. */
void pending_look(struct pending *out, const char *site);
int pending_read(struct pending *out, struct place *place, struct err *err);
void pending_release(struct pending *pending);

/* Reads the line at *at, and moves *at to the next. *commit is "" if the line is not the id
 * of a commit. False: there are no more lines. */
bool pending_next(const struct pending *pending, size_t *at, struct snapshot_id *commit);

/* Adds a commit to the note, durably. Unless the site's state is `known`, it also adds a
 * line that is not a commit, so that the next publish compares every file, too. */
int pending_begin(struct pending *pending, struct place *place,
		  const struct snapshot_id *commit, bool known, struct err *err);

/* Says "done". Not durable: if it is lost, the next publish does more than it must. */
int pending_end(struct place *place, struct err *err);

#endif
