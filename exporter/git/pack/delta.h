/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_DELTA_H
#define EXPORTER_GIT_PACK_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * delta - git's deltas (gitformat-pack(5)): an object as what is copied from another one, its
 * base, and what is new. No I/O.
 */

/* The largest base, and the largest object, that deltas are made of. Whoever makes one holds
 * both, and the reader of the base may hold it twice. */
#define DELTA_BODY_MAX ((size_t)64 << 20)

/* Where the blocks of a base are, for the making of deltas. It needs half as much memory as
 * the base, or less. */
struct delta_index {
	/* All is private. */
	const uint8_t *base;
	size_t len;
	size_t block;      /* bytes */
	unsigned bits;     /* of a hash */
	uint32_t *first;   /* by hash: the first block, counted from 1; 0: none */
	uint32_t *next;    /* by block, from 0: the next one with the same hash */
	size_t cap, slots; /* room of the two arrays */
};

/* Indexes the base, which is borrowed as long as deltas are made of it. A zeroed index, or one
 * of another base, is given. At most DELTA_BODY_MAX bytes. */
void delta_index(struct delta_index *index, const void *base, size_t len);
void delta_index_release(struct delta_index *index);

/*
 * Appends the delta that makes `body` of the base. False: it would take more than `most`
 * bytes; then *delta is as it was. The same bytes give the same delta.
 */
bool delta_make(struct buf *delta, const struct delta_index *index, const void *body,
		size_t len, size_t most);

/* Reads the sizes that a delta begins with: of its base, and of the object that it makes.
 * Returns where its instructions begin; NULL: the sizes are out of bounds. */
const uint8_t *delta_sizes(size_t *base_len, size_t *len, const void *delta,
			   size_t delta_len);
/* Sets *out to what the instructions from `at` to `end` make of the base. False: they are
 * damaged, or make another number of bytes than `len`. */
bool delta_apply(struct buf *out, const void *base, size_t base_len, const uint8_t *at,
		 const uint8_t *end, size_t len);

/* Reads a number in groups of seven bits from *at on, the lowest first, adds it to *out
 * shifted by `shift`, and moves *at behind it. False: it does not end before `end`, or is
 * larger than any size. */
bool delta_read_size(size_t *out, const uint8_t **at, const uint8_t *end, unsigned shift);

#endif
