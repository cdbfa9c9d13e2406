/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_ARENA_H
#define DATA_BASE_ARENA_H

#include <stddef.h>

/*
 * arena - many small allocations that are freed together. Each stays where it is until
 * then. Zeroed is an empty arena.
 *
 *	struct arena arena = {0};
 *	const char *id = arena_text(&arena, text, len);
 *	...
 *	arena_release(&arena);
 */

struct arena {
	struct arena_block *block; /* the newest; it links to the others */
	size_t used, size;         /* bytes of the newest */
};

/* `size` bytes, aligned for pointers and 64-bit numbers, not zeroed. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy of `len` bytes with a NUL behind it. */
char *arena_text(struct arena *arena, const char *text, size_t len);

/* Frees all allocations; keeps one block to be used again. */
void arena_clear(struct arena *arena);
/* Frees everything; the arena is as good as zeroed. */
void arena_release(struct arena *arena);

#endif
