/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "data/base/hash.h"

#define NUMBERS 2000

/* Whether the table has the number under the hash; asserts that it has it only once. */
static bool has(const struct hash *table, uint32_t hash, uint32_t number)
{
	uint32_t n, found = 0;
	size_t at = 0;

	while ((n = hash_next(table, hash, &at))) {
		found += n == number;
	}
	assert_true(found <= 1);
	return found;
}

static void an_empty_table_has_nothing(void **state)
{
	struct hash table = {0};

	(void)state;
	assert_false(has(&table, 7, 1));
	assert_false(hash_has(&table, 1));
	hash_clear(&table);
	hash_release(&table);
}

/* Few hashes, some of them at the end of the table, so that entries collide and wrap
 * around. */
static uint32_t home(uint32_t number)
{
	return number % 3 ? 0xfffffff8u + number % 13 : number;
}

static void numbers_are_found_until_they_are_removed(void **state)
{
	static bool there[NUMBERS + 1];
	struct hash table = {0};
	size_t count = 0;

	(void)state;
	srand(1);
	for (int step = 0; step < 20000; step++) {
		uint32_t n = (uint32_t)rand() % NUMBERS + 1;

		/* Mostly additions first, then mostly removals. */
		if (there[n]) {
			hash_remove(&table, home(n), n);
			there[n] = false;
			count--;
		} else if (rand() % 20000 > step) {
			hash_add(&table, home(n), n);
			there[n] = true;
			count++;
		}
		assert_int_equal(table.count, count);
		if (step % 500 == 0) {
			for (uint32_t i = 1; i <= NUMBERS; i++) {
				assert_int_equal(has(&table, home(i), i), there[i]);
			}
		}
	}
	hash_clear(&table);
	for (uint32_t i = 1; i <= NUMBERS; i++) {
		assert_false(has(&table, home(i), i));
	}
	hash_release(&table);
}

static void a_number_is_replaced_in_its_place(void **state)
{
	struct hash table = {0};

	(void)state;
	hash_add(&table, 5, 1);
	hash_add(&table, 5, 2);
	hash_replace(&table, 5, 1, 3);
	assert_false(has(&table, 5, 1));
	assert_true(has(&table, 5, 2));
	assert_true(has(&table, 5, 3));
	assert_int_equal(table.count, 2);
	hash_release(&table);
}

static void a_set_holds_each_number_once(void **state)
{
	struct hash set = {0};

	(void)state;
	for (uint64_t n = 1; n <= NUMBERS; n += 2) {
		hash_put(&set, n);
		hash_put(&set, n);
	}
	assert_int_equal(set.count, NUMBERS / 2);
	for (uint64_t n = 1; n <= NUMBERS; n++) {
		assert_int_equal(hash_has(&set, n), n % 2);
	}
	assert_false(hash_has(&set, UINT64_C(1) << 32 | 1));
	hash_release(&set);
}

static void every_byte_and_the_seed_count(void **state)
{
	const char text[] = "0123456789abcdef";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		char other[sizeof(text)];
		uint32_t h = hash_bytes(text, len, 0);

		assert_int_equal(h, hash_bytes(text, len, 0));
		assert_int_not_equal(h, hash_bytes(text, len, 1));
		for (size_t i = 0; i < len; i++) {
			memcpy(other, text, sizeof(text));
			other[i] ^= 1;
			assert_int_not_equal(h, hash_bytes(other, len, 0));
		}
	}
}

/* These keys have equal hashes if the hash is not random. */
static void strangers_cannot_choose_keys_that_collide(void **state)
{
	static const char *const key[] = {"00000000IiYhj]Kn", "00000001{TsJ]Xee",
					  "00000002f>N3.k&1", "00000003=/:~pF$A"};
	uint32_t first = hash_bytes(key[0], 16, 0);
	int equal = 0;

	(void)state;
	for (int i = 1; i < 4; i++) {
		equal += hash_bytes(key[i], 16, 0) == first;
	}
	assert_int_equal(equal, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_has_nothing),
		cmocka_unit_test(numbers_are_found_until_they_are_removed),
		cmocka_unit_test(a_number_is_replaced_in_its_place),
		cmocka_unit_test(a_set_holds_each_number_once),
		cmocka_unit_test(every_byte_and_the_seed_count),
		cmocka_unit_test(strangers_cannot_choose_keys_that_collide),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
