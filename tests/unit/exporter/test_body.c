/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "exporter/body/body.h"

static struct body body;

static int teardown(void **state)
{
	(void)state;
	body_release(&body);
	body = (struct body){0};
	return 0;
}

static bool parse(enum query_response kind, const char *text)
{
	buf_clear(&body.bytes);
	buf_addstr(&body.bytes, text);
	return body_parse(&body, kind);
}

static void is(struct body_text text, const char *want)
{
	assert_non_null(text.data);
	assert_int_equal(text.len, strlen(want));
	assert_memory_equal(text.data, want, text.len);
}

static void records_are_read_in_order(void **state)
{
	struct body_text id;

	(void)state;
	assert_true(parse(QUERY_IMAGES, "[{\"id\":\"a\"},{\"id\":null,\"public_id\":"
					"\"b\\\"\",\"created_at\":3},{\"x\":{}},7]"));
	assert_int_equal(body.count, 4);
	assert_true(body_record(&body, 0, &id));
	is(id, "a");
	assert_true(body_record(&body, 1, &id));
	is(id, "b\"");
	is(body_member(&body.record, "created_at"), "3");
	assert_null(body_string(&body.record, "created_at").data);
	assert_null(body_member(&body.record, "x").data);
	is(body_element(&body, 2), "{\"x\":{}}");
	assert_false(body_record(&body, 2, &id));
	assert_string_equal(body.problem, "record 3 has no id");
	assert_false(body_record(&body, 3, &id));
	assert_true(parse(QUERY_TAG_IMAGES, "[]"));
	assert_int_equal(body.count, 0);
}

static void a_body_that_is_not_canonical_is_refused(void **state)
{
	static const struct {
		enum query_response kind;
		const char *text, *problem;
	} bad[] = {
		{QUERY_IMAGES, "", "not JSON: there is no JSON value at byte 0"},
		{QUERY_IMAGES, "[ ]", "not in canonical text"},
		{QUERY_IMAGES, "[]\n", "not in canonical text"},
		{QUERY_IMAGES, "[]]", "not in canonical text"},
		{QUERY_UNTAGGED, "{}", "not an array"},
		{QUERY_TAG, "[]", "not an object"},
		{QUERY_ALBUM_OF, "7", "not a string"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_false(parse(bad[i].kind, bad[i].text));
		assert_string_equal(body.problem, bad[i].problem);
	}
}

static void a_tag_and_an_album_are_read(void **state)
{
	static const char *const bad[] = {
		"{\"tag\":{}}",
		"{\"tag\":{},\"tag_images\":01}",
		"{\"tag\":{},\"tag_images\":-1}",
		"{\"tag\":{},\"tag_images\":1.0}",
		"{\"tag\":7,\"tag_images\":1}",
		"{\"tag_images\":1,\"tag\":{}}",
		"{\"tag\":{},\"tag_images\":1,\"x\":1}",
		"{\"tag\":{},\"tag_images\":12345678901234567890}",
	};
	struct body_text id;
	uint64_t count;

	(void)state;
	assert_true(parse(QUERY_TAG, "{\"tag\":{\"label\":\"L\"},\"tag_images\":70}"));
	assert_true(body_tag(&body, &count));
	assert_int_equal(count, 70);
	is(body.record.text, "{\"label\":\"L\"}");
	is(body_member(&body.record, "label"), "\"L\"");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_false(parse(QUERY_TAG, bad[i]) && body_tag(&body, &count));
	}
	assert_true(parse(QUERY_ALBUM_OF, "\"a\\\\b\""));
	assert_true(body_album(&body, &id));
	is(id, "a\\b");
	assert_true(parse(QUERY_ALBUM_OF, "\"\""));
	assert_false(body_album(&body, &id));
	assert_true(parse(QUERY_ALBUM_OF, "\"\\u0000\""));
	assert_false(body_album(&body, &id));
}

#undef TEST
#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_are_read_in_order),
		TEST(a_body_that_is_not_canonical_is_refused),
		TEST(a_tag_and_an_album_are_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
