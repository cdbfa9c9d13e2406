/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "data/base/err.h"
#include "data/index/recent.h"

static void a_kept_text_is_found_by_its_number_alone(void **state)
{
	struct recent *recent = NULL;
	struct buf out = {0};

	(void)state;
	assert_int_equal(recent_get(recent, 7, &out), ERR_NOTFOUND);
	recent_put(&recent, 7, "seven", 5);
	recent_put(&recent, 8, "", 0);
	buf_addstr(&out, "is ");
	assert_int_equal(recent_get(recent, 7, &out), 0);
	assert_int_equal(recent_get(recent, 8, &out), 0);
	assert_string_equal(out.data, "is seven");
	/* Whatever number takes the same place. */
	for (uint64_t n = 9; n < 100000; n++) {
		assert_int_equal(recent_get(recent, n, &out), ERR_NOTFOUND);
	}
	for (uint64_t n = 9; n < 100000; n++) {
		recent_put(&recent, n, "other", 5);
	}
	assert_int_equal(recent_get(recent, 7, &out), ERR_NOTFOUND);
	assert_string_equal(out.data, "is seven");
	buf_release(&out);
	recent_free(recent);
}

static void a_long_text_is_not_kept(void **state)
{
	static char text[1 << 20];
	struct recent *recent = NULL;
	struct buf out = {0};

	(void)state;
	recent_put(&recent, 7, text, sizeof(text));
	assert_int_equal(recent_get(recent, 7, &out), ERR_NOTFOUND);
	buf_release(&out);
	recent_free(recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kept_text_is_found_by_its_number_alone),
		cmocka_unit_test(a_long_text_is_not_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
