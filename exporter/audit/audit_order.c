/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_order.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"

static int compare_order(const struct audit_image *a, const struct audit_image *b)
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
	return compare_order(a, b);
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
		    compare_order(counts->oldest, audit->all.oldest) < 0) {
			audit->all.oldest = counts->oldest;
		}
	}
}

static int compare_rows(const void *a, const void *b)
{
	const struct audit_row *x = a, *y = b;

	return compare_order(x->image, y->image);
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

/* --- orders for people --- */

#define ALBUMS 1u
#define IMAGES 2u
static const struct {
	const char *name;
	unsigned of;
} by_table[] = {
	[AUDIT_BY_UNTAGGED] = {"untagged", ALBUMS},
	[AUDIT_BY_SHARE] = {"share", ALBUMS},
	[AUDIT_BY_IMAGES] = {"images", ALBUMS},
	[AUDIT_BY_SINCE] = {"since", ALBUMS | IMAGES},
	[AUDIT_BY_CREATED] = {"created", IMAGES},
	[AUDIT_BY_ALBUM] = {"album", ALBUMS | IMAGES},
	[AUDIT_BY_IMAGE] = {"image", IMAGES},
};
#define BYS (sizeof(by_table) / sizeof(*by_table))

int audit_order_by(enum audit_by *out, const char *name, bool images, struct err *err)
{
	unsigned of = images ? IMAGES : ALBUMS;
	struct buf known = {0};

	*out = images ? AUDIT_BY_SINCE : AUDIT_BY_UNTAGGED;
	if (!name) {
		return 0;
	}
	for (size_t i = 0; i < BYS; i++) {
		if (by_table[i].of & of) {
			if (strcmp(name, by_table[i].name) == 0) {
				*out = (enum audit_by)i;
				buf_release(&known);
				return 0;
			}
			buf_addf(&known, " %s", by_table[i].name);
		}
	}
	err_set(err, ERR_USAGE, "--sort is '%s'; %s can be sorted by one of:%s", name,
		images ? "images" : "albums", known.data);
	buf_release(&known);
	return ERR_USAGE;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

/* Images without an untagged one come last. */
static int compare_oldest(const struct audit_image *a, const struct audit_image *b)
{
	return a && b ? compare_order(a, b) : (a ? 0 : 1) - (b ? 0 : 1);
}

static int compare_albums(const void *a, const void *b, void *by)
{
	const struct audit_album *x = a, *y = b;
	const struct audit_counts *of = &x->counts, *than = &y->counts;
	int order = 0;

	switch (*(const enum audit_by *)by) {
	case AUDIT_BY_SHARE:
		order = compare_numbers(of->untagged * than->images,
					than->untagged * of->images);
		break;
	case AUDIT_BY_IMAGES:
		order = compare_numbers(of->images, than->images);
		break;
	case AUDIT_BY_SINCE:
		order = compare_oldest(of->oldest, than->oldest);
		break;
	case AUDIT_BY_ALBUM:
		order = strcmp(x->id, y->id);
		break;
	default:
		break;
	}
	order = order ? order : compare_numbers(of->untagged, than->untagged);
	return order ? order : strcmp(x->id, y->id);
}

void audit_order_albums(struct audit *audit, enum audit_by by)
{
	qsort_r(audit->album, audit->album_count, sizeof(*audit->album), compare_albums,
		&by);
}

static int compare_created(const struct audit_image *a, const struct audit_image *b)
{
	int order = stamp_is_absent(&a->created) - stamp_is_absent(&b->created);

	return order ? order : stamp_compare(&a->created, &b->created);
}

static int compare_rows_by(const void *a, const void *b, void *by)
{
	const struct audit_row *x = a, *y = b;
	int order = 0;

	switch (*(const enum audit_by *)by) {
	case AUDIT_BY_CREATED:
		order = compare_created(x->image, y->image);
		break;
	case AUDIT_BY_ALBUM:
		order = strcmp(x->album->id, y->album->id);
		break;
	case AUDIT_BY_IMAGE:
		order = strcmp(x->image->id, y->image->id);
		break;
	default:
		break;
	}
	return order ? order : compare_order(x->image, y->image);
}

void audit_order_rows(struct audit_row *row, uint64_t count, enum audit_by by)
{
	qsort_r(row, count, sizeof(*row), compare_rows_by, &by);
}
