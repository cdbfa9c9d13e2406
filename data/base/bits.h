/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_BITS_H
#define DATA_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/hash.h"

/*
 * bits - a set of numbers up to UINT32_MAX that are mostly close together, as the records
 * of a file are: a bit each, in words of 64. A number that is alone in its word takes
 * about 30 bytes. Zeroed is the empty set.
 */

struct bits_word {
	uint32_t place; /* of number n: n / 64 */
	uint64_t bits;
};

struct bits {
	struct hash words; /* by place: an index of `word`, plus 1 */
	struct bits_word *word;
	size_t count, cap;
	size_t last; /* the word that was changed last */
};

bool bits_has(const struct bits *set, uint64_t n);
void bits_put(struct bits *set, uint64_t n);
void bits_release(struct bits *set);

#endif
