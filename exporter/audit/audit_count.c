/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_count.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/hash.h"

/*
 * Images come in the order of their shards, which is random, so a count is kept for each
 * pair of album and tag that has been met: as a list of pairs, which is sorted and
 * added up whenever it is full. It grows only if less than half of it became free, so
 * it takes at most twice the memory that the result needs.
 */

struct pair {
	uint32_t album, tag; /* tag: its number in audit_counter::tag */
	uint32_t images;
};

struct tag {
	const struct audit_tag *tag;
	uint64_t image; /* the last one that shows it */
};

struct audit_counter {
	struct arena *arena;
	struct tag *tag;
	size_t tag_count, tag_cap;
	struct hash by_id; /* a tag's number + 1 */
	struct pair *pair;
	size_t count, cap;
	uint32_t album; /* of the current image */
	uint64_t image; /* the current image: they are counted from 1 */
	bool ended;     /* the pairs are added up for good */
	size_t at;      /* the first pair that audit_count_album has not given */
};

#define PAIRS_FIRST 4096

struct audit_counter *audit_count_new(struct arena *arena)
{
	struct audit_counter *counter = xzalloc(sizeof(*counter));

	counter->arena = arena;
	counter->cap = PAIRS_FIRST;
	counter->pair = xreallocarray(NULL, counter->cap, sizeof(*counter->pair));
	return counter;
}

void audit_count_free(struct audit_counter *counter)
{
	if (counter) {
		hash_release(&counter->by_id);
		free(counter->tag);
		free(counter->pair);
		free(counter);
	}
}

static const char *keep(struct arena *arena, struct body_text text)
{
	return text.data ? arena_text(arena, text.data, text.len) : NULL;
}

/* The number of the tag. */
static uint32_t number_of(struct audit_counter *counter, const struct body_text *id,
			  const struct body_object *object)
{
	uint32_t hash = hash_bytes(id->data, id->len, 0), number;
	struct audit_tag *tag;
	size_t at = 0;

	while ((number = hash_next(&counter->by_id, hash, &at))) {
		const char *known = counter->tag[number - 1].tag->id;

		if (strlen(known) == id->len && memcmp(known, id->data, id->len) == 0) {
			return number - 1;
		}
	}
	tag = arena_alloc(counter->arena, sizeof(*tag));
	*tag = (struct audit_tag){
		.id = keep(counter->arena, *id),
		.name = keep(counter->arena, body_string(object, "name")),
		.label = keep(counter->arena, body_string(object, "label")),
	};
	counter->tag = xgrow(counter->tag, counter->tag_count, &counter->tag_cap,
			     sizeof(*counter->tag));
	counter->tag[counter->tag_count++] = (struct tag){.tag = tag};
	hash_add(&counter->by_id, hash, (uint32_t)counter->tag_count);
	return (uint32_t)counter->tag_count - 1;
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

void audit_count_image(struct audit_counter *counter, uint32_t album)
{
	counter->album = album;
	counter->image++;
}

void audit_count_tag(struct audit_counter *counter, const struct body_text *id,
		     const struct body_object *tag)
{
	uint32_t number = number_of(counter, id, tag);

	/* Several tag images may show one tag. */
	if (counter->tag[number].image != counter->image) {
		counter->tag[number].image = counter->image;
		add_pair(counter, counter->album, number);
	}
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

void audit_count_album(struct audit_counter *counter, uint32_t album,
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

		out->tag[i] = (struct audit_tag_count){counter->tag[pair->tag].tag,
						       pair->images};
	}
	sort_counts(out);
}

void audit_count_all(struct audit_counter *counter, struct audit_counts *out)
{
	out->tag_count = counter->tag_count;
	out->tag = arena_alloc(counter->arena, out->tag_count * sizeof(*out->tag));
	for (size_t i = 0; i < counter->tag_count; i++) {
		out->tag[i] = (struct audit_tag_count){counter->tag[i].tag, 0};
	}
	for (size_t i = 0; i < counter->count; i++) {
		out->tag[counter->pair[i].tag].images += counter->pair[i].images;
	}
	sort_counts(out);
}
