/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/notes.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"

static struct body_text copy(struct notes *notes, const struct body_text *text)
{
	return (struct body_text){arena_text(&notes->arena, text->data, text->len),
				  text->len};
}

void notes_add(struct notes *notes, const struct note *note)
{
	notes->note = xgrow(notes->note, notes->count, &notes->cap, sizeof(*notes->note));
	notes->note[notes->count++] = (struct note){
		.after = note->after,
		.id = copy(notes, &note->id),
		.of = copy(notes, &note->of),
		.text = copy(notes, &note->text),
	};
}

static int compare(const void *left, const void *right)
{
	const struct note *a = left, *b = right;
	size_t len = a->id.len < b->id.len ? a->id.len : b->id.len;
	int order = memcmp(a->id.data, b->id.data, len);

	if (!order) {
		order = (a->id.len > b->id.len) - (a->id.len < b->id.len);
	}
	return order ? order : a->after - b->after;
}

void notes_sort(struct notes *notes)
{
	if (notes->count) {
		qsort(notes->note, notes->count, sizeof(*notes->note), compare);
	}
}

const struct note *notes_find(const struct notes *notes, const struct body_text *id,
			      bool after)
{
	const struct note key = {.id = *id, .after = after};

	return notes->count ? bsearch(&key, notes->note, notes->count,
				      sizeof(*notes->note), compare)
			    : NULL;
}

const struct note *notes_next(const struct notes *notes, size_t *at,
			      const struct note **before, const struct note **after)
{
	while (*at < notes->count) {
		const struct note *a = &notes->note[(*at)++];
		const struct note *b = a + 1;

		*before = a->after ? NULL : a;
		*after = a->after ? a : NULL;
		if (a->after || *at == notes->count || !b->after ||
		    !body_text_equal(&a->id, &b->id)) {
			return a;
		}
		++*at;
		*after = b;
		if (!body_text_equal(&a->text, &b->text) ||
		    !body_text_equal(&a->of, &b->of)) {
			return b;
		}
	}
	return NULL;
}

void notes_clear(struct notes *notes)
{
	notes->count = 0;
	arena_clear(&notes->arena);
}

void notes_release(struct notes *notes)
{
	free(notes->note);
	arena_release(&notes->arena);
	*notes = (struct notes){0};
}
