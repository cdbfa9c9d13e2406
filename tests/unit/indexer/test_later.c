/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "indexer/later.h"

#define NOW 1000000

static struct later later;

static int teardown(void **state)
{
	(void)state;
	later_release(&later);
	return 0;
}

static void add(enum later_which which, int64_t now_ms, const char *path)
{
	assert_true(later_add(&later, which, now_ms, path, strlen(path)));
}

/* Asserts that just this path is due; NULL: none. */
static void takes(int64_t now_ms, const char *expected, enum later_which expected_which)
{
	enum later_which which;
	const char *path;
	size_t len;

	if (!expected) {
		assert_false(later_take(&later, now_ms, &which, &path, &len));
		return;
	}
	assert_true(later_take(&later, now_ms, &which, &path, &len));
	assert_int_equal(len, strlen(expected));
	assert_string_equal(path, expected);
	assert_int_equal(which, expected_which);
}

static void an_empty_queue_is_never_due(void **state)
{
	(void)state;
	assert_int_equal(later_due_ms(&later), INT64_MAX);
	takes(NOW, NULL, 0);
}

static void a_path_is_due_after_its_delay_and_not_before(void **state)
{
	(void)state;
	for (int i = 0; i < LATER_COUNT; i++) {
		int64_t wait;

		add((enum later_which)i, NOW, "some/path");
		wait = later_due_ms(&later) - NOW;
		assert_true(wait > 0);
		takes(NOW + wait - 1, NULL, 0);
		takes(NOW + wait, "some/path", (enum later_which)i);
		assert_int_equal(later_due_ms(&later), INT64_MAX);
		takes(NOW + wait, NULL, 0);
	}
}

static void retries_come_at_growing_intervals(void **state)
{
	int64_t wait[LATER_COUNT];

	(void)state;
	for (int i = 0; i < LATER_COUNT; i++) {
		add((enum later_which)i, NOW, "p");
		wait[i] = later_due_ms(&later) - NOW;
		takes(NOW + wait[i], "p", (enum later_which)i);
	}
	assert_true(wait[LATER_RETRY_1] < wait[LATER_RETRY_2]);
	assert_true(wait[LATER_RETRY_2] < wait[LATER_RETRY_3]);
	/* Time stamps of some file systems count two seconds. */
	assert_true(wait[LATER_RACY] > 2000);
}

static void the_due_time_is_that_of_the_first_path(void **state)
{
	int64_t first;

	(void)state;
	add(LATER_RETRY_3, NOW, "long");
	add(LATER_RETRY_1, NOW, "short");
	add(LATER_RACY, NOW, "middle");
	first = later_due_ms(&later) - NOW;
	takes(NOW + first, "short", LATER_RETRY_1);
	takes(NOW + first, NULL, 0);
	first = later_due_ms(&later) - NOW;
	takes(NOW + first, "middle", LATER_RACY);
	takes(NOW + first, NULL, 0);
	first = later_due_ms(&later) - NOW;
	takes(NOW + first, "long", LATER_RETRY_3);
}

static void paths_of_a_queue_come_in_the_order_in_which_they_were_added(void **state)
{
	int64_t wait;

	(void)state;
	add(LATER_RETRY_2, NOW, "b");
	add(LATER_RETRY_2, NOW + 1, "a");
	add(LATER_RETRY_2, NOW + 2, "");
	add(LATER_RETRY_2, NOW + 2, "b");
	wait = later_due_ms(&later) - NOW;
	takes(NOW + wait, "b", LATER_RETRY_2);
	takes(NOW + wait, NULL, 0);
	takes(NOW + wait + 1, "a", LATER_RETRY_2);
	takes(NOW + wait + 1, NULL, 0);
	takes(NOW + wait + 2, "", LATER_RETRY_2);
	takes(NOW + wait + 2, "b", LATER_RETRY_2);
	takes(NOW + wait + 2, NULL, 0);
}

/* Room that was taken out is used again; what is left must not suffer. */
static void paths_stay_whole_while_others_are_added_and_taken(void **state)
{
	const int64_t far = NOW + 1000000;
	int added = 0, taken = 0;
	char path[32];

	(void)state;
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 7; i++) {
			snprintf(path, sizeof(path), "dir%d/file%d", added % 10, added);
			add(LATER_APPEARED, NOW + added, path);
			added++;
		}
		for (int i = 0; i < (round % 2 ? 9 : 4); i++) {
			snprintf(path, sizeof(path), "dir%d/file%d", taken % 10, taken);
			takes(far, path, LATER_APPEARED);
			taken++;
		}
	}
	while (taken < added) {
		snprintf(path, sizeof(path), "dir%d/file%d", taken % 10, taken);
		takes(far, path, LATER_APPEARED);
		taken++;
	}
	takes(far, NULL, 0);
	assert_int_equal(later_due_ms(&later), INT64_MAX);
}

static void a_full_queue_does_not_affect_another(void **state)
{
	(void)state;
	for (int i = 0; i < LATER_MAX; i++) {
		add(LATER_RACY, NOW, "p");
	}
	assert_false(later_add(&later, LATER_RACY, NOW, "q", 1));
	add(LATER_RETRY_1, NOW, "r");
	takes(NOW + 2000, "r", LATER_RETRY_1);
	takes(NOW + 1000000, "p", LATER_RACY);
	add(LATER_RACY, NOW, "q");
	assert_false(later_add(&later, LATER_RACY, NOW, "q", 1));
}

static void released_queues_are_empty(void **state)
{
	(void)state;
	add(LATER_RACY, NOW, "p");
	later_release(&later);
	assert_int_equal(later_due_ms(&later), INT64_MAX);
	takes(NOW + 1000000, NULL, 0);
	add(LATER_RACY, NOW, "q");
	takes(NOW + 1000000, "q", LATER_RACY);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_queue_is_never_due),
		TEST(a_path_is_due_after_its_delay_and_not_before),
		TEST(retries_come_at_growing_intervals),
		TEST(the_due_time_is_that_of_the_first_path),
		TEST(paths_of_a_queue_come_in_the_order_in_which_they_were_added),
		TEST(paths_stay_whole_while_others_are_added_and_taken),
		TEST(a_full_queue_does_not_affect_another),
		TEST(released_queues_are_empty),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
