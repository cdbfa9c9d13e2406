/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/paths.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_BYTES 65536 /* memory that paths_clear keeps for the next time */

/* FNV-1a: paths are short and come from our own folder. */
static uint64_t hash(const char *path, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ (unsigned char)path[i]) * 0x100000001b3u;
	}
	return h ^ (h >> 29);
}

/* The slot that holds the path, or the free one where it goes. */
static uint64_t *slot_of(const struct paths *paths, const char *path, size_t len)
{
	size_t mask = paths->slot_count - 1;
	size_t i = hash(path, len) & mask;

	for (; paths->slots[i]; i = (i + 1) & mask) {
		const char *entry = paths->text.data + paths->slots[i] - 1;

		if (be32_get(entry) == len && memcmp(entry + 4, path, len) == 0) {
			break;
		}
	}
	return &paths->slots[i];
}

static void grow_slots(struct paths *paths)
{
	uint64_t *old = paths->slots;
	size_t old_count = paths->slot_count;

	paths->slot_count = old_count ? 2 * old_count : 64;
	paths->slots = xzalloc(paths->slot_count * sizeof(*paths->slots));
	for (size_t i = 0; i < old_count; i++) {
		if (old[i]) {
			const char *entry = paths->text.data + old[i] - 1;

			*slot_of(paths, entry + 4, be32_get(entry)) = old[i];
		}
	}
	free(old);
}

bool paths_add(struct paths *paths, const char *path, size_t len)
{
	uint64_t *slot;

	if (2 * (paths->slots_used + 1) > paths->slot_count) {
		grow_slots(paths);
	}
	slot = slot_of(paths, path, len);
	if (*slot) {
		return false;
	}
	*slot = paths->text.len + 1;
	paths->slots_used++;
	paths_append(paths, path, len);
	return true;
}

void paths_append(struct paths *paths, const char *path, size_t len)
{
	buf_addu32(&paths->text, (uint32_t)len);
	buf_add(&paths->text, path, len);
	buf_addch(&paths->text, '\0');
	paths->count++;
}

bool paths_next(const struct paths *paths, size_t *at, const char **path, size_t *len)
{
	if (*at >= paths->text.len) {
		return false;
	}
	*len = be32_get(paths->text.data + *at);
	*path = paths->text.data + *at + 4;
	*at += 4 + *len + 1;
	return true;
}

void paths_clear(struct paths *paths)
{
	if (paths->text.cap > KEEP_BYTES) {
		paths_release(paths);
		return;
	}
	buf_clear(&paths->text);
	paths->count = 0;
	paths->slots_used = 0;
	if (paths->slots) {
		memset(paths->slots, 0, paths->slot_count * sizeof(*paths->slots));
	}
}

void paths_release(struct paths *paths)
{
	buf_release(&paths->text);
	free(paths->slots);
	*paths = (struct paths){0};
}
