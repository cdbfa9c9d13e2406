/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_OVERSIZE_H
#define EXPORTER_SNAPSHOT_OVERSIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/hash.h"

/*
 * oversize - the responses that a snapshot does not have because their bodies are larger
 * than RESPONSE_MAX (albumen(7), "Large responses"). Each has a trailer
 * `Albumen-Oversize: PATH`, PATH being where its file would be in the snapshot.
 *
 * The trailers follow from the rest of the snapshot: a response is named if it exists and
 * its file does not. So snapshots of equal trees have equal trailers.
 *
 *	struct oversize oversize = {0};
 *
 *	oversize_read(&oversize, parent.message);
 *	oversize_set(&oversize, path, true);
 *	oversize_write(&message, &oversize);
 *	oversize_release(&oversize);
 *
 * A message may come from anywhere: a path that does not fit a row of the response table
 * (oversize_site_path) is no path of ours.
 */

#define OVERSIZE_TRAILER "Albumen-Oversize"

/* A set of paths. Zeroed is empty. */
struct oversize {
	size_t count; /* of the paths in the set */
	/* Private: all paths that ever were in it, with a NUL behind each. */
	struct buf text;
	struct oversize_path {
		size_t at;
		bool in;
	} * path;
	size_t paths, cap;
	struct hash table;
};

/* Adds the paths that the trailers of a commit message name, in their order. NULL is allowed. */
void oversize_read(struct oversize *oversize, const char *message);
/* Adds the path, or takes it out. */
void oversize_set(struct oversize *oversize, const char *path, bool in);
bool oversize_has(const struct oversize *oversize, const char *path);
/* The paths, one after the other: NULL after the last. *at is 0 at first. Borrowed until the
 * next oversize_set. */
const char *oversize_next(const struct oversize *oversize, size_t *at);
/* Appends the trailers, sorted by the bytes of the paths. */
void oversize_write(struct buf *out, const struct oversize *oversize);
/* Empties the set. */
void oversize_clear(struct oversize *oversize);
void oversize_release(struct oversize *oversize);

/* Appends the path of the empty file that stands in place of a site's file: N.oversize in place
 * of N.json. */
void oversize_add_mark(struct buf *out, const char *site_path);
/* The same for the path of a snapshot's file. False: no response of the site has that path. */
bool oversize_site_path(struct buf *out, const char *snapshot_path);

#endif
