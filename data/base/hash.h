/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_HASH_H
#define DATA_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * hash - a hash table of numbers above 0, which are whatever the caller has counted:
 * rows, or the places of an array. The caller keeps the keys, hashes them, and compares
 * a key with each number that the table has under its hash.
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
 * Open addressing with linear probing, at most three quarters full, and eight bytes a
 * slot: eleven to twenty-two bytes a number. The table keeps the hashes, so that it
 * grows without the keys and compares few of them in vain. What is removed is closed up
 * by moving later entries back. A zeroed `struct hash` is empty.
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

/* The hash of bytes. Where the keys come from strangers, who could choose keys with one
 * hash, the seed is a random number. */
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

/* Adds a number, which the caller knows is not there yet. */
void hash_add(struct hash *table, uint32_t hash, uint32_t number);
/* The table as a set of numbers, which are their own keys. hash_put adds `n` unless it is
 * there. */
bool hash_has(const struct hash *table, uint64_t n);
void hash_put(struct hash *table, uint64_t n);
/* Puts `to` in the place of `from`, which is there, under the same hash. */
void hash_replace(struct hash *table, uint32_t hash, uint32_t from, uint32_t to);
/* Removes a number, which is there. */
void hash_remove(struct hash *table, uint32_t hash, uint32_t number);
/* Removes all numbers; keeps the memory. */
void hash_clear(struct hash *table);
void hash_release(struct hash *table);

#endif
