/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/index/marks.h"

static void the_second_of_a_change_is_known(void **state)
{
	struct marks marks = {0};

	(void)state;
	assert_int_equal(marks_after(&marks, 0), 0);
	marks_add(&marks, 5, 100);
	marks_add(&marks, 7, 100);
	marks_add(&marks, 9, 130);
	assert_int_equal(marks_after(&marks, 0), 100);
	assert_int_equal(marks_after(&marks, 6), 100);
	assert_int_equal(marks_after(&marks, 7), 130);
	assert_int_equal(marks_after(&marks, 9), 0);
}

static void a_clock_that_is_set_back_hides_nothing(void **state)
{
	struct marks marks = {0};

	(void)state;
	marks_add(&marks, 4, 40);
	marks_add(&marks, 5, 100000);
	marks_add(&marks, 6, 50);
	assert_int_equal(marks_after(&marks, 3), 40);
	assert_int_equal(marks_after(&marks, 4), 50);
	assert_int_equal(marks_after(&marks, 5), 50);
	marks_add(&marks, 7, 101);
	assert_int_equal(marks_after(&marks, 6), 101);
}

static void a_restored_index_forgets_later_marks(void **state)
{
	struct marks marks = {0};

	(void)state;
	marks_add(&marks, 5, 100);
	marks_add(&marks, 50, 200);
	marks_add(&marks, 60, 300);
	marks_add(&marks, 8, 400);
	assert_int_equal(marks_after(&marks, 5), 400);
	assert_int_equal(marks_after(&marks, 8), 0);
}

/* Never before it, and the later by no more than a part of its age. */
static void what_is_long_ago_is_known_roughly(void **state)
{
	static struct marks marks;
	const int64_t n = 1000000;

	(void)state;
	for (int64_t i = 1; i <= n; i++) {
		marks_add(&marks, (uint64_t)i, i);
	}
	for (int64_t i = 1; i < n; i += 997) {
		int64_t after = marks_after(&marks, (uint64_t)i), age = n - (i + 1);

		assert_true(after >= i + 1);
		assert_true(age == 0 || after - (i + 1) <= age / 4);
	}
	assert_int_equal(marks_after(&marks, 0), 1);
	assert_int_equal(marks_after(&marks, (uint64_t)n - 1), n);
}

static bool is_same(const struct marks *a, const struct marks *b)
{
	return a->count == b->count &&
	       memcmp(a->mark, b->mark, a->count * sizeof(*a->mark)) == 0;
}

static void what_is_printed_is_read(void **state)
{
	struct marks marks = {0}, again;
	struct buf text = {0};

	(void)state;
	marks_add(&marks, 1, 1);
	marks_add(&marks, UINT64_MAX - 1, INT64_C(99999999999));
	marks_print(&text, &marks);
	marks_read(&again, text.data, text.len);
	assert_true(is_same(&again, &marks));
	/* As far as it was written; and an older file has the sequence alone. */
	marks_read(&again, text.data, text.len - 1);
	assert_int_equal(again.count, 1);
	marks_read(&again, "12345\n", 6);
	assert_int_equal(again.count, 0);
	/* What an older, longer text has behind it is not in order. */
	buf_add(&text, text.data, text.len);
	marks_read(&again, text.data, text.len);
	assert_true(is_same(&again, &marks));
	text.data[3] = 'x';
	marks_read(&again, text.data, text.len);
	assert_int_equal(again.count, 0);
	buf_release(&text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_of_a_change_is_known),
		cmocka_unit_test(a_clock_that_is_set_back_hides_nothing),
		cmocka_unit_test(a_restored_index_forgets_later_marks),
		cmocka_unit_test(what_is_long_ago_is_known_roughly),
		cmocka_unit_test(what_is_printed_is_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
