/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/base/beside.h"

static void words_of_a_template_are_replaced(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"plain", "plain"},
		{"@A@", "one"},
		{"<@A@@B@>@A@", "<one@A@>one"}, /* replaced text is not read again */
		{"@A @B@ @C@ x@y.z @", "@A @A@ @C@ x@y.z @"},
		{"@EMPTY@.", "."},
	};
	struct buf a = {0}, b = {0}, empty = {0}, out = {0};
	const struct beside_word words[] = {
		{"@A@", &a}, {"@B@", &b}, {"@EMPTY@", &empty}};

	(void)state;
	buf_addstr(&a, "one");
	buf_addstr(&b, "@A@");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_clear(&out);
		buf_addstr(&out, "");
		beside_fill(&out, cases[i][0], words, sizeof(words) / sizeof(*words));
		assert_string_equal(out.data, cases[i][1]);
	}
	buf_release(&a);
	buf_release(&b);
	buf_release(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_a_template_are_replaced),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
