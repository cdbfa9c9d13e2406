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
#include "data/base/plain.h"

/* The last character of Unicode. */
#define LAST 0x10ffff

struct fixture {
	struct buf plain, back, text;
};

static int setup(void **state)
{
	*state = xzalloc(sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	buf_release(&f->plain);
	buf_release(&f->back);
	buf_release(&f->text);
	free(f);
	return 0;
}

/* The character as UTF-8; surrogates too, which is then not valid. */
static size_t encode(char out[4], uint32_t c)
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = len; i-- > 1; c >>= 6) {
		out[i] = (char)(0x80 | (c & 0x3f));
	}
	out[0] = (char)(first[len] | c);
	return len;
}

static const char *plain(struct fixture *f, const char *text, size_t len)
{
	buf_clear(&f->plain);
	plain_add(&f->plain, text, len);
	return f->plain.len ? f->plain.data : "";
}

/* Reads a plain form back, as a reader of albumen(7) would. */
static void read_back(struct fixture *f)
{
	const char *at = f->plain.data;
	const char *end = at + f->plain.len;
	unsigned byte;

	buf_clear(&f->back);
	while (at < end) {
		if (*at != '\\') {
			buf_addch(&f->back, *at++);
		} else if (at[1] == '\\') {
			buf_addch(&f->back, '\\');
			at += 2;
		} else {
			assert_int_equal(sscanf(at, "\\x%2x", &byte), 1);
			buf_addch(&f->back, (char)byte);
			at += 4;
		}
	}
}

static void assert_reads_back(struct fixture *f, const char *text, size_t len)
{
	plain(f, text, len);
	read_back(f);
	assert_int_equal(f->back.len, len);
	if (len) {
		assert_memory_equal(f->back.data, text, len);
	}
}

static void what_a_terminal_obeys_is_escaped(void **state)
{
	static const struct {
		const char *text, *plain;
	} cases[] = {
		{"harbour", "harbour"},
		{"a\nb\tc\x1b[31m\x7f", "a\\x0ab\\x09c\\x1b[31m\\x7f"},
		{"\xc2\x9b"
		 "2J",
		 "\\xc2\\x9b2J"}, /* CSI */
		{"\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f"},
		{"\xc2\xa0", "\xc2\xa0"}, /* a space that does not break */
		{"\xe2\x80\xae"
		 "gpj.exe",
		 "\\xe2\\x80\\xaegpj.exe"}, /* right-to-left override */
		{"\xe2\x80\xa8\xe2\x80\xa9", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
		{"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},          /* byte order mark */
		{"\xd8\x9c", "\\xd8\\x9c"},                   /* Arabic letter mark */
		{"\xf3\xa0\x81\xa1", "\\xf3\\xa0\\x81\\xa1"}, /* an invisible a */
		{"\xff\xc3(", "\\xff\\xc3("},                 /* not UTF-8 */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* half a surrogate pair */
		{"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
		{"\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xb1",
		 "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xb1"},
		{"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80",
		 "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80"},
		{"back\\x0aslash", "back\\\\x0aslash"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_string_equal(plain(f, cases[i].text, strlen(cases[i].text)),
				    cases[i].plain);
	}
	assert_string_equal(plain(f, "a\0b", 3), "a\\x00b");
	assert_string_equal(plain(f, "", 0), "");
}

static void each_character_is_either_unchanged_or_plain_ascii(void **state)
{
	static const uint32_t unsafe[][2] = {
		{0, 0x1f},         {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
		{0x180e, 0x180e},  {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},
		{0x2060, 0x206f},  {0xd800, 0xdfff}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
		{0xe0000, 0xe007f}};
	struct fixture *f = *state;
	char text[4];

	for (uint32_t c = 0; c <= LAST; c++) {
		size_t len = encode(text, c);
		bool escaped = false;

		for (size_t i = 0; i < sizeof(unsafe) / sizeof(*unsafe); i++) {
			escaped = escaped || (c >= unsafe[i][0] && c <= unsafe[i][1]);
		}
		assert_reads_back(f, text, len);
		if (plain_is(text, len) == escaped) {
			fail_msg("U+%04X", c);
		}
		if (escaped) {
			assert_int_equal(f->plain.len, 4 * len);
			assert_true(plain_is(f->plain.data, f->plain.len));
		} else {
			assert_int_equal(f->plain.len, len + (c == '\\'));
		}
	}
}

static void different_texts_have_different_plain_forms(void **state)
{
	/* Everything that the pieces below can be put together to, up to four of them. */
	static const char *const piece[] = {"\\",   "x",    "0a",       "\n",   "\xc2",
					    "\x9b", "\xe2", "\x80\xae", "\xf0", "n"};
	const size_t n = sizeof(piece) / sizeof(*piece);
	struct fixture *f = *state;

	for (size_t i = 0; i < n * n * n * n; i++) {
		buf_clear(&f->text);
		for (size_t j = i; j; j /= n) {
			buf_addstr(&f->text, piece[j % n]);
		}
		if (f->text.len) {
			assert_reads_back(f, f->text.data, f->text.len);
			assert_true(plain_is(f->plain.data, f->plain.len));
		}
	}
}

static void json_stays_json(void **state)
{
	static const struct {
		const char *json, *plain;
	} cases[] = {
		{"\"a\\nb\"", "\"a\\nb\""},
		{"\"\xc2\x9b\x7f\"", "\"\\u009b\\u007f\""},
		{"\"\xe2\x80\xaex\"", "\"\\u202ex\""},
		{"\"\xf3\xa0\x81\xa1\"", "\"\\udb40\\udc61\""},
		{"\"\xc3\xa9\"", "\"\xc3\xa9\""},
		{"\"\xff\"", "\"\\xff\""}, /* not canonical: no longer JSON */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_clear(&f->plain);
		plain_add_json(&f->plain, cases[i].json, strlen(cases[i].json));
		assert_string_equal(f->plain.data, cases[i].plain);
	}
}

static void a_cut_leaves_whole_characters(void **state)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x91\xa9z";
	static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};

	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		assert_int_equal(plain_cut(text, i), kept[i]);
	}
	/* Bytes that begin nothing are not taken for a cut character. */
	assert_int_equal(plain_cut("\x80\x80\x80\x80", 4), 4);
	assert_int_equal(plain_cut("a\x80", 2), 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_terminal_obeys_is_escaped, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			each_character_is_either_unchanged_or_plain_ascii, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			different_texts_have_different_plain_forms, setup, teardown),
		cmocka_unit_test_setup_teardown(json_stays_json, setup, teardown),
		cmocka_unit_test(a_cut_leaves_whole_characters),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
