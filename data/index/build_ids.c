/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/build_ids.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/threads.h"
#include "data/index/row.h"

/* A thread pays for this many ids. */
#define THREAD_FROM 4096
#define KINDS (ROW_ALBUM + 1)

/* An id. Most differ in their first eight bytes, so that the rest is not read. */
struct place {
	uint64_t first; /* big-endian; a shorter id is padded with zeros */
	uint32_t
		/* offset of the length of the id and its bytes after those, in units of
		 * four */
		at;
	uint32_t number;
};

#define FIRST sizeof(uint64_t)

struct list {
	struct buf bytes;
	struct place *place;
	size_t count, cap;
};

struct build_ids {
	struct list list[KINDS];
	size_t count;
	bool threaded;
	pthread_t thread;
};

struct build_ids *build_ids_new(void)
{
	return xzalloc(sizeof(struct build_ids));
}

/* Waits for the thread, if there is one. */
static void join(struct build_ids *ids)
{
	if (ids->threaded) {
		pthread_join(ids->thread, NULL);
		ids->threaded = false;
	}
}

static void free_list(struct list *list)
{
	buf_release(&list->bytes);
	free(list->place);
	*list = (struct list){0};
}

void build_ids_free(struct build_ids *ids)
{
	if (ids) {
		join(ids);
		for (unsigned kind = 0; kind < KINDS; kind++) {
			free_list(&ids->list[kind]);
		}
		free(ids);
	}
}

void build_ids_add(struct build_ids *ids, unsigned kind, const struct record_id *id,
		   uint64_t number)
{
	struct list *list = &ids->list[kind];
	size_t first_len = id->len < FIRST ? id->len : FIRST;
	unsigned char first[FIRST] = {0};

	list->place = xgrow(list->place, list->count, &list->cap, sizeof(*list->place));
	memcpy(first, id->bytes, first_len);
	list->place[list->count++] = (struct place){.first = be64_get(first),
						    .at = (uint32_t)(list->bytes.len / 4),
						    .number = (uint32_t)number};
	buf_addch(&list->bytes, (char)id->len);
	buf_add(&list->bytes, id->bytes + first_len, id->len - first_len);
	while (list->bytes.len % 4) {
		buf_addch(&list->bytes, '\0');
	}
	ids->count++;
}

static const char *bytes_of(const struct list *list, const struct place *place)
{
	return list->bytes.data + (size_t)place->at * 4;
}

static int by_id(const void *left, const void *right, void *payload)
{
	const struct place *a = left, *b = right;
	const char *p, *q;
	size_t p_len, q_len, both;
	int order = 0;

	if (a->first != b->first) {
		return a->first < b->first ? -1 : 1;
	}
	p = bytes_of(payload, a);
	q = bytes_of(payload, b);
	p_len = (unsigned char)*p;
	q_len = (unsigned char)*q;
	both = p_len < q_len ? p_len : q_len;
	if (both > FIRST) {
		order = memcmp(p + 1, q + 1, both - FIRST);
	}
	return order ? order : (p_len > q_len) - (p_len < q_len);
}

static void *sort(void *payload)
{
	struct build_ids *ids = payload;

	for (unsigned kind = 0; kind < KINDS; kind++) {
		struct list *list = &ids->list[kind];

		if (list->count) {
			qsort_r(list->place, list->count, sizeof(*list->place), by_id,
				list);
		}
	}
	return NULL;
}

void build_ids_sort(struct build_ids *ids)
{
	if (ids->count >= THREAD_FROM && threads_pay()) {
		ids->threaded = threads_start(&ids->thread, sort, ids);
	}
	if (!ids->threaded) {
		sort(ids);
	}
}

int build_ids_each(struct build_ids *ids, build_ids_fn *each, void *payload)
{
	int rc = 0;

	join(ids);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		struct list *list = &ids->list[kind];

		for (size_t i = 0; rc == 0 && i < list->count; i++) {
			const struct place *place = &list->place[i];
			const char *p = bytes_of(list, place);
			size_t len = (unsigned char)*p;
			char id[RECORD_ID_MAX];

			be64_put(id, place->first);
			if (len > FIRST) {
				memcpy(id + FIRST, p + 1, len - FIRST);
			}
			rc = each(kind, id, len, place->number, payload);
		}
		free_list(list);
	}
	return rc;
}
