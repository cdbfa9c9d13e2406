/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_SUM_H
#define DATA_INDEX_SUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * sum - a checksum of stored bytes, against bits that flip and not against people.
 * Each step can be undone, so a change within eight bytes always changes the 64-bit
 * state; of those, one in 2^32 is not seen in the 32 bits that are kept. Pure.
 */

/* The sum of what `so_far` stands for (0: nothing) with these bytes behind it. */
uint64_t sum_add(uint64_t so_far, const void *bytes, size_t len);
/* What is stored of it. */
uint32_t sum_end(uint64_t sum);

#endif
