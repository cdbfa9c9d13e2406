/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"

#define BLOCK_BYTES ((size_t)64 << 10)

struct arena_block {
	struct arena_block *next;
	uint64_t bytes[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t unit = sizeof(uint64_t);
	void *at;

	size = (size + unit - 1) / unit * unit;
	if (!arena->block || arena->size - arena->used < size) {
		size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
		struct arena_block *block = xmalloc(sizeof(*block) + room);

		block->next = arena->block;
		*arena = (struct arena){.block = block, .size = room};
	}
	at = (char *)arena->block->bytes + arena->used;
	arena->used += size;
	return at;
}

char *arena_text(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len) {
		memcpy(copy, text, len);
	}
	copy[len] = '\0';
	return copy;
}

static void free_blocks(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void arena_clear(struct arena *arena)
{
	if (arena->block) {
		free_blocks(arena->block->next);
		arena->block->next = NULL;
		arena->used = 0;
	}
}

void arena_release(struct arena *arena)
{
	free_blocks(arena->block);
	*arena = (struct arena){0};
}
