/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_HASH_H
#define DATA_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * hash - a hash table of numbers above 0: what they mean (rows, places in an array) is
 * up to the caller. The caller keeps the keys, hashes them, and compares its key with
 * each number that the table has for the hash.
 *
 *	struct hash table = {0};
 *	uint32_t h = hash_bytes(key, len, 0), n;
 *	size_t at = 0;
 *
 *	while ((n = hash_next(&table, h, &at)) && !equal(n, key, len)) {
 *	}
 *	if (!n) {
 *		hash_add(&table, h, number_of(key, len));
 *	}
 *	hash_release(&table);
 *
 * Open addressing with linear probing. The table is at most three quarters full and
 * takes eight bytes a slot: eleven to twenty-two bytes a number. It stores the hashes,
 * so that it grows without the keys, and the caller seldom compares in vain. Removal
 * moves later entries back. A zeroed `struct hash` is empty.
 */

struct hash_slot {
	uint32_t hash;
	uint32_t number; /* 0: free */
};

struct hash {
	struct hash_slot *slot;
	size_t slots; /* a power of two, or 0 */
	size_t count; /* numbers in the table */
};

/* Hashes bytes, in each process differently: strangers who choose the keys cannot choose
 * keys with equal hashes, which would make every search long. Do not store it. `seed`
 * tells apart equal bytes that mean different keys. */
uint32_t hash_bytes(const void *bytes, size_t len, uint64_t seed);
uint32_t hash_number(uint64_t n);

/* The first number under `hash` if *at is 0, then the next one; 0 after the last. */
static inline uint32_t hash_next(const struct hash *table, uint32_t hash, size_t *at)
{
	while (table->slots) {
		const struct hash_slot *slot =
			&table->slot[(hash + (*at)++) & (table->slots - 1)];

		if (!slot->number || slot->hash == hash) {
			return slot->number;
		}
	}
	return 0;
}

/* Fetches the memory where hash_next will look for `hash`. */
static inline void hash_expect(const struct hash *table, uint32_t hash)
{
	if (table->slots) {
		__builtin_prefetch(&table->slot[hash & (table->slots - 1)]);
	}
}

/* Adds a number that is not in the table. */
void hash_add(struct hash *table, uint32_t hash, uint32_t number);
/* For a table that is a set of numbers, each its own key. hash_put adds `n` unless the
 * set has it. */
bool hash_has(const struct hash *table, uint64_t n);
void hash_put(struct hash *table, uint64_t n);
/* Replaces the number `from` by `to`, under the same hash. */
void hash_replace(struct hash *table, uint32_t hash, uint32_t from, uint32_t to);
/* Removes a number that is in the table. */
void hash_remove(struct hash *table, uint32_t hash, uint32_t number);
/* Removes all numbers; keeps the memory. */
void hash_clear(struct hash *table);
void hash_release(struct hash *table);

#endif
