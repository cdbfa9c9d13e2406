/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_FINDINGS_H
#define EXPORTER_LOOKBACK_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/arena.h"
#include "exporter/body/body.h"

/*
 * findings - the records that a comparison finds on either side, to be reported by id. They
 * are added in the order of the trees. An image has moved if it is missing from one album's
 * file and new in another's, so nothing is reported before all findings are there.
 *
 *	findings_add(&findings, &(struct finding){.after = true, .id = id, .text = text});
 *	...
 *	findings_sort(&findings);
 *	while (findings_next(&findings, &at, &before, &after)) {
 *		... one of the two may be NULL ...
 *	}
 *	findings_release(&findings);
 */

/* A record on one side. */
struct finding {
	bool after; /* false: in the snapshot before */
	struct body_text id;
	struct body_text of; /* where it belongs: an image's album, a tag image's tag */
	struct body_text text;
	/* A tag image's whole element of the response; borrowed, not copied. */
	struct body_text shown;
};

/* Zeroed is empty. */
struct findings {
	struct finding *finding;
	size_t count, cap;
	struct arena arena; /* of their texts, each with a NUL behind it */
};

/* Copies the finding and its texts, but for `shown`. */
void findings_add(struct findings *findings, const struct finding *finding);
/* By id, byte by byte; of one id, the side before first. */
void findings_sort(struct findings *findings);
/* The finding of this id and side among sorted findings, or NULL. */
const struct finding *findings_find(const struct findings *findings,
				    const struct body_text *id, bool after);
/* From *at on, the next id whose text or `of` differs between the sides, or that is on one
 * side alone: then the other finding is NULL. Call findings_sort first. Returns the finding
 * after, or the one before if that is the only one; NULL at the end. */
const struct finding *findings_next(const struct findings *findings, size_t *at,
				    const struct finding **before,
				    const struct finding **after);
/* Empty again; keeps memory. */
void findings_clear(struct findings *findings);
void findings_release(struct findings *findings);

#endif
