/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_COUNT_H
#define EXPORTER_AUDIT_AUDIT_COUNT_H

#include <stdint.h>

#include "data/base/arena.h"
#include "exporter/audit/audit.h"
#include "exporter/body/body.h"

/*
 * audit_count - which tags there are, and how many images of each album show them.
 *
 *	for each image:
 *		audit_count_image(counter, album);
 *		for each of its tag images:
 *			audit_count_tag(counter, &tag_id, &tag);
 *	for each album, ascending:
 *		audit_count_album(counter, album, &counts);
 *	audit_count_all(counter, &all);
 */

struct audit_counter;

/* The tags and counts go into the arena. */
struct audit_counter *audit_count_new(struct arena *arena);
/* NULL is allowed. */
void audit_count_free(struct audit_counter *counter);

/* The next image; it is in the album with this number. */
void audit_count_image(struct audit_counter *counter, uint32_t album);
/* That image shows a tag. */
void audit_count_tag(struct audit_counter *counter, const struct body_text *id,
		     const struct body_object *tag);

/* The tags of one album, the most images first, then by id. Albums are asked for in ascending
 * order, each once, after the last image. */
void audit_count_album(struct audit_counter *counter, uint32_t album,
		       struct audit_counts *out);
/* The tags of all albums, after the last album. */
void audit_count_all(struct audit_counter *counter, struct audit_counts *out);

#endif
