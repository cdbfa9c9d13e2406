/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "data/base/bits.h"

static void the_empty_set_has_nothing(void **state)
{
	struct bits set = {0};

	(void)state;
	assert_false(bits_has(&set, 0));
	assert_false(bits_has(&set, UINT32_MAX));
	bits_release(&set);
}

static void a_set_has_what_was_put_and_nothing_else(void **state)
{
	static unsigned char there[100000];
	struct bits set = {0};

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		/* Runs and lone numbers, some of them twice. */
		uint64_t n = (uint64_t)(i % 2 ? i : rand() % 100000);

		bits_put(&set, n);
		there[n] = 1;
	}
	for (uint64_t n = 0; n < sizeof(there); n++) {
		assert_int_equal(bits_has(&set, n), there[n]);
	}
	bits_release(&set);
	assert_false(bits_has(&set, 1));
}

static void the_greatest_numbers_fit(void **state)
{
	struct bits set = {0};

	(void)state;
	bits_put(&set, UINT32_MAX);
	assert_true(bits_has(&set, UINT32_MAX));
	assert_false(bits_has(&set, UINT32_MAX - 1));
	assert_false(bits_has(&set, 63));
	/* Not 2^32 - 1 after a cut to 32 bits. */
	assert_false(bits_has(&set, (UINT64_C(1) << 38) | UINT32_MAX));
	bits_release(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_empty_set_has_nothing),
		cmocka_unit_test(a_set_has_what_was_put_and_nothing_else),
		cmocka_unit_test(the_greatest_numbers_fit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
