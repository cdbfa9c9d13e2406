/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_NOTES_H
#define EXPORTER_LOOKBACK_NOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/arena.h"
#include "exporter/body/body.h"

/*
 * notes - what a comparison has found of two snapshots, in the order of the trees, and
 * gives back by id: an image that leaves one album's file and enters another's has
 * moved, which is known only once both are noted.
 *
 *	notes_add(&notes, &(struct note){.after = true, .id = id, .text = text});
 *	...
 *	notes_sort(&notes);
 *	while (notes_next(&notes, &at, &before, &after)) {
 *		... one of the two may be NULL ...
 *	}
 *	notes_release(&notes);
 */

/* A record on one side. */
struct note {
	bool after; /* false: in the snapshot before */
	struct body_text id;
	struct body_text of; /* where it belongs: an image's album, a tag image's tag */
	struct body_text text;
};

/* Zeroed is empty. */
struct notes {
	struct note *note;
	size_t count, cap;
	struct arena arena; /* of their texts, each with a NUL behind it */
};

/* Copies the note and its texts. */
void notes_add(struct notes *notes, const struct note *note);
/* By id, byte by byte; of one id, the side before first. */
void notes_sort(struct notes *notes);
/* The note of this id and side among sorted notes, or NULL. */
const struct note *notes_find(const struct notes *notes, const struct body_text *id,
			      bool after);
/* From *at on, the next id of sorted notes whose text or `of` differs between the sides,
 * or that is on one side alone: then the other note is NULL. Returns the note after, or
 * the one before if that is the only one; NULL at the end. */
const struct note *notes_next(const struct notes *notes, size_t *at,
			      const struct note **before, const struct note **after);
/* Empty again; keeps memory. */
void notes_clear(struct notes *notes);
void notes_release(struct notes *notes);

#endif
