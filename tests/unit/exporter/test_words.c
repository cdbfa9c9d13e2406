/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exporter/body/words.h"

static struct buf out;

static int teardown(void **state)
{
	(void)state;
	buf_release(&out);
	unsetenv("LC_ALL");
	unsetenv("LC_MESSAGES");
	unsetenv("LANG");
	return 0;
}

static struct body_text text(const char *json)
{
	return (struct body_text){json, json ? strlen(json) : 0};
}

/* NULL: not set. */
static void set(const char *name, const char *value)
{
	if (value) {
		setenv(name, value, 1);
	} else {
		unsetenv(name);
	}
}

static void the_language_is_that_of_the_first_variable_that_is_set(void **state)
{
	static const struct {
		const char *all, *messages, *lang, *want;
	} row[] = {
		{"fr_FR.UTF-8", "de_DE", "it", "fr"},
		{NULL, "de@euro", "it", "de"},
		{"", "", "it", "it"},
		{NULL, NULL, "PT-br", "pt"},
		{NULL, NULL, NULL, "en"},
		{"", "", "", "en"},
		{"C", "de", "it", "en"},
		{NULL, "POSIX", "it", "en"},
		{NULL, NULL, "C.UTF-8", "en"},
		{"abcdefghijklmnopqrs", NULL, NULL, "abcdefghijklmno"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		char language[WORDS_LANGUAGE];

		set("LC_ALL", row[i].all);
		set("LC_MESSAGES", row[i].messages);
		set("LANG", row[i].lang);
		words_language(language);
		assert_string_equal(language, row[i].want);
	}
}

/* --- tags --- */

static void tag_is(const char *label, const char *name, const char *language,
		   const char *want)
{
	const struct body_text l = text(label), n = text(name);

	words_tag(&out, &l, &n, language);
	assert_int_equal(out.len, strlen(want));
	assert_memory_equal(out.len ? out.data : "", want, out.len);
}

static void a_label_in_several_languages_is_read_in_the_readers(void **state)
{
	static const char both[] =
		"\"{\\\"fr\\\":\\\"Grue\\\",\\\"en\\\":\\\"Crane\\\"}\"";

	(void)state;
	tag_is(both, "\"crane\"", "fr", "Grue");
	tag_is(both, "\"crane\"", "en", "Crane");
	tag_is(both, "\"crane\"", "de", "Crane");
	tag_is("\" {\\\"fr\\\" : \\\"Grue\\\"}\\n\"", "\"crane\"", "de", "Grue");
	/* A language's own name may say more. */
	tag_is("\"{\\\"en\\\":\\\"A\\\",\\\"pt-BR\\\":\\\"B\\\",\\\"pt\\\":\\\"C\\\"}\"",
	       NULL, "pt", "B");
	tag_is("\"{\\\"EN_gb\\\":\\\"A\\\"}\"", NULL, "en", "A");
	/* Quotes and escapes are read twice. */
	tag_is("\"{\\\"en\\\":\\\"\\\\\\\"A\\\\\\\" \\u0026 \\\\u00e9\\\"}\"", NULL, "en",
	       "\"A\" & \xc3\xa9");
}

static void strings_that_say_nothing_are_passed_over(void **state)
{
	(void)state;
	tag_is("\"{\\\"fr\\\":\\\"\\\",\\\"en\\\":\\\"Crane\\\"}\"", NULL, "fr", "Crane");
	tag_is("\"{\\\"fr\\\":null,\\\"en\\\":7,\\\"de\\\":[\\\"x\\\"],"
	       "\\\"it\\\":\\\"Gru\\\"}\"",
	       NULL, "fr", "Gru");
	tag_is("\"{\\\"fr\\\":\\\"\\\",\\\"fr\\\":\\\"Grue\\\"}\"", NULL, "fr", "Grue");
	tag_is("\"{}\"", "\"crane\"", "fr", "crane");
	tag_is("\"{\\\"fr\\\":\\\"\\\"}\"", "\"crane\"", "fr", "crane");
}

static void any_other_label_is_shown_as_it_is(void **state)
{
	static const char *const label[] = {
		"Sky", "[\"a\"]",          "7",           "null",
		"{",   "{\"en\":\"A\"} B", "{\"en\":01}", "{\"en\":\"\\ud800\"}",
		" ",   "\"quoted\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(label) / sizeof(*label); i++) {
		struct buf json = {0};

		json_quote(&json, label[i], strlen(label[i]));
		tag_is(json.data, "\"name\"", "en", label[i]);
		buf_release(&json);
	}
	/* It cannot be a C string, so it stands as JSON writes it. */
	tag_is("\"a\\u0000b\"", "\"name\"", "en", "a\\u0000b");
}

static void without_a_label_the_name_stands(void **state)
{
	(void)state;
	tag_is("\"\"", "\"crane\"", "en", "crane");
	tag_is(NULL, "\"crane\"", "en", "crane");
	tag_is("7", "\"crane\"", "en", "crane");
	tag_is("{\"en\":\"Crane\"}", "\"crane\"", "en", "crane");
	tag_is("\"\"", "\"\"", "en", "");
	tag_is(NULL, NULL, "en", "");
	tag_is(NULL, "[]", "en", "");
}

static void a_label_of_great_length_is_not_read_as_json(void **state)
{
	struct buf label = {0}, json = {0};

	(void)state;
	buf_addstr(&label, "{\"en\":\"");
	while (label.len < WORDS_LABEL_MAX - 2) {
		buf_addch(&label, 'x');
	}
	buf_addstr(&label, "\"}");
	json_quote(&json, label.data, label.len);
	words_tag(&out, &(struct body_text){json.data, json.len}, &(struct body_text){0},
		  "en");
	assert_int_equal(out.len, WORDS_LABEL_MAX - 9);
	buf_addch(&label, ' ');
	buf_clear(&json);
	json_quote(&json, label.data, label.len);
	words_tag(&out, &(struct body_text){json.data, json.len}, &(struct body_text){0},
		  "en");
	assert_int_equal(out.len, WORDS_LABEL_MAX + 1);
	buf_release(&label);
	buf_release(&json);
}

/* --- images --- */

static void title_is(const char *json, const char *want)
{
	struct body_object image = {0};
	const struct body_text record = text(json);
	struct body_text title;

	assert_true(body_object(&image, &record));
	title = words_title(&image);
	if (want) {
		assert_int_equal(title.len, strlen(want));
		assert_memory_equal(title.data, want, title.len);
	} else {
		assert_null(title.data);
	}
	body_object_release(&image);
}

static void an_image_is_called_by_its_title_or_its_file(void **state)
{
	(void)state;
	title_is("{\"filename\":\"f.png\",\"title\":\"Quay \\u0026 crane\"}",
		 "\"Quay \\u0026 crane\"");
	title_is("{\"title\":null,\"filename\":\"f.png\"}", "\"f.png\"");
	title_is("{\"title\":\"\",\"infos\":{\"original_filename\":\"o.png\"},"
		 "\"filename\":\"f.png\"}",
		 "\"f.png\"");
	title_is("{\"infos\":{\"a\":1,\"original_filename\":\"o.png\"}}", "\"o.png\"");
	title_is("{\"infos\":{\"original_filename\":\"\"}}", NULL);
	title_is("{\"infos\":[\"original_filename\"],\"title\":{\"en\":\"x\"}}", NULL);
	title_is("{\"id\":\"i\"}", NULL);
}

/* --- lines --- */

static void quoted_is(const char *bytes, size_t most, const char *want)
{
	buf_clear(&out);
	words_quote(&out, bytes, strlen(bytes), most);
	assert_string_equal(out.data, want);
}

static void a_quoted_text_cannot_leave_its_quotes_or_its_line(void **state)
{
	(void)state;
	quoted_is("Customs house & warehouse <B>", WORDS_MAX,
		  "\"Customs house & warehouse <B>\"");
	quoted_is("a \"b\" \\ c", WORDS_MAX, "\"a \\\"b\\\" \\\\ c\"");
	quoted_is("a\nb\033[2J\xff", WORDS_MAX, "\"a\\x0ab\\x1b[2J\\xff\"");
	quoted_is("\xe2\x80\xaegnp", WORDS_MAX, "\"\\xe2\\x80\\xaegnp\"");
	quoted_is("", WORDS_MAX, "\"\"");
}

static void a_long_text_is_cut_between_characters(void **state)
{
	(void)state;
	quoted_is("Harbour", 7, "\"Harbour\"");
	quoted_is("Harbour", 4, "\"Harb\"...");
	quoted_is("a\xc3\xa9\xc3\xa9", 4, "\"a\xc3\xa9\"...");
}

#undef TEST
#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_language_is_that_of_the_first_variable_that_is_set),
		TEST(a_label_in_several_languages_is_read_in_the_readers),
		TEST(strings_that_say_nothing_are_passed_over),
		TEST(any_other_label_is_shown_as_it_is),
		TEST(without_a_label_the_name_stands),
		TEST(a_label_of_great_length_is_not_read_as_json),
		TEST(an_image_is_called_by_its_title_or_its_file),
		TEST(a_quoted_text_cannot_leave_its_quotes_or_its_line),
		TEST(a_long_text_is_cut_between_characters),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
