/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/format/name.h"

static void check_name(const char *id, size_t len, const char *want)
{
	struct buf name = {0}, back = {0};

	name_add(&name, id, len);
	assert_string_equal(name.data, want);
	assert_int_equal(name.len, strlen(want));
	assert_int_equal(name_length(id, len), strlen(want));
	assert_int_equal(name_to_id(&back, name.data, name.len), 0);
	assert_int_equal(back.len, len);
	assert_memory_equal(back.data, id, len);
	buf_release(&name);
	buf_release(&back);
}

static void ids_have_names_that_lead_back(void **state)
{
	(void)state;
	check_name("00324000004ijWS", 15, "00324000004ijWS");
	check_name("195d3c09-4d5a_45c3", 18, "195d3c09-4d5a_45c3");
	check_name("a/b", 3, "a%2Fb");
	check_name("..", 2, "%2E%2E");
	check_name(".hid", 4, "%2Ehid");
	check_name("a.b", 3, "a%2Eb");
	check_name("a%2Fb", 5, "a%252Fb");
	check_name("x y", 3, "x%20y");
	check_name("con", 3, "con");
	check_name("\xc3\xa9~", 3, "%C3%A9%7E");
	check_name("\0\xff", 2, "%00%FF");
}

static void every_byte_has_a_name_of_its_own(void **state)
{
	struct buf name = {0}, back = {0};

	(void)state;
	for (int c = 0; c < 256; c++) {
		char id = (char)c;

		buf_clear(&name);
		buf_clear(&back);
		name_add(&name, &id, 1);
		assert_null(strchr(name.data, '/'));
		assert_int_not_equal(name.data[0], '.');
		assert_int_equal(name_to_id(&back, name.data, name.len), 0);
		assert_int_equal(back.len, 1);
		assert_int_equal((unsigned char)back.data[0], c);
	}
	buf_release(&name);
	buf_release(&back);
}

static void names_that_no_id_has_are_refused(void **state)
{
	static const char *const bad[] = {"",     ".",    "..",       "a.b", "a/b",
					  "a b",  "%",    "a%2",      "%2",  "%2f",
					  "%41",  "%5F",  "%2D",      "%G0", "%0G",
					  "%%20", "x%2e", "\xc3\xa9", "%30", "a%2Fb~"};
	struct buf out = {0};

	(void)state;
	buf_addstr(&out, "kept");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (name_to_id(&out, bad[i], strlen(bad[i])) == 0) {
			fail_msg("taken: %s", bad[i]);
		}
		assert_string_equal(out.data, "kept");
	}
	/* A NUL is no digit. */
	assert_int_equal(name_to_id(&out, "%2\0", 3), -1);
	assert_int_equal(name_to_id(&out, "%\0\0", 3), -1);
	buf_release(&out);
}

static void shards_are_those_of_git_hash_object(void **state)
{
	/* printf %s NAME | git hash-object --stdin | cut -c1-4 */
	static const char *const want[][2] = {
		{"", "e69d"},
		{"00324000004ijWS", "0f21"},
		{"885999a5-58a5-406a-bc8e-2ac5420d60a3", "1d30"},
		{"%2E%2E", "704a"}};
	char shard[5];

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		name_shard(shard, want[i][0], strlen(want[i][0]));
		assert_string_equal(shard, want[i][1]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_have_names_that_lead_back),
		cmocka_unit_test(every_byte_has_a_name_of_its_own),
		cmocka_unit_test(names_that_no_id_has_are_refused),
		cmocka_unit_test(shards_are_those_of_git_hash_object),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
