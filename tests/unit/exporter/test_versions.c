/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "exporter/git/pack/versions.h"

static const uint8_t *id(unsigned n)
{
	static uint8_t ids[4][OBJECT_ID];
	static unsigned at;
	uint8_t *made = ids[at++ % 4];

	memset(made, 0, OBJECT_ID);
	memcpy(made, &n, sizeof(n));
	return made;
}

/* Asserts that these (0 ends them) are the versions of one path, in this order. */
static void assert_group(const struct versions *versions, const unsigned *expected)
{
	uint32_t n = versions_find(versions, id(*expected));
	const struct version_group *group;
	uint32_t count = 0;

	assert_int_not_equal(n, VERSIONS_NONE);
	group = &versions->group[versions->version[n].group];
	assert_int_equal(group->first, n);
	for (; *expected; expected++) {
		assert_memory_equal(versions->version[n].id, id(*expected), OBJECT_ID);
		n = versions->version[n].next;
		count++;
	}
	assert_int_equal(n, VERSIONS_NONE);
	assert_int_equal(group->count, count);
}
#define GROUP(...)                                                                       \
	(const unsigned[])                                                               \
	{                                                                                \
		__VA_ARGS__, 0                                                           \
	}

static void versions_of_a_path_are_in_the_order_in_which_they_came(void **state)
{
	struct versions versions = {0};

	(void)state;
	assert_true(versions_replace(&versions, id(1), id(2), 7));
	assert_true(versions_replace(&versions, id(51), id(52), 8));
	assert_true(versions_replace(&versions, id(2), id(3), 7));
	/* Back and forth. */
	assert_false(versions_replace(&versions, id(3), id(2), 7));
	assert_true(versions_replace(&versions, id(2), id(4), 7));
	assert_group(&versions, GROUP(1, 2, 3, 4));
	assert_group(&versions, GROUP(51, 52));
	assert_int_equal(versions_find(&versions, id(5)), VERSIONS_NONE);
	versions_release(&versions);
}

static void what_two_paths_share_counts_for_the_first_that_is_named(void **state)
{
	struct versions versions = {0};

	(void)state;
	assert_true(versions_replace(&versions, id(1), id(2), 7));
	assert_true(versions_replace(&versions, id(1), id(3), 8));
	assert_true(versions_replace(&versions, id(2), id(4), 7));
	assert_true(versions_replace(&versions, id(3), id(5), 8));
	assert_group(&versions, GROUP(1, 2, 4));
	assert_group(&versions, GROUP(3, 5));
	versions_release(&versions);
}

static void a_group_goes_on_where_a_pack_ended(void **state)
{
	struct versions versions = {0};

	(void)state;
	versions_begin(&versions, id(1));
	versions_append(&versions, id(1), id(2));
	versions_begin(&versions, id(11));
	versions_append(&versions, id(11), id(12));
	/* Known already, by another pack. */
	versions_begin(&versions, id(2));
	versions_append(&versions, id(2), id(12));
	assert_true(versions_replace(&versions, id(2), id(3), 7));
	/* The version before it is stored elsewhere. */
	assert_true(versions_replace(&versions, NULL, id(21), 9));
	assert_true(versions_replace(&versions, id(21), id(22), 9));
	assert_group(&versions, GROUP(1, 2, 3));
	assert_group(&versions, GROUP(11, 12));
	assert_group(&versions, GROUP(21, 22));
	versions_release(&versions);
}

static unsigned depth(uint32_t number, bool large)
{
	unsigned deep = 0;

	for (; number; deep++) {
		uint32_t base = versions_base(number, large);

		assert_true(base < number);
		number = base;
	}
	return deep;
}

static void no_version_is_read_through_many(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < VERSIONS_SMALL_MAX; n++) {
		assert_true(depth(n, false) <= 48);
	}
	for (uint32_t n = 1; n < 1 << 20; n += n < 40000 ? 1 : 977) {
		assert_true(depth(n, true) <= (n < 32      ? 1u
					       : n < 1024  ? 2u
					       : n < 32768 ? 3u
							   : 4u));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_of_a_path_are_in_the_order_in_which_they_came),
		cmocka_unit_test(what_two_paths_share_counts_for_the_first_that_is_named),
		cmocka_unit_test(a_group_goes_on_where_a_pack_ended),
		cmocka_unit_test(no_version_is_read_through_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
