/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/delta.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * A delta is made from front to back. After a copy ends, each place of the body is looked up
 * in the index of the base's blocks. The longest match found is extended to both sides as far
 * as it goes, which in two versions of a body is to the next change. So nearly all of a body
 * is only compared.
 */

/* Blocks are larger in larger bodies, so that the index stays in the processor's cache. */
#define BLOCK_MIN 16
#define BLOCKS_MAX ((size_t)1 << 18)
/* At most so many blocks are compared with one place; a match of so many bytes is taken at
 * once. */
#define TRIED_MAX 64
#define LONG_ENOUGH 4096

/* An instruction copies up to 2^24 - 1 bytes from the first 2^32, or inserts up to 127. */
#define COPY_MAX 0xffffff
#define INSERT_MAX 127

/* --- the index of a base --- */

/* Blocks have the hash of Rabin and Karp: a polynomial, whose value for the next place
 * follows from its value for this one. */
#define FACTOR 0x9e3779b1u

static uint32_t hash_block(const uint8_t *at, size_t block)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < block; i++) {
		hash = hash * FACTOR + at[i];
	}
	return hash;
}

static uint32_t slot_of(const struct delta_index *index, uint32_t hash)
{
	return (hash ^ hash >> 15) * 0x85ebca6bu >> (32 - index->bits);
}

void delta_index(struct delta_index *index, const void *base, size_t len)
{
	size_t blocks;

	assert(len <= DELTA_BODY_MAX);
	index->base = base;
	index->len = len;
	index->block = BLOCK_MIN;
	while (len / index->block > BLOCKS_MAX) {
		index->block *= 2;
	}
	blocks = len / index->block;
	for (index->bits = 4; (size_t)1 << index->bits < blocks; index->bits++) {
	}
	if (blocks > index->cap) {
		index->next = xreallocarray(index->next, blocks, sizeof(*index->next));
		index->cap = blocks;
	}
	if ((size_t)1 << index->bits > index->slots) {
		index->slots = (size_t)1 << index->bits;
		index->first =
			xreallocarray(index->first, index->slots, sizeof(*index->first));
	}
	memset(index->first, 0, ((size_t)1 << index->bits) * sizeof(*index->first));
	for (size_t n = blocks; n-- > 0;) {
		uint32_t *first = &index->first[slot_of(
			index, hash_block(index->base + n * index->block, index->block))];

		index->next[n] = *first;
		*first = (uint32_t)n + 1;
	}
}

void delta_index_release(struct delta_index *index)
{
	free(index->first);
	free(index->next);
	*index = (struct delta_index){0};
}

/* --- making --- */

static void add_size(struct buf *out, size_t size)
{
	for (; size > 0x7f; size >>= 7) {
		buf_addch(out, (char)(0x80 | (size & 0x7f)));
	}
	buf_addch(out, (char)size);
}

static void add_insert(struct buf *out, const uint8_t *from, size_t len)
{
	while (len) {
		size_t part = len < INSERT_MAX ? len : INSERT_MAX;

		buf_addch(out, (char)part);
		buf_add(out, from, part);
		from += part;
		len -= part;
	}
}

/* The bytes of offset and length that are not 0 follow the first byte, whose bits name
 * them. */
static void add_copy(struct buf *out, size_t at, size_t len)
{
	while (len) {
		size_t part = len < COPY_MAX ? len : COPY_MAX;
		uint64_t number = (uint64_t)part << 32 | at;
		char bytes[8];
		size_t used = 1;

		bytes[0] = (char)0x80;
		for (unsigned i = 0; i < 7; i++, number >>= 8) {
			if (number & 0xff) {
				bytes[0] = (char)(bytes[0] | 1 << i);
				bytes[used++] = (char)(number & 0xff);
			}
		}
		buf_add(out, bytes, used);
		at += part;
		len -= part;
	}
}

/* How many bytes agree from two places on. */
static size_t agree(const uint8_t *a, const uint8_t *a_end, const uint8_t *b,
		    const uint8_t *b_end)
{
	size_t most = (size_t)(a_end - a < b_end - b ? a_end - a : b_end - b), n = 0;

	while (n + sizeof(uint64_t) <= most) {
		uint64_t left, right;

		memcpy(&left, a + n, sizeof(left));
		memcpy(&right, b + n, sizeof(right));
		if (left != right) {
			break;
		}
		n += sizeof(uint64_t);
	}
	while (n < most && a[n] == b[n]) {
		n++;
	}
	return n;
}

/* The longest match of what is at `at`; *from is where it is in the base. 0: there is none as
 * long as a block. */
static size_t find_match(size_t *from, const struct delta_index *index, uint32_t hash,
			 const uint8_t *at, const uint8_t *end)
{
	uint32_t n = index->first[slot_of(index, hash)];
	size_t longest = 0;

	for (unsigned tried = 0; n && tried < TRIED_MAX;
	     n = index->next[n - 1], tried++) {
		size_t start = (size_t)(n - 1) * index->block;
		size_t len =
			agree(index->base + start, index->base + index->len, at, end);

		if (len >= index->block && len > longest) {
			longest = len;
			*from = start;
			if (len >= LONG_ENOUGH) {
				break;
			}
		}
	}
	return longest;
}

bool delta_make(struct buf *delta, const struct delta_index *index, const void *body,
		size_t len, size_t most)
{
	const uint8_t *start = body, *at = start, *end = start + len;
	const uint8_t *new = start; /* what comes from here on is not in the delta yet */
	size_t before = delta->len, block = index->block;
	uint32_t hash = 0, oldest = 1; /* FACTOR to the power of block - 1 */
	bool hashed = false;

	for (size_t i = 1; i < block; i++) {
		oldest *= FACTOR;
	}
	add_size(delta, index->len);
	add_size(delta, len);
	while ((size_t)(end - at) >= block && delta->len - before <= most) {
		size_t from, length;

		hash = hashed ? hash : hash_block(at, block);
		length = find_match(&from, index, hash, at, end);
		if (!length) {
			if ((size_t)(at - new) > most) {
				break;
			}
			hashed = (size_t)(end - at) > block;
			if (hashed) {
				hash = (hash - *at * oldest) * FACTOR + at[block];
			}
			at++;
			continue;
		}
		while (from && at > new && index->base[from - 1] == at[-1]) {
			from--;
			at--;
			length++;
		}
		add_insert(delta, new, (size_t)(at - new));
		add_copy(delta, from, length);
		new = at += length;
		hashed = false;
	}
	add_insert(delta, new, (size_t)(end - new));
	if (delta->len - before > most) {
		buf_setlen(delta, before);
		return false;
	}
	return true;
}

/* --- applying --- */

bool delta_read_size(size_t *out, const uint8_t **at, const uint8_t *end, unsigned shift)
{
	uint8_t byte = 0x80;

	while (byte & 0x80) {
		/* Larger than any size that is written in messages. */
		if (*at == end || shift > 49 + 4) {
			return false;
		}
		byte = *(*at)++;
		*out |= (size_t)(byte & 0x7f) << shift;
		shift += 7;
	}
	return true;
}

const uint8_t *delta_sizes(size_t *base_len, size_t *len, const void *delta,
			   size_t delta_len)
{
	const uint8_t *at = delta, *end = at + delta_len;

	*base_len = *len = 0;
	return delta_read_size(base_len, &at, end, 0) && delta_read_size(len, &at, end, 0)
		       ? at
		       : NULL;
}

bool delta_apply(struct buf *out, const void *base, size_t base_len, const uint8_t *at,
		 const uint8_t *end, size_t len)
{
	buf_clear(out);
	buf_grow(out, len);
	while (at < end) {
		uint8_t op = *at++;
		size_t offset = 0, size = op;
		const uint8_t *source = at;

		if (op & 0x80) {
			size = 0;
			for (unsigned i = 0; i < 7; i++) {
				size_t byte = op >> i & 1 ? (at < end ? *at++ : 256) : 0;

				if (byte > 255) {
					return false;
				}
				offset |= i < 4 ? byte << 8 * i : 0;
				size |= i < 4 ? 0 : byte << 8 * (i - 4);
			}
			size = size ? size : 0x10000;
			if (offset > base_len || size > base_len - offset) {
				return false;
			}
			source = (const uint8_t *)base + offset;
		} else if (!size || size > (size_t)(end - at)) {
			return false;
		} else {
			at += size;
		}
		if (size > len - out->len) {
			return false;
		}
		buf_add(out, source, size);
	}
	return out->len == len;
}
