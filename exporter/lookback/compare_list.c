/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "exporter/lookback/compare_inner.h"

static size_t keep(struct buf *pool, const struct body_text *text)
{
	size_t off = pool->len;

	if (text->len) {
		buf_add(pool, text->data, text->len);
	}
	buf_addch(pool, '\0');
	return off;
}

void compare_list_add(struct compare_list *list, bool after, const struct body_text *id,
		      const struct body_text *album, const struct body_text *text)
{
	struct compare_record *record;

	if (list->count == list->cap) {
		list->cap += list->cap / 2 + 64;
		list->record =
			xreallocarray(list->record, list->cap, sizeof(*list->record));
	}
	record = &list->record[list->count++];
	*record = (struct compare_record){
		.id_len = id->len,
		.album_len = album->len,
		.text_len = text->len,
		.after = after,
	};
	record->id = keep(&list->pool, id);
	record->album = keep(&list->pool, album);
	record->text = keep(&list->pool, text);
}

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_records(const void *left, const void *right, void *pool)
{
	const struct compare_record *a = left, *b = right;
	const char *bytes = ((const struct buf *)pool)->data;
	int order = compare_bytes(bytes + a->id, a->id_len, bytes + b->id, b->id_len);

	return order ? order : a->after - b->after;
}

void compare_list_sort(struct compare_list *list)
{
	if (list->count) {
		qsort_r(list->record, list->count, sizeof(*list->record), compare_records,
			&list->pool);
	}
}

struct body_text compare_list_text(const struct compare_list *list, size_t off,
				   size_t len)
{
	return (struct body_text){list->pool.data + off, len};
}

static bool same(const struct compare_list *list, size_t a, size_t a_len, size_t b,
		 size_t b_len)
{
	const char *bytes = list->pool.data;

	return compare_bytes(bytes + a, a_len, bytes + b, b_len) == 0;
}

const struct compare_record *compare_list_next(const struct compare_list *list,
					       size_t *at,
					       const struct compare_record **before,
					       const struct compare_record **after)
{
	while (*at < list->count) {
		const struct compare_record *a = &list->record[(*at)++];
		const struct compare_record *b = a + 1;

		*before = a->after ? NULL : a;
		*after = a->after ? a : NULL;
		if (a->after || *at == list->count || !b->after ||
		    !same(list, a->id, a->id_len, b->id, b->id_len)) {
			return a;
		}
		++*at;
		*after = b;
		if (!same(list, a->text, a->text_len, b->text, b->text_len) ||
		    !same(list, a->album, a->album_len, b->album, b->album_len)) {
			return b;
		}
	}
	return NULL;
}

void compare_list_release(struct compare_list *list)
{
	free(list->record);
	buf_release(&list->pool);
	*list = (struct compare_list){0};
}
