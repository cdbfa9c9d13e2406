/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "exporter/verify/verify_body.h"
#include "exporter/verify/verify_line.h"
#include "exporter/verify/verify_table.h"

/* What was reported and read, in one string. */
static struct buf said;

static void report(const struct verify_failure *failure, void *payload)
{
	(void)payload;
	buf_addf(&said, "!%s;", failure->problem);
}

static void met(const char *text, const struct record *record, void *payload)
{
	(void)payload;
	buf_addf(&said, "%s=%.*s;", record->id.bytes, (int)record->text.len, text);
}

static void says(enum query_response kind, const char *text, const char *expected)
{
	struct verify_report failures = {.each = report};
	struct verify_body body = {.report = &failures, .path = "path"};

	buf_clear(&said);
	buf_addstr(&said, "");
	buf_addstr(&body.body.bytes, text);
	verify_body_records(&body, kind, met, NULL);
	assert_string_equal(said.data, expected);
	verify_body_release(&body);
	buf_release(&said);
}

#define IMAGE(id) "{\"public_id\":\"" id "\",\"album_id\":\"a\"}"
#define DATED(id, date)                                                                  \
	"{\"public_id\":\"" id "\",\"album_id\":\"a\",\"created_at\":\"" date "\"}"
#define TAG "{\"id\":\"t\",\"name\":\"n\",\"label\":\"l\"}"
#define TAG_IMAGE(id) "{\"id\":\"" id "\",\"image\":" IMAGE("i") ",\"tag\":" TAG "}"

static void lists_in_order_are_read(void **state)
{
	(void)state;
	says(QUERY_IMAGES, "[]", "");
	says(QUERY_IMAGES, "[" IMAGE("a") "," IMAGE("b") "]",
	     "a=" IMAGE("a") ";b=" IMAGE("b") ";");
	says(QUERY_TAG_IMAGES, "[" TAG_IMAGE("x") "]", "x=" TAG_IMAGE("x") ";");
	/* By instant, not by text; without a date is before all. */
	says(QUERY_IMAGES,
	     "[" IMAGE("z") "," DATED("y", "2020-01-01T02:00:00+02:00") "," DATED(
		     "x", "2020-01-01T01:00:00Z") "]",
	     "z=" IMAGE("z") ";y=" DATED("y", "2020-01-01T02:00:00+02:00") ";x=" DATED(
		     "x", "2020-01-01T01:00:00Z") ";");
}

static void disorder_and_repetition_are_reported(void **state)
{
	(void)state;
	says(QUERY_IMAGES, "[" IMAGE("b") "," IMAGE("a") "]",
	     "b=" IMAGE("b") ";!image 'a' is out of order, or stands twice;a=" IMAGE(
		     "a") ";");
	says(QUERY_IMAGES, "[" IMAGE("a") "," IMAGE("a") "]",
	     "a=" IMAGE("a") ";!image 'a' is out of order, or stands twice;a=" IMAGE(
		     "a") ";");
}

static void what_is_not_canonical_has_no_records(void **state)
{
	(void)state;
	says(QUERY_IMAGES, "[" IMAGE("a") "]\n", "!not in canonical text;");
	says(QUERY_IMAGES, "[ " IMAGE("a") "]", "!not in canonical text;");
	says(QUERY_IMAGES, " [" IMAGE("a") "]", "!not in canonical text;");
	says(QUERY_IMAGES, "[" IMAGE("\\u0061") "]", "!not in canonical text;");
	says(QUERY_IMAGES, IMAGE("a"), "!not an array;");
	says(QUERY_IMAGES, "", "!not JSON: there is no JSON value at byte 0;");
}

static void what_is_of_another_kind_is_reported(void **state)
{
	(void)state;
	says(QUERY_IMAGES, "[" TAG "]", "!record 1 is no image;");
	says(QUERY_TAG_IMAGES, "[{\"id\":\"x\",\"image_id\":\"i\",\"tag_id\":\"t\"}]",
	     "!record 1 is no tag image with its image and tag;");
	says(QUERY_IMAGES, "[1]", "!record 1: not an object;");
}

static bool is_tag(const char *text, uint64_t *count)
{
	struct verify_body body = {0};
	struct verify_body_digest digest;
	struct record_id id;
	bool good;

	buf_addstr(&body.body.bytes, text);
	good = verify_body_tag(&body, &id, &digest, count);
	verify_body_release(&body);
	return good;
}

static void a_tag_has_a_count(void **state)
{
	uint64_t count = 0;

	(void)state;
	assert_true(is_tag("{\"tag\":" TAG ",\"tag_images\":12}", &count));
	assert_int_equal(count, 12);
	assert_true(is_tag("{\"tag\":" TAG ",\"tag_images\":0}", &count));
	assert_false(is_tag("{\"tag\":" TAG ",\"tag_images\":-1}", &count));
	assert_false(is_tag("{\"tag\":" TAG ",\"tag_images\":1.0}", &count));
	assert_false(
		is_tag("{\"tag\":" TAG ",\"tag_images\":99999999999999999999}", &count));
	assert_false(is_tag("{\"tag_images\":1,\"tag\":" TAG "}", &count));
	assert_false(is_tag("{\"tag\":" TAG "}", &count));
	assert_false(is_tag("{\"tag\":" TAG ",\"tag_images\":1,\"x\":1}", &count));
	assert_false(is_tag("{\"tag\":" IMAGE("a") ",\"tag_images\":1}", &count));
	assert_false(is_tag("{}", &count));
	assert_false(is_tag("[]", &count));
}

static void ids_are_numbered_once(void **state)
{
	struct verify_table table = {.row_bytes = sizeof(uint32_t)};
	char name[32];
	size_t len;

	(void)state;
	assert_int_equal(verify_table_find(&table, "x", 1), 0);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 1; i <= 5000; i++) {
			snprintf(name, sizeof(name), "%u", i);
			assert_int_equal(verify_table_add(&table, name, strlen(name)), i);
			*(uint32_t *)verify_table_row(&table, i) += i;
		}
	}
	assert_int_equal(verify_table_find(&table, "4321", 4), 4321);
	assert_int_equal(verify_table_find(&table, "4321", 3), 432);
	assert_int_equal(verify_table_find(&table, "x", 1), 0);
	assert_memory_equal(verify_table_id(&table, 77, &len), "77", 2);
	assert_int_equal(len, 2);
	assert_int_equal(verify_table_add(&table, "", 0), 5001);
	for (uint32_t i = 1; i <= 5000; i++) {
		assert_int_equal(*(uint32_t *)verify_table_row(&table, i), 2 * i);
	}
	assert_int_equal(*(uint32_t *)verify_table_row(&table, 5001), 0);
	verify_table_release(&table);
}

static void rows_are_marked_once(void **state)
{
	struct verify_table table = {0};

	(void)state;
	for (uint32_t round = 0; round < 2; round++) {
		verify_table_add(&table, "a", 1);
		verify_table_add(&table, "b", 1);
		verify_table_mark(&table, 2);
		verify_table_mark(&table, 1);
		verify_table_mark(&table, 2);
		assert_int_equal(table.marks, 2);
		assert_int_equal(table.marked[0], 2);
		assert_int_equal(table.marked[1], 1);
		verify_table_unmark(&table);
		assert_int_equal(table.marks, 0);
	}
	verify_table_release(&table);
}

#define ID "0123456789012345678901234567890123456789"
#define HEAD "tree " ID "\n"
#define WHO "author A <a@b> 17 +0000\ncommitter A <a@b> 17 +0000\n"

static const char *parse(struct verify_commit *commit, enum object_type type,
			 const char *text, size_t len)
{
	struct buf body = {0};
	const char *message, *problem;

	buf_add(&body, text, len);
	problem = verify_commit_parse(commit, &message, type, &body);
	buf_release(&body);
	return problem;
}

static void commits_are_read_strictly(void **state)
{
	static const char *const bad[] = {
		"",
		"tree 0123\n\n",
		HEAD "\nno people",
		HEAD "author A <a@b> 17 +0000\n\nno committer",
		HEAD
		"author A <a@b> 16 +0000\ncommitter A <a@b> 17 +0000\n\ntimes differ",
		HEAD "author A <a@b> x +0000\ncommitter A <a@b> 17 +0000\n\n",
		HEAD "author A <a@b> 17 0000\ncommitter A <a@b> 17 0000\n\n",
		HEAD WHO "no empty line",
		HEAD "parent 12\n" WHO "\n",
	};
	static const char good[] = HEAD "parent " ID "\n" WHO "gpgsig a\n b\n\nmessage";
	struct verify_commit commit;

	(void)state;
	assert_null(parse(&commit, OBJECT_COMMIT, good, strlen(good)));
	assert_int_equal(commit.parents, 1);
	assert_int_equal(commit.time_s, 17);
	assert_true(commit.is_signed);
	assert_non_null(parse(&commit, OBJECT_COMMIT, good, sizeof(good)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_non_null(parse(&commit, OBJECT_COMMIT, bad[i], strlen(bad[i])));
	}
	for (size_t i = 0; i < strlen(HEAD WHO); i++) {
		assert_non_null(parse(&commit, OBJECT_COMMIT, HEAD WHO, i));
	}
}

static void tags_are_read_strictly(void **state)
{
	static const char good[] =
		"object " ID "\ntype commit\ntag x\ntagger A <a@b> 17 +0000\n\nwhy\n";
	static const char of_tree[] =
		"object " ID "\ntype tree\ntag x\ntagger A <a@b> 17 +0000\n\nwhy\n";
	struct verify_commit tag;

	(void)state;
	assert_null(parse(&tag, OBJECT_TAG, good, strlen(good)));
	assert_false(tag.is_signed);
	assert_non_null(parse(&tag, OBJECT_TAG, of_tree, strlen(of_tree)));
	for (size_t i = 0; i < strlen(good) - strlen("\nwhy\n"); i++) {
		assert_non_null(parse(&tag, OBJECT_TAG, good, i));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_in_order_are_read),
		cmocka_unit_test(disorder_and_repetition_are_reported),
		cmocka_unit_test(what_is_not_canonical_has_no_records),
		cmocka_unit_test(what_is_of_another_kind_is_reported),
		cmocka_unit_test(a_tag_has_a_count),
		cmocka_unit_test(ids_are_numbered_once),
		cmocka_unit_test(rows_are_marked_once),
		cmocka_unit_test(commits_are_read_strictly),
		cmocka_unit_test(tags_are_read_strictly),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
