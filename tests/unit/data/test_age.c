/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/format/age.h"

#define DAY INT64_C(86400)

static void ages_have_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {{"90s", 90},
		    {"30m", 1800},
		    {"12h", 43200},
		    {"30d", 30 * DAY},
		    {"8w", 56 * DAY},
		    {"0d", 0},
		    {"999999999w", INT64_C(999999999) * 7 * DAY}};
	static const char *const bad[] = {"",     "d",           "30",  "30 d",
					  "-1d",  "1.5d",        "30D", "1y",
					  "30dd", "1000000000s", NULL};
	struct err failure;
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(age_read(&seconds, good[i].text, &failure), 0);
		assert_int_equal(seconds, good[i].seconds);
	}
	for (size_t i = 0; bad[i]; i++) {
		if (age_read(&seconds, bad[i], &failure) != ERR_USAGE) {
			fail_msg("'%s' is taken for an age", bad[i]);
		}
	}
}

static void people_read_the_two_largest_units(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} spans[] = {
		{-1, "0 s"},       {0, "0 s"},          {59, "59 s"},
		{60, "1 m"},       {3599, "59 m 59 s"}, {3600, "1 h"},
		{3601, "1 h"},     {7260, "2 h 1 m"},   {DAY - 1, "23 h 59 m"},
		{DAY + 60, "1 d"}, {30 * DAY, "30 d"},  {30 * DAY + 7200, "30 d 2 h"}};

	(void)state;
	for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
		struct buf text = {0};

		age_add(&text, spans[i].seconds);
		assert_string_equal(text.data, spans[i].text);
		buf_release(&text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_have_a_unit),
		cmocka_unit_test(people_read_the_two_largest_units),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
