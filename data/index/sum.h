/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_SUM_H
#define DATA_INDEX_SUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * sum - a checksum of stored bytes, against flipped bits and not against attackers.
 * Each step can be undone, so a change within eight bytes always changes the 64-bit
 * state; the 32 bits that are kept miss one such change in 2^32. Pure.
 */

/* The sum of the bytes that `so_far` stands for (0: none), followed by these bytes. */
uint64_t sum_add(uint64_t so_far, const void *bytes, size_t len);
/* The part that is stored. */
uint32_t sum_end(uint64_t sum);

#endif
