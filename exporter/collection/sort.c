/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/collection/sort.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "exporter/git/pack/spill.h"

#define MEMORY ((size_t)16 << 20)
#define CHUNK ((size_t)64 << 10) /* what is read of a run at once */

/* In front of each item, in memory and in the file. */
struct header {
	uint32_t key_len, len;
};

/* Sorted items, somewhere in the file or all of those in memory. */
struct run {
	uint64_t at, end; /* what is left of it in the file */
	struct buf text;  /* what was read of it; items begin at `item` */
	size_t item;
};

struct sort {
	struct spill spill;
	size_t memory;
	struct buf items; /* headers, keys and texts that are not in the file */
	size_t *item;     /* offsets of them */
	size_t count, cap;
	/* The merge: runs by their first item, a binary heap. */
	struct run *run;
	size_t runs;
	size_t *heap;
	size_t heap_len;
	bool merging, given;
};

struct sort *sort_new(const char *folder)
{
	struct sort *sort = xzalloc(sizeof(*sort));

	sort->spill.dir = folder;
	sort->memory = MEMORY;
	return sort;
}

void sort_set_memory(struct sort *sort, size_t bytes)
{
	sort->memory = bytes;
}

static struct sort_item item_at(const char *at)
{
	struct header header;

	memcpy(&header, at, sizeof(header));
	at += sizeof(header);
	return (struct sort_item){
		.key = at,
		.text = at + header.key_len,
		.key_len = header.key_len,
		.len = header.len,
	};
}

static size_t item_size(const struct sort_item *item)
{
	return sizeof(struct header) + item->key_len + item->len;
}

static int compare_items(const struct sort_item *a, const struct sort_item *b)
{
	size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(a->key, b->key, len);

	return order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static int compare_offsets(const void *left, const void *right, void *payload)
{
	const struct sort *sort = payload;
	size_t a = *(const size_t *)left, b = *(const size_t *)right;
	struct sort_item x = item_at(sort->items.data + a);
	struct sort_item y = item_at(sort->items.data + b);
	int order = compare_items(&x, &y);

	return order ? order : (a > b) - (a < b);
}

/* Writes the items in memory as a run. */
static void write_run(struct sort *sort)
{
	uint64_t from = spill_length(&sort->spill);

	if (sort->count) {
		qsort_r(sort->item, sort->count, sizeof(*sort->item), compare_offsets,
			sort);
	}
	for (size_t i = 0; i < sort->count; i++) {
		const char *at = sort->items.data + sort->item[i];
		struct sort_item item = item_at(at);

		spill_add(&sort->spill, at, item_size(&item));
	}
	buf_clear(&sort->items);
	sort->count = 0;
	sort->run = xreallocarray(sort->run, sort->runs + 1, sizeof(*sort->run));
	sort->run[sort->runs++] =
		(struct run){.at = from, .end = spill_length(&sort->spill)};
}

void sort_add(struct sort *sort, const void *key, size_t key_len, const void *text,
	      size_t len)
{
	struct header header = {(uint32_t)key_len, (uint32_t)len};

	if (sort->items.len > sort->memory) {
		write_run(sort);
	}
	sort->item = xgrow(sort->item, sort->count, &sort->cap, sizeof(*sort->item));
	sort->item[sort->count++] = sort->items.len;
	buf_add(&sort->items, &header, sizeof(header));
	buf_add(&sort->items, key, key_len);
	buf_add(&sort->items, text, len);
}

/* Has at least `len` bytes of the run in memory, from its first item on. */
static int read_run(struct sort *sort, struct run *run, size_t len, struct err *err)
{
	size_t have = run->text.len - run->item;
	size_t more = len > CHUNK ? len : CHUNK;

	if (have >= len) {
		return 0;
	}
	if (have) {
		memmove(run->text.data, run->text.data + run->item, have);
	}
	buf_setlen(&run->text, have);
	run->item = 0;
	more -= have;
	if (more > run->end - run->at) {
		more = (size_t)(run->end - run->at);
	}
	run->at += more;
	return spill_read(&sort->spill, &run->text, run->at - more, more, err);
}

/* Has the first item of the run in memory. ERR_NOTFOUND: there is none any more. */
static int first_item(struct sort *sort, struct run *run, struct err *err)
{
	struct sort_item item;
	int rc;

	if (run->item == run->text.len && run->at == run->end) {
		return ERR_NOTFOUND;
	}
	rc = read_run(sort, run, sizeof(struct header), err);
	if (!rc) {
		item = item_at(run->text.data + run->item);
		rc = read_run(sort, run, item_size(&item), err);
	}
	return rc;
}

/* Whether the first item of run `a` comes before that of `b`. */
static bool is_before(const struct sort *sort, size_t a, size_t b)
{
	struct sort_item x = item_at(sort->run[a].text.data + sort->run[a].item);
	struct sort_item y = item_at(sort->run[b].text.data + sort->run[b].item);
	int order = compare_items(&x, &y);

	return order ? order < 0 : a < b;
}

/* Moves the run at heap[i] down to where it belongs. */
static void sink_run(struct sort *sort, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1, run = sort->heap[i];

		if (child + 1 < sort->heap_len &&
		    is_before(sort, sort->heap[child + 1], sort->heap[child])) {
			child++;
		}
		if (child >= sort->heap_len || is_before(sort, run, sort->heap[child])) {
			return;
		}
		sort->heap[i] = sort->heap[child];
		sort->heap[child] = run;
		i = child;
	}
}

static int begin_merge(struct sort *sort, struct err *err)
{
	int rc = 0;

	sort->merging = true;
	write_run(sort);
	free(sort->item);
	sort->item = NULL;
	buf_release(&sort->items);
	sort->heap = xreallocarray(NULL, sort->runs, sizeof(*sort->heap));
	for (size_t i = 0; !rc && i < sort->runs; i++) {
		rc = first_item(sort, &sort->run[i], err);
		if (!rc) {
			sort->heap[sort->heap_len++] = i;
		}
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	for (size_t i = sort->heap_len / 2; !rc && i-- > 0;) {
		sink_run(sort, i);
	}
	return rc;
}

/* Steps over the item that was given last. */
static int step(struct sort *sort, struct err *err)
{
	struct run *run = &sort->run[sort->heap[0]];
	struct sort_item item = item_at(run->text.data + run->item);
	int rc;

	run->item += item_size(&item);
	rc = first_item(sort, run, err);
	if (rc == ERR_NOTFOUND) {
		buf_release(&run->text);
		sort->heap[0] = sort->heap[--sort->heap_len];
		rc = 0;
	}
	if (!rc && sort->heap_len) {
		sink_run(sort, 0);
	}
	return rc;
}

int sort_next(struct sort *sort, struct sort_item *item, struct err *err)
{
	int rc = sort->given ? step(sort, err) : 0;

	sort->given = false;
	if (!sort->merging) {
		rc = begin_merge(sort, err);
	}
	if (rc || !sort->heap_len) {
		return rc ? rc : ERR_NOTFOUND;
	}
	const struct run *run = &sort->run[sort->heap[0]];

	*item = item_at(run->text.data + run->item);
	sort->given = true;
	return 0;
}

void sort_free(struct sort *sort)
{
	if (!sort) {
		return;
	}
	for (size_t i = 0; i < sort->runs; i++) {
		buf_release(&sort->run[i].text);
	}
	free(sort->run);
	free(sort->heap);
	free(sort->item);
	buf_release(&sort->items);
	spill_release(&sort->spill);
	free(sort);
}
