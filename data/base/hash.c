/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/hash.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "data/base/buf.h"
#include "data/base/clock.h"

#define FIRST_SLOTS 16

/* 2^64 / golden ratio: spreads numbers that are close together. */
#define ODD UINT64_C(0x9e3779b97f4a7c15)

/* A random number, the same throughout the process, and never 0. */
static uint64_t process_seed(void)
{
	static atomic_uint_fast64_t drawn;
	uint_fast64_t seed = atomic_load_explicit(&drawn, memory_order_relaxed);
	uint64_t own;

	if (seed) {
		return seed;
	}
	if (getrandom(&own, sizeof(own), GRND_NONBLOCK) != sizeof(own)) {
		own = (uint64_t)clock_now_ms() ^ (uint64_t)(uintptr_t)&own;
	}
	own |= 1;
	/* Another thread may have been faster; then its seed counts. */
	return atomic_compare_exchange_strong(&drawn, &seed, own) ? own : seed;
}

uint32_t hash_bytes(const void *bytes, size_t len, uint64_t seed)
{
	const char *at = bytes;
	uint64_t h, step;

	seed ^= process_seed();
	h = seed ^ len;
	for (; len; at += step, len -= step) {
		uint64_t part = 0;

		step = len < sizeof(part) ? len : sizeof(part);
		memcpy(&part, at, step);
		h = (h ^ part) * ODD;
		h ^= h >> 29;
		h = (h + seed) * UINT64_C(0xbf58476d1ce4e5b9);
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

uint32_t hash_number(uint64_t n)
{
	return (uint32_t)((n * ODD) >> 32);
}

static void place(struct hash *table, struct hash_slot entry)
{
	size_t mask = table->slots - 1;
	size_t i = entry.hash & mask;

	while (table->slot[i].number) {
		i = (i + 1) & mask;
	}
	table->slot[i] = entry;
}

static void grow(struct hash *table)
{
	struct hash_slot *old = table->slot;
	size_t old_slots = table->slots;

	table->slots = old_slots ? old_slots * 2 : FIRST_SLOTS;
	table->slot = xzalloc(table->slots * sizeof(*table->slot));
	for (size_t i = 0; i < old_slots; i++) {
		if (old[i].number) {
			place(table, old[i]);
		}
	}
	free(old);
}

void hash_add(struct hash *table, uint32_t hash, uint32_t number)
{
	assert(number);
	if ((table->count + 1) * 4 > table->slots * 3) {
		grow(table);
	}
	place(table, (struct hash_slot){.hash = hash, .number = number});
	table->count++;
}

bool hash_has(const struct hash *table, uint64_t n)
{
	uint32_t hash = hash_number(n), other;
	size_t at = 0;

	do {
		other = hash_next(table, hash, &at);
	} while (other && other != n);
	return other;
}

void hash_put(struct hash *table, uint64_t n)
{
	assert(n <= UINT32_MAX);
	if (!hash_has(table, n)) {
		hash_add(table, hash_number(n), (uint32_t)n);
	}
}

static size_t slot_of(const struct hash *table, uint32_t hash, uint32_t number)
{
	uint32_t n;
	size_t at = 0;

	do {
		n = hash_next(table, hash, &at);
		assert(n);
	} while (n != number);
	return (hash + at - 1) & (table->slots - 1);
}

void hash_replace(struct hash *table, uint32_t hash, uint32_t from, uint32_t to)
{
	assert(to);
	table->slot[slot_of(table, hash, from)].number = to;
}

void hash_remove(struct hash *table, uint32_t hash, uint32_t number)
{
	size_t mask = table->slots - 1;
	size_t hole = slot_of(table, hash, number);

	/* An entry may move back into the hole unless its home lies behind the hole. */
	for (size_t i = (hole + 1) & mask; table->slot[i].number; i = (i + 1) & mask) {
		size_t home = table->slot[i].hash & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			table->slot[hole] = table->slot[i];
			hole = i;
		}
	}
	table->slot[hole] = (struct hash_slot){0};
	table->count--;
}

void hash_clear(struct hash *table)
{
	if (table->slots) {
		memset(table->slot, 0, table->slots * sizeof(*table->slot));
	}
	table->count = 0;
}

void hash_release(struct hash *table)
{
	free(table->slot);
	*table = (struct hash){0};
}
