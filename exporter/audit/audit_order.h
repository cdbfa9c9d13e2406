/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_ORDER_H
#define EXPORTER_AUDIT_AUDIT_ORDER_H

#include "exporter/audit/audit.h"

/*
 * audit_order - the one order of untagged images, and lists in it.
 *
 *	struct audit_row *row = audit_order_images(audit);
 *	for (uint64_t i = 0; i < audit->all.untagged; i++) {
 *		... row[i].album->id, row[i].image->from_s ...
 *	}
 *	free(row);
 */

/* Negative: `a` has been untagged for longer than `b`. By audit_image::from_s; of equal ones,
 * an image that may have been so earlier comes first; then by (created_at, id). */
int audit_order_compare(const struct audit_image *a, const struct audit_image *b);

/* Brings the images of each album into that order, and sets audit_counts::oldest to the first
 * one, of each album and of all. audit_collect has called it. */
void audit_order_oldest(struct audit *audit);

struct audit_row {
	const struct audit_album *album;
	const struct audit_image *image;
};
/* The untagged images of all albums in that order: audit->all.untagged of them, 16 bytes each.
 * The caller frees the list. */
struct audit_row *audit_order_images(const struct audit *audit);

#endif
