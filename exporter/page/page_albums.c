/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/page/page_albums.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "data/format/json_print.h"
#include "data/format/record.h"

void page_albums_release(struct page_albums *albums)
{
	free(albums->album);
	buf_release(&albums->ids);
	*albums = (struct page_albums){0};
}

void page_albums_note(struct page_albums *albums, unsigned shard, const char *id,
		      size_t len, uint64_t images, uint64_t untagged)
{
	assert(len <= RECORD_ID_MAX && albums->ids.len + len <= UINT32_MAX);
	albums->album =
		xgrow(albums->album, albums->count, &albums->cap, sizeof(*albums->album));
	assert(albums->album);
	albums->album[albums->count++] = (struct page_album){
		.id = (uint32_t)albums->ids.len,
		.len = (uint8_t)len,
		.shard = (uint8_t)shard,
		.images = images,
		.untagged = untagged,
	};
	buf_add(&albums->ids, id, len);
}

static int compare_ids(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare(const void *left, const void *right, void *payload)
{
	const struct page_albums *albums = payload;
	const struct page_album *a = left, *b = right;

	return a->shard != b->shard ? a->shard - b->shard
				    : compare_ids(albums->ids.data + a->id, a->len,
						  albums->ids.data + b->id, b->len);
}

void page_albums_sort(struct page_albums *albums)
{
	size_t kept = 0;

	if (!albums->count) {
		return;
	}
	qsort_r(albums->album, albums->count, sizeof(*albums->album), compare, albums);
	for (size_t i = 1; i < albums->count; i++) {
		struct page_album *last = &albums->album[kept], *next = &albums->album[i];

		if (compare(last, next, albums) != 0) {
			albums->album[++kept] = *next;
			continue;
		}
		last->images = next->images != PAGE_UNKNOWN ? next->images : last->images;
		last->untagged =
			next->untagged != PAGE_UNKNOWN ? next->untagged : last->untagged;
	}
	albums->count = kept + 1;
}

/* Adds an album of `from`, with counts of `old` (may be NULL) if its own are not known. False:
 * a count is not known. */
static bool add_merged(struct page_albums *out, const struct page_albums *from,
		       const struct page_album *album, const struct page_album *old)
{
	uint64_t images, untagged;

	assert(album);
	images = album->images;
	untagged = album->untagged;

	if (images == PAGE_UNKNOWN && old) {
		images = old->images;
	}
	if (untagged == PAGE_UNKNOWN && old) {
		untagged = old->untagged;
	}
	if (images == 0) {
		return true;
	}
	if (images == PAGE_UNKNOWN || untagged == PAGE_UNKNOWN) {
		return false;
	}
	page_albums_note(out, album->shard, from->ids.data + album->id, album->len,
			 images, untagged);
	return true;
}

int page_albums_merge(struct page_albums *out, const struct page_albums *old,
		      const struct page_albums *noted, size_t from, size_t count)
{
	size_t end = from + count, at = 0, olds = old ? old->count : 0;
	bool good = true;

	while (at < olds || from < end) {
		const struct page_album *a = at < olds ? &old->album[at] : NULL;
		const struct page_album *b = from < end ? &noted->album[from] : NULL;
		int order;

		assert(a || b);
		if (a && b) {
			order = compare_ids(old->ids.data + a->id, a->len,
					    noted->ids.data + b->id, b->len);
		} else {
			order = a ? -1 : 1;
		}
		good &= order < 0 ? add_merged(out, old, a, NULL)
				  : add_merged(out, noted, b, order ? NULL : a);
		at += order <= 0;
		from += order >= 0;
	}
	return good ? 0 : -1;
}

uint64_t page_albums_untagged(const struct page_albums *albums, unsigned shard,
			      const char *id, size_t len)
{
	size_t low = 0, high = albums->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct page_album *album = &albums->album[middle];
		int order = album->shard != shard
				    ? (int)shard - album->shard
				    : compare_ids(id, len, albums->ids.data + album->id,
						  album->len);

		if (order == 0) {
			return album->untagged == PAGE_UNKNOWN ? 0 : album->untagged;
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return 0;
}

void page_albums_add(struct buf *out, const struct page_albums *albums)
{
	buf_addch(out, '[');
	for (size_t i = 0; i < albums->count; i++) {
		const struct page_album *album = &albums->album[i];

		buf_addstr(out, i ? ",\n" : "\n");
		json_print_open(out, NULL, '[');
		json_print_bytes(out, NULL, albums->ids.data + album->id, album->len);
		json_print_number(out, NULL, album->images);
		json_print_number(out, NULL, album->untagged);
		buf_addch(out, ']');
	}
	buf_addch(out, ']');
}

static bool read_count(uint64_t *out, const char *text, size_t len)
{
	if (len == 0 || len > 18 || strspn(text, "0123456789") != len) {
		return false;
	}
	*out = strtoull(text, NULL, 10);
	return true;
}

/* Notes one row. False: it is not a row, or not after the one before. */
static bool parse_row(struct page_albums *out, unsigned shard, const char *row,
		      size_t len, struct json_object *cells, struct buf *id)
{
	const struct page_album *last = out->count ? &out->album[out->count - 1] : NULL;
	uint64_t images, untagged;

	if (*row != '[') {
		return false;
	}
	json_elements(cells, row, len);
	buf_clear(id);
	if (cells->count != 3 || row[cells->member[0].value.off] != '"' ||
	    json_string(id, row + cells->member[0].value.off,
			cells->member[0].value.len) < 0 ||
	    id->len == 0 || id->len > RECORD_ID_MAX ||
	    !read_count(&images, row + cells->member[1].value.off,
			cells->member[1].value.len) ||
	    !read_count(&untagged, row + cells->member[2].value.off,
			cells->member[2].value.len) ||
	    (last &&
	     compare_ids(out->ids.data + last->id, last->len, id->data, id->len) >= 0)) {
		return false;
	}
	page_albums_note(out, shard, id->data, id->len, images, untagged);
	return true;
}

int page_albums_parse(struct page_albums *out, unsigned shard, const char *text,
		      size_t len)
{
	struct buf canon = {0}, id = {0};
	struct json_object rows = {0}, cells = {0};
	struct json_value value;
	bool good = json_read(&canon, &value, text, len) == 0 && value.end == len &&
		    canon.len && canon.data[0] == '[';

	if (good) {
		json_elements(&rows, canon.data, canon.len);
	}
	for (size_t i = 0; good && i < rows.count; i++) {
		good = parse_row(out, shard, canon.data + rows.member[i].value.off,
				 rows.member[i].value.len, &cells, &id);
	}
	json_object_release(&rows);
	json_object_release(&cells);
	buf_release(&canon);
	buf_release(&id);
	return good ? 0 : -1;
}
