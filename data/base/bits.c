/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/bits.h"

#include <assert.h>
#include <stdlib.h>

#include "data/base/buf.h"

#define WORD 64

/* The word of the number, or NULL. */
static struct bits_word *find(const struct bits *set, uint64_t n)
{
	uint64_t place = n / WORD;
	uint32_t hash, found;
	size_t at = 0;

	if (set->count && set->word[set->last].place == place) {
		return &set->word[set->last];
	}
	hash = hash_number(place);
	do {
		found = hash_next(&set->words, hash, &at);
	} while (found && set->word[found - 1].place != place);
	return found ? &set->word[found - 1] : NULL;
}

bool bits_has(const struct bits *set, uint64_t n)
{
	const struct bits_word *word = find(set, n);

	return word && word->bits >> n % WORD & 1;
}

void bits_put(struct bits *set, uint64_t n)
{
	struct bits_word *word = find(set, n);

	assert(n <= UINT32_MAX);
	if (!word) {
		set->word = xgrow(set->word, set->count, &set->cap, sizeof(*set->word));
		word = &set->word[set->count++];
		*word = (struct bits_word){.place = (uint32_t)(n / WORD)};
		hash_add(&set->words, hash_number(n / WORD), (uint32_t)set->count);
	}
	word->bits |= UINT64_C(1) << n % WORD;
	set->last = (size_t)(word - set->word);
}

void bits_release(struct bits *set)
{
	hash_release(&set->words);
	free(set->word);
	*set = (struct bits){0};
}
