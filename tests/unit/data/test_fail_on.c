/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/format/fail_on.h"
#include "data/format/json_print.h"

#define SET(what) (1U << FAIL_ON_##what)

static void a_list_names_what_fails(void **state)
{
	static const struct {
		const char *list;
		unsigned what;
		int64_t lag_s;
	} good[] = {
		{NULL,
		 SET(REJECTS) | SET(UNSIGNED) | SET(DAMAGED) | SET(FAILED) | SET(LAG),
		 60},
		{"none", 0, 60},
		{"rejects", SET(REJECTS), 60},
		{"unsigned,rejects", SET(REJECTS) | SET(UNSIGNED), 60},
		{"damaged,lag=5m,failed", SET(DAMAGED) | SET(LAG) | SET(FAILED), 300},
		{"lag=0s", SET(LAG), 0},
	};
	struct fail_on fail_on;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(fail_on_read(&fail_on, good[i].list, &err), 0);
		assert_int_equal(fail_on.what, good[i].what);
		assert_int_equal(fail_on.lag_s, good[i].lag_s);
		fail_on_release(&fail_on);
	}
}

static void another_list_is_refused(void **state)
{
	static const char *const bad[] = {
		"",     "reject", "rejects,", ",rejects",    "rejects lag",  "lag",
		"lag=", "lag=60", "lag=-1s",  "none,lag=1s", "rejects,none", NULL};
	struct fail_on fail_on;
	struct err err;

	(void)state;
	for (size_t i = 0; bad[i]; i++) {
		if (fail_on_read(&fail_on, bad[i], &err) != ERR_USAGE) {
			fail_msg("'%s' is taken for a list", bad[i]);
		}
		fail_on_release(&fail_on);
	}
}

static void only_what_is_listed_fails(void **state)
{
	struct fail_on fail_on;
	struct buf json = {0}, text = {0};
	struct err err;

	(void)state;
	assert_int_equal(fail_on_read(&fail_on, "damaged,lag=1m", &err), 0);
	fail_on_add(&fail_on, FAIL_ON_REJECTS, "%d records are rejected", 3);
	assert_false(fail_on.fails);
	fail_on_add(&fail_on, FAIL_ON_DAMAGED, "'a\033b' is damaged");
	assert_true(fail_on.fails);
	json_print_open(&json, NULL, '{');
	fail_on_print(&json, &fail_on, true);
	assert_string_equal(json.data,
			    "{\"problems\":["
			    "{\"what\":\"rejects\",\"reason\":\"3 records are rejected\","
			    "\"fails\":false},"
			    "{\"what\":\"damaged\",\"reason\":\"'a\\\\x1bb' is damaged\","
			    "\"fails\":true}]");
	fail_on_print(&text, &fail_on, false);
	assert_string_equal(text.data,
			    "rejects: 3 records are rejected (not in --fail-on)\n"
			    "damaged: 'a\\x1bb' is damaged\n");
	buf_release(&json);
	buf_release(&text);
	fail_on_release(&fail_on);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_names_what_fails),
		cmocka_unit_test(another_list_is_refused),
		cmocka_unit_test(only_what_is_listed_fails),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
