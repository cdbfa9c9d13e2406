/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/set.h"

#include <assert.h>
#include <stdlib.h>

#include "data/base/buf.h"

/* Where `n` is, or the free slot where it would go. Numbers are often
 * consecutive; the multiplication (2^64 / golden ratio) spreads them. */
static size_t find(const struct set *set, uint64_t n)
{
	size_t mask = set->slots - 1;
	size_t i = (size_t)((n * 0x9e3779b97f4a7c15u) >> 32) & mask;

	while (set->slot[i] && set->slot[i] != n) {
		i = (i + 1) & mask;
	}
	return i;
}

static void grow(struct set *set)
{
	struct set bigger = {.slots = set->slots ? set->slots * 2 : 16};

	bigger.slot = xzalloc(bigger.slots * sizeof(*bigger.slot));
	for (size_t i = 0; i < set->slots; i++) {
		if (set->slot[i]) {
			bigger.slot[find(&bigger, set->slot[i])] = set->slot[i];
		}
	}
	bigger.count = set->count;
	free(set->slot);
	*set = bigger;
}

bool set_add(struct set *set, uint64_t n)
{
	size_t i;

	assert(n);
	if (set->count * 2 >= set->slots) {
		grow(set);
	}
	i = find(set, n);
	if (set->slot[i]) {
		return false;
	}
	set->slot[i] = n;
	set->count++;
	return true;
}

bool set_has(const struct set *set, uint64_t n)
{
	return set->slots && set->slot[find(set, n)] == n;
}

void set_release(struct set *set)
{
	if (set) {
		free(set->slot);
		*set = (struct set){0};
	}
}
