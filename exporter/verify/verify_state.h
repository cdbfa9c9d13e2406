/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_STATE_H
#define EXPORTER_VERIFY_VERIFY_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_rows.h"
#include "exporter/verify/verify_store.h"
#include "exporter/verify/verify_tree.h"

/*
 * verify_state - whether the files of a snapshot agree with each other: albums,
 * untagged lists, tag images and tags. It goes along the history and reads only what
 * changed.
 *
 *	state = verify_state_new(store, report);
 *	for each snapshot, the oldest first:
 *		verify_state_step(state, previous_tree, tree, message);
 *		verify_state_counts(state)
 *	verify_state_free(state);
 *
 * Memory: about 130 bytes and the id for each image that was ever there, less for the
 * rest; and two bodies, that of an album's images and that of its untagged ones.
 */

struct verify_state;

/* Both are borrowed. */
struct verify_state *verify_state_new(struct verify_store *store,
				      struct verify_report *report);
/* NULL is allowed. */
void verify_state_free(struct verify_state *state);

/* Goes on from the snapshot with the tree `from` (NULL: nothing) to that with the
 * tree `to`, and reports what is wrong with it. A file that the trailers of its message name
 * as oversize must not be there, and the response must exist. What such a file would say of
 * others is not known, and not compared. */
void verify_state_step(struct verify_state *state, const uint8_t *from,
		       const uint8_t to[OBJECT_ID], const char *message);

/* Of the last snapshot. */
const struct verify_rows_counts *verify_state_counts(const struct verify_state *state);

#endif
