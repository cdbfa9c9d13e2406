/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "exporter/verify/verify_body.h"
#include "exporter/verify/verify_ids.h"
#include "exporter/verify/verify_line.h"

/* What was told and met, in one string. */
static struct buf said;

static void told(const char *problem, void *payload)
{
	(void)payload;
	buf_addf(&said, "!%s;", problem);
}

static void met(const char *text, const struct record *record, void *payload)
{
	(void)payload;
	buf_addf(&said, "%s=%.*s;", record->id.bytes, (int)record->text.len, text);
}

static void says(enum record_kind kind, const char *text, const char *expected)
{
	struct verify_body body = {.told = told};
	struct buf bytes = {0};

	buf_clear(&said);
	buf_addstr(&said, "");
	buf_addstr(&bytes, text);
	verify_body_records(&body, &bytes, kind, met, NULL);
	assert_string_equal(said.data ? said.data : "", expected);
	verify_body_release(&body);
	buf_release(&bytes);
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
	says(RECORD_IMAGE, "[]", "");
	says(RECORD_IMAGE, "[" IMAGE("a") "," IMAGE("b") "]",
	     "a=" IMAGE("a") ";b=" IMAGE("b") ";");
	says(RECORD_TAG_IMAGE, "[" TAG_IMAGE("x") "]", "x=" TAG_IMAGE("x") ";");
	/* By instant, not by text; without a date is before all. */
	says(RECORD_IMAGE,
	     "[" IMAGE("z") "," DATED("y", "2020-01-01T02:00:00+02:00") "," DATED(
		     "x", "2020-01-01T01:00:00Z") "]",
	     "z=" IMAGE("z") ";y=" DATED("y", "2020-01-01T02:00:00+02:00") ";x=" DATED(
		     "x", "2020-01-01T01:00:00Z") ";");
}

static void disorder_and_repetition_are_told(void **state)
{
	(void)state;
	says(RECORD_IMAGE, "[" IMAGE("b") "," IMAGE("a") "]",
	     "b=" IMAGE("b") ";!image 'a' is out of order, or stands twice;a=" IMAGE(
		     "a") ";");
	says(RECORD_IMAGE, "[" IMAGE("a") "," IMAGE("a") "]",
	     "a=" IMAGE("a") ";!image 'a' is out of order, or stands twice;a=" IMAGE(
		     "a") ";");
}

static void what_is_not_canonical_has_no_records(void **state)
{
	(void)state;
	says(RECORD_IMAGE, "[" IMAGE("a") "]\n", "!not in canonical text;");
	says(RECORD_IMAGE, "[ " IMAGE("a") "]", "!not in canonical text;");
	says(RECORD_IMAGE, " [" IMAGE("a") "]", "!not in canonical text;");
	says(RECORD_IMAGE, "[" IMAGE("\\u0061") "]", "!not in canonical text;");
	says(RECORD_IMAGE, IMAGE("a"), "!not an array;");
	says(RECORD_IMAGE, "", "!not JSON: there is no JSON value at byte 0;");
}

static void what_is_of_another_kind_is_told(void **state)
{
	(void)state;
	says(RECORD_IMAGE, "[" TAG "]", "!record 1 is no image;");
	says(RECORD_TAG_IMAGE, "[{\"id\":\"x\",\"image_id\":\"i\",\"tag_id\":\"t\"}]",
	     "!record 1 is no tag image with its image and tag;");
	says(RECORD_IMAGE, "[1]", "!record 1: not an object;");
}

static bool is_tag(const char *text, uint64_t *count)
{
	struct verify_body body = {0};
	struct verify_body_digest digest;
	struct record_id id;
	struct buf bytes = {0};
	bool good;

	buf_addstr(&bytes, text);
	good = verify_body_tag(&body, &bytes, &id, &digest, count);
	verify_body_release(&body);
	buf_release(&bytes);
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

static void strings_are_numbered_once(void **state)
{
	struct verify_ids ids = {0};
	char name[32];
	size_t len;

	(void)state;
	assert_int_equal(verify_ids_find(&ids, "x", 1), 0);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 1; i <= 5000; i++) {
			snprintf(name, sizeof(name), "%u", i);
			assert_int_equal(verify_ids_add(&ids, name, strlen(name)), i);
		}
	}
	assert_int_equal(verify_ids_find(&ids, "4321", 4), 4321);
	assert_int_equal(verify_ids_find(&ids, "4321", 3), 432);
	assert_int_equal(verify_ids_find(&ids, "x", 1), 0);
	assert_memory_equal(verify_ids_get(&ids, 77, &len), "77", 2);
	assert_int_equal(len, 2);
	assert_int_equal(verify_ids_add(&ids, "", 0), 5001);
	verify_ids_release(&ids);
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
		cmocka_unit_test(disorder_and_repetition_are_told),
		cmocka_unit_test(what_is_not_canonical_has_no_records),
		cmocka_unit_test(what_is_of_another_kind_is_told),
		cmocka_unit_test(a_tag_has_a_count),
		cmocka_unit_test(strings_are_numbered_once),
		cmocka_unit_test(commits_are_read_strictly),
		cmocka_unit_test(tags_are_read_strictly),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
