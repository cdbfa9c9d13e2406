/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_ids.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t hash(const struct verify_ids *ids, const void *bytes, size_t len)
{
	const char *at = bytes;
	uint64_t h = ids->seed ^ len, word;

	for (; len; at += word, len -= word) {
		uint64_t part = 0;

		word = len < sizeof(part) ? len : sizeof(part);
		memcpy(&part, at, word);
		h = (h ^ part) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
		h = (h + ids->seed) * 0xbf58476d1ce4e5b9u;
		h ^= h >> 32;
	}
	return h;
}

/* Where the string is, or the free slot where it would go. */
static size_t find(const struct verify_ids *ids, const void *bytes, size_t len)
{
	size_t i = hash(ids, bytes, len) & (ids->slots - 1);

	while (ids->slot[i]) {
		size_t other_len;
		const char *other = verify_ids_get(ids, ids->slot[i], &other_len);

		if (other_len == len && memcmp(other, bytes, len) == 0) {
			break;
		}
		i = (i + 1) & (ids->slots - 1);
	}
	return i;
}

static void grow(struct verify_ids *ids)
{
	if (!ids->slots && getrandom(&ids->seed, sizeof(ids->seed), GRND_NONBLOCK) < 0) {
		ids->seed = (uint64_t)(uintptr_t)ids;
	}
	ids->slots = ids->slots ? ids->slots * 2 : 64;
	free(ids->slot);
	ids->slot = xzalloc(ids->slots * sizeof(*ids->slot));
	for (uint32_t n = 1; n <= ids->count; n++) {
		size_t len;
		const char *bytes = verify_ids_get(ids, n, &len);

		ids->slot[find(ids, bytes, len)] = n;
	}
}

uint32_t verify_ids_add(struct verify_ids *ids, const void *bytes, size_t len)
{
	unsigned char size[2] = {(unsigned char)(len >> 8), (unsigned char)len};
	size_t i;

	assert(len <= 0xffff);
	if (ids->count * 2 >= ids->slots) {
		grow(ids);
	}
	i = find(ids, bytes, len);
	if (!ids->slot[i]) {
		if (ids->count == ids->cap) {
			ids->cap = ids->cap ? ids->cap * 2 : 64;
			ids->at = xreallocarray(ids->at, ids->cap, sizeof(*ids->at));
		}
		assert(ids->count < UINT32_MAX);
		ids->at[ids->count++] = ids->bytes.len;
		buf_add(&ids->bytes, size, sizeof(size));
		buf_add(&ids->bytes, bytes, len);
		ids->slot[i] = (uint32_t)ids->count;
	}
	return ids->slot[i];
}

uint32_t verify_ids_find(const struct verify_ids *ids, const void *bytes, size_t len)
{
	return ids->slots ? ids->slot[find(ids, bytes, len)] : 0;
}

const char *verify_ids_get(const struct verify_ids *ids, uint32_t number, size_t *len)
{
	const unsigned char *at =
		(const unsigned char *)ids->bytes.data + ids->at[number - 1];

	*len = (size_t)at[0] << 8 | at[1];
	return (const char *)at + 2;
}

void verify_ids_release(struct verify_ids *ids)
{
	buf_release(&ids->bytes);
	free(ids->at);
	free(ids->slot);
	*ids = (struct verify_ids){0};
}
