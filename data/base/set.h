/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_SET_H
#define DATA_BASE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * set - a set of numbers above 0: open addressing, at most half full. A zeroed
 * `struct set` is empty; small ones cost one allocation.
 */

struct set {
	uint64_t *slot; /* 0: free */
	size_t slots;   /* a power of two, or 0 */
	size_t count;
};

/* True if `n` was not in it yet. */
bool set_add(struct set *set, uint64_t n);
bool set_has(const struct set *set, uint64_t n);
/* Empty again. NULL is allowed. */
void set_release(struct set *set);

#endif
