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
		      size_t len, uint64_t images, uint64_t untagged, int64_t oldest)
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
		.oldest = oldest,
	};
	buf_add(&albums->ids, id, len);
}

/* By shard, then id; notes about one album in the order in which they were noted. */
static int compare(const void *left, const void *right, void *payload)
{
	const struct page_albums *albums = payload;
	const struct page_album *a = left, *b = right;
	int order = a->shard - b->shard;

	if (!order) {
		order = memcmp(albums->ids.data + a->id, albums->ids.data + b->id,
			       a->len < b->len ? a->len : b->len);
	}
	if (!order) {
		order = a->len - b->len;
	}
	return order ? order : (a->id > b->id) - (a->id < b->id);
}

static bool is_same(const struct page_albums *albums, const struct page_album *a,
		    const struct page_album *b)
{
	return a->shard == b->shard && a->len == b->len &&
	       memcmp(albums->ids.data + a->id, albums->ids.data + b->id, a->len) == 0;
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

		if (!is_same(albums, last, next)) {
			albums->album[++kept] = *next;
			continue;
		}
		last->images = next->images != PAGE_UNKNOWN ? next->images : last->images;
		if (next->untagged != PAGE_UNKNOWN) {
			last->untagged = next->untagged;
			last->oldest = next->oldest;
		}
	}
	albums->count = kept + 1;
}

int page_albums_finish(struct page_albums *albums)
{
	size_t kept = 0;
	int rc = 0;

	page_albums_sort(albums);
	for (size_t i = 0; i < albums->count; i++) {
		const struct page_album *album = &albums->album[i];

		if (album->images == 0) {
			continue;
		}
		if (album->images == PAGE_UNKNOWN || album->untagged == PAGE_UNKNOWN) {
			rc = -1;
		} else {
			albums->album[kept++] = *album;
		}
	}
	albums->count = kept;
	return rc;
}

static void add_count(struct buf *out, uint64_t count)
{
	if (count == PAGE_TOO_LARGE) {
		json_print_raw(out, NULL, NULL);
	} else {
		json_print_number(out, NULL, count);
	}
}

static void add_time(struct buf *out, int64_t time_s)
{
	if (time_s == PAGE_NO_TIME) {
		json_print_raw(out, NULL, NULL);
	} else {
		json_print_name(out, NULL);
		buf_addf(out, "%" PRId64, time_s);
	}
}

static int64_t read_time(const char *text)
{
	return *text == 'n' ? PAGE_NO_TIME : strtoll(text, NULL, 10);
}

static uint64_t read_count(const char *text)
{
	return *text == 'n' ? PAGE_TOO_LARGE : strtoull(text, NULL, 10);
}

void page_albums_add(struct buf *out, const struct page_albums *albums)
{
	buf_addch(out, '[');
	for (size_t i = 0; i < albums->count; i++) {
		const struct page_album *album = &albums->album[i];

		buf_addstr(out, i ? ",\n" : "\n");
		json_print_open(out, NULL, '[');
		json_print_bytes(out, NULL, albums->ids.data + album->id, album->len);
		add_count(out, album->images);
		add_count(out, album->untagged);
		add_time(out, album->oldest);
		buf_addch(out, ']');
	}
	buf_addch(out, ']');
}

/* Notes one row. False: it is not a row. */
static bool parse_row(struct page_albums *out, unsigned shard, const char *row,
		      size_t len, struct json_object *cells, struct buf *id)
{
	const struct json_member *cell;

	if (*row != '[') {
		return false;
	}
	json_elements(cells, row, len);
	cell = cells->member;
	buf_clear(id);
	if (cells->count != 4 || row[cell[0].value.off] != '"' ||
	    json_string(id, row + cell[0].value.off, cell[0].value.len) < 0 ||
	    id->len == 0 || id->len > RECORD_ID_MAX) {
		return false;
	}
	page_albums_note(
		out, shard, id->data, id->len, read_count(row + cell[1].value.off),
		read_count(row + cell[2].value.off), read_time(row + cell[3].value.off));
	return true;
}

int page_albums_parse(struct page_albums *out, unsigned shard, const char *text,
		      size_t len)
{
	struct buf canon = {0}, id = {0}, again = {0};
	struct json_object rows = {0}, cells = {0};
	struct json_value value;
	bool good = json_read(&canon, &value, text, len) == 0 && canon.len &&
		    canon.data[0] == '[';

	if (good) {
		json_elements(&rows, canon.data, canon.len);
	}
	for (size_t i = 0; good && i < rows.count; i++) {
		good = parse_row(out, shard, canon.data + rows.member[i].value.off,
				 rows.member[i].value.len, &cells, &id);
	}
	/* What we print has one form: numbers, white space, what follows the array. */
	page_albums_add(&again, out);
	good = good && again.len == len && memcmp(again.data, text, len) == 0;
	json_object_release(&rows);
	json_object_release(&cells);
	buf_release(&canon);
	buf_release(&id);
	buf_release(&again);
	return good ? 0 : -1;
}
