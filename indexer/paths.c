/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/paths.h"

#include <assert.h>
#include <string.h>

#define KEEP_BYTES 65536 /* memory that paths_clear keeps for the next time */
#define STEP 4           /* entries begin at its multiples */

bool paths_add(struct paths *paths, const char *path, size_t len)
{
	uint32_t hash = hash_bytes(path, len, 0), place;
	size_t at = 0;

	while ((place = hash_next(&paths->set, hash, &at))) {
		const char *entry = paths->text.data + (place - 1) * STEP;

		if (be32_get(entry) == len && memcmp(entry + 4, path, len) == 0) {
			return false;
		}
	}
	assert(paths->text.len / STEP < UINT32_MAX);
	hash_add(&paths->set, hash, (uint32_t)(paths->text.len / STEP + 1));
	paths_append(paths, path, len);
	return true;
}

void paths_append(struct paths *paths, const char *path, size_t len)
{
	buf_addu32(&paths->text, (uint32_t)len);
	buf_add(&paths->text, path, len);
	do {
		buf_addch(&paths->text, '\0');
	} while (paths->text.len % STEP);
	paths->count++;
}

bool paths_next(const struct paths *paths, size_t *at, const char **path, size_t *len)
{
	if (*at >= paths->text.len) {
		return false;
	}
	*len = be32_get(paths->text.data + *at);
	*path = paths->text.data + *at + 4;
	*at += (4 + *len + STEP) / STEP * STEP;
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
	hash_clear(&paths->set);
}

void paths_release(struct paths *paths)
{
	buf_release(&paths->text);
	hash_release(&paths->set);
	*paths = (struct paths){0};
}
