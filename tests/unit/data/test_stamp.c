/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/format/stamp.h"

/* Seconds from 0000-01-01 to 1970-01-01. */
#define EPOCH INT64_C(62167219200)

static struct stamp stamp_of(const char *text)
{
	struct stamp stamp;

	memset(&stamp, 0xee, sizeof(stamp));
	if (stamp_read(&stamp, text, strlen(text)) < 0) {
		fail_msg("not taken: %s", text);
	}
	return stamp;
}

/* Unix seconds of the instant. */
static int64_t seconds_of(const char *text)
{
	struct stamp stamp = stamp_of(text);

	return (int64_t)(be64_get(stamp.bytes) - (UINT64_C(1) << 40)) - EPOCH;
}

static uint32_t nanoseconds_of(const char *text)
{
	struct stamp stamp = stamp_of(text);

	return be32_get(stamp.bytes + 8);
}

static void check_equal(const char *a, const char *b)
{
	struct stamp sa = stamp_of(a), sb = stamp_of(b);

	if (stamp_compare(&sa, &sb) != 0) {
		fail_msg("%s is not %s", a, b);
	}
}

static void instants_are_what_the_calendar_says(void **state)
{
	(void)state;
	assert_int_equal(seconds_of("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(seconds_of("2019-04-08T19:38:44.311+02:00"), 1554745124);
	assert_int_equal(seconds_of("2000-02-29T12:00:00Z"), 951825600);
	assert_int_equal(seconds_of("0000-01-01T00:00:00Z"), -EPOCH);
	assert_int_equal(seconds_of("9999-12-31T23:59:59Z"), INT64_C(253402300799));
	assert_int_equal(seconds_of("0001-01-01T00:00:00Z"), -EPOCH + 366 * 86400);
	assert_int_equal(nanoseconds_of("2019-04-08T19:38:44.311+02:00"), 311000000);
	assert_int_equal(nanoseconds_of("2019-04-08T19:38:44.123456789Z"), 123456789);
	assert_int_equal(nanoseconds_of("2019-04-08T19:38:44.000000001Z"), 1);
	assert_int_equal(nanoseconds_of("2019-04-08T19:38:44Z"), 0);
}

static void every_day_follows_the_day_before(void **state)
{
	int64_t expected = seconds_of("1599-12-31T00:00:00Z");

	(void)state;
	/* Four centuries cover the leap rule: compares with the calendar of libc. */
	for (int day = 0; day < 146097 + 2; day++) {
		time_t t = (time_t)expected;
		struct tm tm;
		char text[40];

		assert_non_null(gmtime_r(&t, &tm));
		snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
		assert_int_equal(seconds_of(text), expected);
		expected += 86400;
	}
}

static void offsets_lead_to_the_same_instant(void **state)
{
	(void)state;
	check_equal("2019-04-08T19:38:44+02:00", "2019-04-08T17:38:44Z");
	check_equal("2019-12-31T23:30:00-01:00", "2020-01-01T00:30:00Z");
	check_equal("2020-01-01T00:15:00+23:59", "2019-12-31T00:16:00Z");
	check_equal("2020-01-01t00:00:00z", "2020-01-01T00:00:00Z");
	check_equal("2020-01-01T00:00:00-00:00", "2020-01-01T00:00:00+00:00");
	check_equal("2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00.500000000Z");
	check_equal("0000-01-01T00:00:00+23:59", "0000-01-01T00:00:00+23:59");
}

static void instants_sort_by_time_not_by_text(void **state)
{
	static const char *const order[] = {
		"0000-01-01T00:00:00+23:59",      "0000-01-01T00:00:00Z",
		"2019-04-08T20:00:00+03:00",      "2019-04-08T17:30:00Z",
		"2019-04-08T17:30:00.000000001Z", "2019-04-08T17:30:00.1Z",
		"2019-04-08T16:31:00-01:00",      "9999-12-31T23:59:59.999999999-23:59"};
	struct stamp absent = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		struct stamp a = stamp_of(order[i]);

		assert_false(stamp_is_absent(&a));
		assert_true(stamp_compare(&absent, &a) < 0);
		for (size_t j = i + 1; j < sizeof(order) / sizeof(*order); j++) {
			struct stamp b = stamp_of(order[j]);

			assert_true(stamp_compare(&a, &b) < 0);
			assert_true(stamp_compare(&b, &a) > 0);
		}
	}
	assert_true(stamp_is_absent(&absent));
}

static void a_leap_second_is_the_next_midnight(void **state)
{
	struct stamp stamp;

	(void)state;
	check_equal("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z");
	check_equal("2017-01-01T01:59:60.25+02:00", "2017-01-01T00:00:00.25Z");
	check_equal("2016-12-31T15:59:60-08:00", "2017-01-01T00:00:00Z");
	assert_int_equal(stamp_read(&stamp, "2016-12-31T23:58:60Z", 20), -1);
	assert_int_equal(stamp_read(&stamp, "2016-12-31T23:59:60+01:00", 25), -1);
	assert_int_equal(stamp_read(&stamp, "2016-12-31T23:59:61Z", 20), -1);
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2019-04-08",
		"2019-04-08T19:38:44",
		"2019-04-08 19:38:44Z",
		"2019-04-08T19:38Z",
		"2019-04-08T19:38:44+0200",
		"2019-04-08T19:38:44+02",
		"2019-04-08T19:38:44+02:00 ",
		" 2019-04-08T19:38:44Z",
		"2019-04-08T19:38:44ZZ",
		"2019-04-08T19:38:44.Z",
		"2019-04-08T19:38:44.",
		"2019-04-08T19:38:44.1234567890Z",
		"2019-04-08T19:38:44,5Z",
		"2019-04-08T19:38:44.5",
		"2019-04-08T24:00:00Z",
		"2019-04-08T19:60:44Z",
		"2019-04-08T19:38:44+24:00",
		"2019-04-08T19:38:44+02:60",
		"2019-04-08T19:38:44*02:00",
		"2019-00-08T19:38:44Z",
		"2019-13-08T19:38:44Z",
		"2019-04-00T19:38:44Z",
		"2019-04-31T19:38:44Z",
		"2019-02-29T19:38:44Z",
		"1900-02-29T19:38:44Z",
		"2000-02-30T19:38:44Z",
		"-019-04-08T19:38:44Z",
		"+2019-04-08T19:38:44Z",
		"20190408T193844Z000000",
		"2019-04-08T19:38:4 Z",
		"2019-04-08T-1:38:44Z",
		"2019/04/08T19:38:44Z",
		"1554745124",
	};
	struct stamp stamp;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (stamp_read(&stamp, bad[i], strlen(bad[i])) == 0) {
			fail_msg("taken: %s", bad[i]);
		}
	}
	/* A length that cuts the text short is what counts. */
	assert_int_equal(stamp_read(&stamp, "2019-04-08T19:38:44Z", 19), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(instants_are_what_the_calendar_says),
		cmocka_unit_test(every_day_follows_the_day_before),
		cmocka_unit_test(offsets_lead_to_the_same_instant),
		cmocka_unit_test(instants_sort_by_time_not_by_text),
		cmocka_unit_test(a_leap_second_is_the_next_midnight),
		cmocka_unit_test(anything_else_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
