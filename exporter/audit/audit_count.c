/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/audit/audit_inner.h"

/*
 * How many images of each album show each tag. Images come in the order of their
 * shards, that is at random, so a count is kept for each pair of album and tag that
 * has been met: as a list of pairs, which is sorted and added up whenever it is
 * full. It is grown only when that did not empty half of it, so it has at most twice
 * the room that the result needs.
 */

struct tag {
	struct audit_tag tag; /* first: tsearch compares these */
	uint32_t number;
};

struct pair {
	uint32_t album, tag;
	uint32_t images;
};

struct audit_counter {
	struct arena *arena;
	void *by_id; /* tsearch: struct tag */
	const struct tag **tag;
	size_t tag_count, tag_cap;
	struct pair *pair;
	size_t count, cap;
	bool ended;     /* the pairs are added up for good */
	size_t at;      /* the first of them that audit_counter_album has not given */
	uint32_t *seen; /* tags of the image that is being counted */
	size_t seen_count, seen_cap;
};

#define PAIRS_FIRST 4096

struct audit_counter *audit_counter_new(struct arena *arena)
{
	struct audit_counter *counter = xzalloc(sizeof(*counter));

	counter->arena = arena;
	counter->cap = PAIRS_FIRST;
	counter->pair = xreallocarray(NULL, counter->cap, sizeof(*counter->pair));
	return counter;
}

static void keep_node(void *node)
{
	(void)node; /* it lives in the audit's arena */
}

void audit_counter_free(struct audit_counter *counter)
{
	if (counter) {
		tdestroy(counter->by_id, keep_node);
		free(counter->tag);
		free(counter->pair);
		free(counter->seen);
		free(counter);
	}
}

static int compare_tags(const void *a, const void *b)
{
	const struct audit_tag *const x = a, *const y = b;

	return strcmp(x->id, y->id);
}

static const char *keep(struct arena *arena, struct body_text text)
{
	return text.data ? arena_text(arena, text.data, text.len) : NULL;
}

/* The number of the tag. */
static uint32_t number_of(struct audit_counter *counter,
			  const struct audit_tagging *tagging)
{
	struct audit_tag key = {.id = tagging->tag};
	struct tag **found = tfind(&key, &counter->by_id, compare_tags);
	struct tag *tag;

	if (found) {
		return (*found)->number;
	}
	tag = arena_alloc(counter->arena, sizeof(*tag));
	tag->tag = (struct audit_tag){
		.id = arena_text(counter->arena, tagging->tag, strlen(tagging->tag)),
		.name = keep(counter->arena, tagging->name),
		.label = keep(counter->arena, tagging->label),
	};
	tag->number = (uint32_t)counter->tag_count;
	counter->tag = xgrow(counter->tag, counter->tag_count, &counter->tag_cap,
			     sizeof(struct tag *));
	counter->tag[counter->tag_count++] = tag;
	if (!tsearch(tag, &counter->by_id, compare_tags)) {
		abort(); /* out of memory, as in xmalloc */
	}
	return tag->number;
}

void audit_counter_see(struct audit_counter *counter, const struct audit_tagging *tagging)
{
	counter->seen = xgrow(counter->seen, counter->seen_count, &counter->seen_cap,
			      sizeof(*counter->seen));
	counter->seen[counter->seen_count++] = number_of(counter, tagging);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->album != y->album) {
		return x->album < y->album ? -1 : 1;
	}
	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

/* Sorts the pairs and makes those of one album and tag one. */
static void add_up(struct audit_counter *counter)
{
	size_t kept = 0;

	qsort(counter->pair, counter->count, sizeof(*counter->pair), compare_pairs);
	for (size_t i = 0; i < counter->count; i++) {
		struct pair *last = kept ? &counter->pair[kept - 1] : NULL;

		if (last && compare_pairs(last, &counter->pair[i]) == 0) {
			last->images += counter->pair[i].images;
		} else {
			counter->pair[kept++] = counter->pair[i];
		}
	}
	counter->count = kept;
}

static void add_pair(struct audit_counter *counter, uint32_t album, uint32_t tag)
{
	if (counter->count == counter->cap) {
		add_up(counter);
		if (counter->count > counter->cap / 2) {
			counter->cap *= 2;
			counter->pair = xreallocarray(counter->pair, counter->cap,
						      sizeof(*counter->pair));
		}
	}
	counter->pair[counter->count++] =
		(struct pair){.album = album, .tag = tag, .images = 1};
}

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void audit_counter_next(struct audit_counter *counter, uint32_t album)
{
	/* Several tag images may show one tag. */
	if (counter->seen_count > 1) {
		qsort(counter->seen, counter->seen_count, sizeof(*counter->seen),
		      compare_numbers);
	}
	for (size_t i = 0; i < counter->seen_count; i++) {
		if (i == 0 || counter->seen[i] != counter->seen[i - 1]) {
			add_pair(counter, album, counter->seen[i]);
		}
	}
	counter->seen_count = 0;
}

/* --- the result --- */

static int compare_counts(const void *a, const void *b)
{
	const struct audit_tag_count *x = a, *y = b;

	if (x->images != y->images) {
		return x->images > y->images ? -1 : 1;
	}
	return strcmp(x->tag->id, y->tag->id);
}

static void sort_counts(struct audit_counts *counts)
{
	if (counts->tag_count > 1) {
		qsort(counts->tag, counts->tag_count, sizeof(*counts->tag),
		      compare_counts);
	}
}

void audit_counter_album(struct audit_counter *counter, uint32_t album,
			 struct audit_counts *out)
{
	size_t begin, end;

	if (!counter->ended) {
		add_up(counter);
		counter->ended = true;
	}
	begin = end = counter->at;
	assert(begin == counter->count || counter->pair[begin].album >= album);
	while (end < counter->count && counter->pair[end].album == album) {
		end++;
	}
	counter->at = end;
	out->tag_count = end - begin;
	out->tag = arena_alloc(counter->arena, out->tag_count * sizeof(*out->tag));
	for (size_t i = 0; i < out->tag_count; i++) {
		const struct pair *pair = &counter->pair[begin + i];

		out->tag[i] = (struct audit_tag_count){&counter->tag[pair->tag]->tag,
						       pair->images};
	}
	sort_counts(out);
}

void audit_counter_all(struct audit_counter *counter, struct audit_counts *out)
{
	out->tag_count = counter->tag_count;
	out->tag = arena_alloc(counter->arena, out->tag_count * sizeof(*out->tag));
	for (size_t i = 0; i < counter->tag_count; i++) {
		out->tag[i] = (struct audit_tag_count){&counter->tag[i]->tag, 0};
	}
	for (size_t i = 0; i < counter->count; i++) {
		out->tag[counter->pair[i].tag].images += counter->pair[i].images;
	}
	sort_counts(out);
}
