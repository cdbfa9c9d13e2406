/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "data/base/buf.h"
#include "data/index/build_ids.h"
#include "data/index/row.h"

static struct record_id id_of(const char *text)
{
	struct record_id id = {.len = (unsigned char)strlen(text)};

	memcpy(id.bytes, text, id.len);
	return id;
}

static uint64_t add(struct build_ids *ids, unsigned kind, const char *text)
{
	struct record_id id = id_of(text);

	return build_ids_add(ids, build_ids_hash(kind, &id), kind, &id);
}

static uint64_t number(const struct build_ids *ids, unsigned kind, const char *text)
{
	struct record_id id = id_of(text);

	return build_ids_number(ids, build_ids_hash(kind, &id), kind, &id);
}

static int write_down(unsigned kind, const char *id, size_t len, uint64_t n,
		      void *payload)
{
	buf_addf(payload, "%u %.*s %d\n", kind, (int)len, id, (int)n);
	return len == 4 && memcmp(id, "stop", 4) == 0;
}

static void ids_have_the_numbers_that_they_were_given(void **state)
{
	struct build_ids *ids = build_ids_new();
	struct record_id id;

	(void)state;
	assert_int_equal(add(ids, RECORD_IMAGE, "a"), 1);
	assert_int_equal(add(ids, RECORD_TAG, "a"), 2);
	assert_int_equal(add(ids, RECORD_IMAGE, "ab"), 3);
	assert_int_equal(number(ids, RECORD_IMAGE, "a"), 1);
	assert_int_equal(number(ids, RECORD_TAG, "a"), 2);
	assert_int_equal(number(ids, RECORD_TAG, "ab"), 0);
	assert_int_equal(build_ids_get(ids, 3, &id), RECORD_IMAGE);
	assert_string_equal(id.bytes, "ab");
	build_ids_free(ids);
}

static void numbers_that_were_cut_are_given_out_again(void **state)
{
	struct build_ids *ids = build_ids_new();
	char text[16];

	(void)state;
	for (int i = 1; i <= 1000; i++) {
		snprintf(text, sizeof(text), "id-%d", i);
		assert_int_equal(add(ids, RECORD_IMAGE, text), i);
	}
	build_ids_cut(ids, 1001);
	assert_int_equal(number(ids, RECORD_IMAGE, "id-1000"), 1000);
	build_ids_cut(ids, 501);
	assert_int_equal(number(ids, RECORD_IMAGE, "id-500"), 500);
	assert_int_equal(number(ids, RECORD_IMAGE, "id-501"), 0);
	assert_int_equal(number(ids, RECORD_IMAGE, "id-1000"), 0);
	assert_int_equal(add(ids, RECORD_TAG, "new"), 501);
	assert_int_equal(number(ids, RECORD_TAG, "new"), 501);
	build_ids_free(ids);
}

static void ids_come_by_kind_and_in_byte_order(void **state)
{
	struct build_ids *ids = build_ids_new();
	struct buf out = {0};

	(void)state;
	add(ids, ROW_ALBUM, "z");
	add(ids, RECORD_IMAGE, "same-beginning-2");
	add(ids, RECORD_IMAGE, "\xff");
	add(ids, RECORD_IMAGE, "same-beginning-10");
	add(ids, RECORD_IMAGE, "same-beginning-1");
	add(ids, RECORD_IMAGE, "same");
	add(ids, RECORD_IMAGE, "same-beg");
	add(ids, RECORD_IMAGE, "B");
	add(ids, RECORD_TAG_IMAGE, "a");
	assert_int_equal(build_ids_each(ids, write_down, &out), 0);
	assert_string_equal(out.data, "1 B 8\n1 same 6\n1 same-beg 7\n"
				      "1 same-beginning-1 5\n1 same-beginning-10 4\n"
				      "1 same-beginning-2 2\n1 \xff 3\n3 a 9\n4 z 1\n");
	buf_release(&out);
	build_ids_free(ids);
}

static void a_result_ends_the_walk(void **state)
{
	struct build_ids *ids = build_ids_new();
	struct buf out = {0};

	(void)state;
	add(ids, RECORD_IMAGE, "stop");
	add(ids, RECORD_IMAGE, "tail");
	add(ids, RECORD_TAG, "tail");
	assert_int_equal(build_ids_each(ids, write_down, &out), 1);
	assert_string_equal(out.data, "1 stop 1\n");
	buf_release(&out);
	build_ids_free(ids);
}

static int in_order(unsigned kind, const char *id, size_t len, uint64_t n, void *payload)
{
	struct record_id *last = payload;
	int order = memcmp(last->bytes, id, last->len < len ? last->len : len);

	(void)kind;
	(void)n;
	assert_true(order < 0 || (order == 0 && last->len < len));
	last->len = (unsigned char)len;
	memcpy(last->bytes, id, len);
	return 0;
}

static void many_ids_are_sorted(void **state)
{
	struct build_ids *ids = build_ids_new();
	struct record_id last = {.len = 0};

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		char text[40];

		/* Half of them share their first eight bytes with others. */
		snprintf(text, sizeof(text), "%08x-%04x-%d", i % 2 ? rand() : i % 100,
			 rand() & 0xffff, i);
		add(ids, RECORD_IMAGE, text);
	}
	assert_int_equal(build_ids_each(ids, in_order, &last), 0);
	build_ids_free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_have_the_numbers_that_they_were_given),
		cmocka_unit_test(numbers_that_were_cut_are_given_out_again),
		cmocka_unit_test(ids_come_by_kind_and_in_byte_order),
		cmocka_unit_test(a_result_ends_the_walk),
		cmocka_unit_test(many_ids_are_sorted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
