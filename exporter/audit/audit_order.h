/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_ORDER_H
#define EXPORTER_AUDIT_AUDIT_ORDER_H

#include <stdbool.h>

#include "data/base/err.h"
#include "exporter/audit/audit.h"

/*
 * audit_order - the one order of untagged images, lists in it, and other orders for people. The
 * one that has been untagged for longest comes first, by audit_image::from_s; of equal ones, an
 * image that may have been so earlier; then by (created_at, id).
 *
 *	struct audit_row *row = audit_order_images(audit);
 *	for (uint64_t i = 0; i < audit->all.untagged; i++) {
 *		... row[i].album->id, row[i].image->from_s ...
 *	}
 *	free(row);
 */

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

/* What --sort names. Counts go from the most down, times from the longest ago, ids up by their
 * bytes; equal ones stay in the default order. */
enum audit_by {
	AUDIT_BY_UNTAGGED, /* albums: the default */
	AUDIT_BY_SHARE,    /* albums: untagged of images */
	AUDIT_BY_IMAGES,   /* albums */
	AUDIT_BY_SINCE, /* images: the default; albums: as their oldest, then those without */
	AUDIT_BY_CREATED, /* images; those that do not say come last */
	AUDIT_BY_ALBUM,   /* both */
	AUDIT_BY_IMAGE,   /* images */
};
/* Reads the name of an order of albums, or of images; NULL: their default. ERR_USAGE. */
int audit_order_by(enum audit_by *out, const char *name, bool images, struct err *err);
/* Sorts the albums of an audit, or rows of audit_order_images. */
void audit_order_albums(struct audit *audit, enum audit_by by);
void audit_order_rows(struct audit_row *row, uint64_t count, enum audit_by by);

#endif
