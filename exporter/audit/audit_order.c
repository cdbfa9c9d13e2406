/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_order.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"

int audit_order_compare(const struct audit_image *a, const struct audit_image *b)
{
	int order;

	if (a->from_s != b->from_s) {
		return a->from_s < b->from_s ? -1 : 1;
	}
	if (a->earlier != b->earlier) {
		return a->earlier ? -1 : 1;
	}
	order = stamp_compare(&a->created, &b->created);
	return order ? order : strcmp(a->id, b->id);
}

static int compare_images(const void *a, const void *b)
{
	return audit_order_compare(a, b);
}

void audit_order_oldest(struct audit *audit)
{
	audit->all.oldest = NULL;
	for (size_t i = 0; i < audit->album_count; i++) {
		struct audit_album *album = &audit->album[i];
		struct audit_counts *counts = &album->counts;

		counts->oldest = NULL;
		if (!counts->untagged) {
			continue;
		}
		qsort(album->image, counts->untagged, sizeof(*album->image),
		      compare_images);
		counts->oldest = album->image;
		if (!audit->all.oldest ||
		    audit_order_compare(counts->oldest, audit->all.oldest) < 0) {
			audit->all.oldest = counts->oldest;
		}
	}
}

static int compare_rows(const void *a, const void *b)
{
	const struct audit_row *x = a, *y = b;

	return audit_order_compare(x->image, y->image);
}

struct audit_row *audit_order_images(const struct audit *audit)
{
	struct audit_row *row =
		xreallocarray(NULL, audit->all.untagged + 1, sizeof(*row));
	size_t count = 0;

	for (size_t i = 0; i < audit->album_count; i++) {
		const struct audit_album *album = &audit->album[i];

		for (uint64_t j = 0; j < album->counts.untagged; j++) {
			row[count++] = (struct audit_row){album, &album->image[j]};
		}
	}
	qsort(row, count, sizeof(*row), compare_rows);
	return row;
}
