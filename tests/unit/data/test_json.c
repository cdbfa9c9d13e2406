/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/base/file.h"
#include "data/format/json.h"
#include "data/format/json_print.h"

/* Reads `text` and compares its canonical text with `want`. */
static void check_canonical(const char *text, const char *want)
{
	struct json_value value;
	struct buf canon = {0};

	if (json_read(&canon, &value, text, strlen(text)) < 0) {
		fail_msg("%s: %s at %zu", text, value.reason, value.failed_at);
	}
	assert_null(value.unusable);
	assert_string_equal(canon.data, want);
	assert_int_equal(canon.len, strlen(want));
	buf_release(&canon);
}

static void check_same(const char *text)
{
	check_canonical(text, text);
}

static void check_failure_of(const char *text, size_t len, size_t at, const char *reason)
{
	struct json_value value;
	struct buf canon = {0};

	buf_addstr(&canon, "kept");
	if (json_read(&canon, &value, text, len) == 0) {
		fail_msg("taken as JSON: %s", text);
	}
	assert_string_equal(value.reason, reason);
	assert_int_equal(value.failed_at, at);
	assert_string_equal(canon.data, "kept");
	assert_int_equal(canon.len, 4);
	buf_release(&canon);
}

static void check_failure(const char *text, size_t at, const char *reason)
{
	check_failure_of(text, strlen(text), at, reason);
}

static void white_space_goes_and_order_stays(void **state)
{
	(void)state;
	check_canonical(" \t\r\n{ \"b\" : [ 1 , { } , [ ] ] ,\n\t\"a\" : true } ",
			"{\"b\":[1,{},[]],\"a\":true}");
	check_canonical("[\n\n]", "[]");
	check_canonical("  null", "null");
	check_same("\" a  b \"");
	check_same("{\"a\":1,\"a\":2}");
}

static void numbers_stay_as_written(void **state)
{
	(void)state;
	check_same("[0,-0,0.0,-0.0,48.861934399999996,0.30000000000000004,1e400]");
	check_same("[123456789012345678901234567890,1E+2,1e-0,99.99999999999999,1.50]");
	check_same("-12");
	check_canonical("7 ", "7");
}

static void strings_have_one_spelling(void **state)
{
	(void)state;
	check_same("\"\\\"\\\\\\b\\f\\n\\r\\t\"");
	check_canonical("\"\\/\"", "\"/\"");
	check_canonical("\"\\u0022\\u005C\\u0008\\u000c\\u000A\\u000D\\u0009\"",
			"\"\\\"\\\\\\b\\f\\n\\r\\t\"");
	check_canonical("\"\\u0000\\u001F\\u000B\"", "\"\\u0000\\u001f\\u000b\"");
	check_canonical("\"\\u0041\\u00e9\\u20AC\\u007f\"",
			"\"A\xc3\xa9\xe2\x82\xac\x7f\"");
	check_canonical("\"\\ud83d\\ude00\\uD83D\\uDE00\"",
			"\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"");
	check_same("\"\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xee\x80"
		   "\x80\"");
	check_canonical("\"&<>\\u0026\\u003C\\u003e\"",
			"\"\\u0026\\u003c\\u003e\\u0026\\u003c\\u003e\"");
	check_canonical("\"\xe2\x80\xa8\xe2\x80\xa9\\u2028\\u2029\xe2\x80\xaa\"",
			"\"\\u2028\\u2029\\u2028\\u2029\xe2\x80\xaa\"");
	check_canonical("{\"a\\u0026b\":1}", "{\"a\\u0026b\":1}");
	check_canonical("{\"\\u0061&\":1}", "{\"a\\u0026\":1}");
}

static void every_place_in_a_word_is_copied_right(void **state)
{
	static const char *const odd[][2] = {
		{"&", "\\u0026"}, {"\\/", "/"}, {"\xc3\xa9", "\xc3\xa9"},
		{"\\n", "\\n"},   {"=", "="},   {"\\u0041", "A"}};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		for (int before = 0; before < 40; before++) {
			char text[128], want[128];

			snprintf(text, sizeof(text), "[\"%.*s%s%.*s\"]", before,
				 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ", odd[i][0],
				 40 - before,
				 "!#$%'()*+,-./0123456789:;=?@[]^_`{|}~ !#$%");
			snprintf(want, sizeof(want), "[\"%.*s%s%.*s\"]", before,
				 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ", odd[i][1],
				 40 - before,
				 "!#$%'()*+,-./0123456789:;=?@[]^_`{|}~ !#$%");
			check_canonical(text, want);
		}
	}
}

static void text_that_grows_finds_room(void **state)
{
	size_t count = 300000;
	char *text = xmalloc(count + 2);
	struct json_value value;
	struct buf canon = {0};

	(void)state;
	memset(text, '&', count + 2);
	text[0] = text[count + 1] = '"';
	assert_int_equal(json_read(&canon, &value, text, count + 2), 0);
	assert_int_equal(canon.len, 6 * count + 2);
	for (size_t i = 1; i < canon.len - 1; i += 6) {
		assert_memory_equal(canon.data + i, "\\u0026", 6);
	}
	memset(text, '7', count + 2);
	buf_release(&canon);
	assert_int_equal(json_read(&canon, &value, text, count + 2), 0);
	assert_memory_equal(canon.data, text, count + 2);
	buf_release(&canon);
	free(text);
}

static void what_follows_the_value_is_left(void **state)
{
	struct json_value value;
	struct buf canon = {0};

	(void)state;
	assert_int_equal(json_read(&canon, &value, " {} ]x", 6), 0);
	assert_int_equal(value.begin, 1);
	assert_int_equal(value.end, 3);
	assert_int_equal(json_read(&canon, &value, "12,", 3), 0);
	assert_int_equal(value.end, 2);
	assert_string_equal(canon.data, "{}12");
	assert_int_equal(json_skip_space(" \t\r\n\vx", 6, 0), 4);
	assert_int_equal(json_skip_space("x  ", 3, 1), 3);
	buf_release(&canon);
}

static void wrong_structure_says_where_and_why(void **state)
{
	(void)state;
	check_failure("", 0, "there is no JSON value");
	check_failure("  \n", 3, "there is no JSON value");
	check_failure("[", 1, "the document ends inside an array");
	check_failure("[1,", 3, "the document ends inside an array");
	check_failure("{", 1, "the document ends inside an object");
	check_failure("{\"a\"", 4, "the document ends inside an object");
	check_failure("{\"a\":", 5, "the document ends inside an object");
	check_failure("{\"a\":[{}", 8, "the document ends inside an array");
	check_failure("[1,]", 3, "expected a value");
	check_failure("[,1]", 1, "expected a value");
	check_failure("]", 0, "expected a value");
	check_failure("{\"a\":1,}", 7, "expected a member name in double quotes");
	check_failure("{a:1}", 1, "expected a member name in double quotes");
	check_failure("{'a':1}", 1, "expected a member name in double quotes");
	check_failure("{\"a\" 1}", 5, "expected ':' after a member name");
	check_failure("{\"a\":1 \"b\":2}", 7, "expected ',' or '}' after a member");
	check_failure("{\"a\":1]", 6, "expected ',' or '}' after a member");
	check_failure("[1 2]", 3, "expected ',' or ']' after an element");
	check_failure("[1}", 2, "expected ',' or ']' after an element");
	check_failure("\xef\xbb\xbf{}", 0,
		      "byte order mark; save it as UTF-8 without one");
	check_failure_of("[1,\0]", 5, 3, "expected a value");
	check_failure("[1,\f2]", 3, "expected a value");
}

static void wrong_scalars_say_where_and_why(void **state)
{
	(void)state;
	check_failure("01", 0, "number has a leading zero");
	check_failure("[-00]", 2, "number has a leading zero");
	check_failure("-", 1, "expected a digit after '-'");
	check_failure("[-a]", 2, "expected a digit after '-'");
	check_failure("1.", 2, "expected a digit after the decimal point");
	check_failure("[1.e5]", 3, "expected a digit after the decimal point");
	check_failure("1e", 2, "expected a digit in the exponent");
	check_failure("[1e+]", 4, "expected a digit in the exponent");
	check_failure("+1", 0, "expected a value");
	check_failure(".5", 0, "expected a value");
	check_failure("[1x]", 2, "unexpected letter or digit after a value");
	check_failure("0x10", 1, "unexpected letter or digit after a value");
	check_failure("nullx", 4, "unexpected letter or digit after a value");
	check_failure("true1", 4, "unexpected letter or digit after a value");
	check_failure("nul", 0, "unknown word; expected true, false, null or a string");
	check_failure("[NaN]", 1, "unknown word; expected true, false, null or a string");
	check_failure("True", 0, "unknown word; expected true, false, null or a string");
}

static void wrong_strings_say_where_and_why(void **state)
{
	static const char raw[] = "control character in a string; write it as an escape";

	(void)state;
	check_failure("\"a", 2, "the document ends inside a string");
	check_failure("[\"abcdefghijklm", 15, "the document ends inside a string");
	check_failure("\"\\", 2, "the document ends inside a string");
	check_failure("\"\\\"", 3, "the document ends inside a string");
	check_failure("\"ab\ncd\"", 3, raw);
	check_failure("\"0123456789\x1f\"", 11, raw);
	check_failure_of("\"\0\"", 3, 1, raw);
	check_failure("\"a\\x\"", 2, "unknown escape in a string");
	check_failure("\"\\'\"", 1, "unknown escape in a string");
	check_failure("\"\\U0041\"", 1, "unknown escape in a string");
	check_failure_of("\"\\\0\"", 4, 1, "unknown escape in a string");
	check_failure("\"\\u12\"", 1, "unicode escape without four hexadecimal digits");
	check_failure("\"\\uX000\"", 1, "unicode escape without four hexadecimal digits");
	check_failure("\"\\u00G0\"", 1, "unicode escape without four hexadecimal digits");
	check_failure("\"\\ud83d\\u12\"", 7,
		      "unicode escape without four hexadecimal digits");
}

static void utf8_is_checked(void **state)
{
	static const char *const bad[] = {"\x80",
					  "\xbf",
					  "\xc0\x80",
					  "\xc1\xbf",
					  "\xc3",
					  "\xc3(",
					  "\xe0\x9f\xbf",
					  "\xed\xa0\x80",
					  "\xed\xbf\xbf",
					  "\xe2\x82",
					  "\xe2(\xa1",
					  "\xe2\x82(",
					  "\xf0\x8f\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xf0\x9f\x98",
					  "\xff",
					  "\xfe"};
	static const char *const good[] = {
		"\xc2\x80",     "\xdf\xbf",     "\xe0\xa0\x80",     "\xed\x9f\xbf",
		"\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[64];

		snprintf(text, sizeof(text), "[\"0123456789%s\"]", bad[i]);
		check_failure(text, 12, "invalid UTF-8");
		assert_false(json_is_utf8(text, strlen(text)));
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		char text[64];

		snprintf(text, sizeof(text), "\"%s\"", good[i]);
		check_same(text);
		assert_true(json_is_utf8(text, strlen(text)));
	}
	assert_true(json_is_utf8("a\0b", 3));
	assert_true(json_is_utf8("", 0));
}

static void half_a_surrogate_pair_is_read_to_its_end(void **state)
{
	static const struct {
		const char *text;
		size_t at;
	} halves[] = {{"[\"\\ud83d\",1]", 2},
		      {"[\"\\ude00\",1]", 2},
		      {"[\"\\ud83dx\",1]", 2},
		      {"[\"a\\ud83d\\u0041\",1]", 3},
		      {"[\"\\ud83d\\ud83d\",1]", 2},
		      {"[\"\\ude00\\ud83d\",1]", 2},
		      {"{\"\\udfff\":[\"\\ud800\"]}", 2}};
	struct json_value value;
	struct buf canon = {0};

	(void)state;
	buf_addstr(&canon, "kept");
	for (size_t i = 0; i < sizeof(halves) / sizeof(*halves); i++) {
		size_t len = strlen(halves[i].text);

		assert_int_equal(json_read(&canon, &value, halves[i].text, len), 0);
		assert_non_null(value.unusable);
		assert_int_equal(value.unusable_at, halves[i].at);
		assert_int_equal(value.end, len);
		assert_string_equal(canon.data, "kept");
	}
	buf_release(&canon);
	check_failure("[\"\\ud83d\",]", 10, "expected a value");
}

static void depth_is_counted_not_limited(void **state)
{
	size_t levels = 100001; /* the innermost is an array */
	char *text = xmalloc(6 * levels + 1);
	struct json_value value;
	struct buf canon = {0};

	(void)state;
	assert_int_equal(json_read(&canon, &value, "1", 1), 0);
	assert_int_equal(value.depth, 0);
	assert_int_equal(json_read(&canon, &value, "[[],{\"a\":[]},[]]", 16), 0);
	assert_int_equal(value.depth, 3);

	memset(text, '[', levels);
	check_failure_of(text, levels, levels, "the document ends inside an array");
	memset(text + levels, ']', levels);
	assert_int_equal(json_read(&canon, &value, text, 2 * levels), 0);
	assert_int_equal(value.depth, levels);

	/* Objects and arrays in turn, so that a lost bit shows. */
	buf_clear(&canon);
	for (size_t i = 0; i < levels; i++) {
		memcpy(text + 5 * i, i % 3 ? "    [" : "{\"a\":", 5);
		text[5 * levels + i] = (levels - 1 - i) % 3 ? ']' : '}';
	}
	assert_int_equal(json_read(&canon, &value, text, 6 * levels), 0);
	assert_int_equal(value.depth, levels);
	buf_release(&canon);
	free(text);
}

static void source_offset_leads_back(void **state)
{
	/* Each marked byte stands for itself on both sides. */
	static const char text[] =
		" { \"\\u0061&\" : [ 10 , \"x\\/\\ud83d\\ude00Y\xc3\xa9\" ] }";
	struct json_value value;
	struct buf canon = {0};

	(void)state;
	assert_int_equal(json_read(&canon, &value, text, strlen(text)), 0);
	for (const char *mark = "{:[1xY]}"; *mark; mark++) {
		size_t off = (size_t)(strchr(canon.data, *mark) - canon.data);
		size_t want = (size_t)(strchr(text, *mark) - text);

		if (*mark == '1') {
			want = (size_t)(strstr(text, "10") - text);
		}
		assert_int_equal(json_source_offset(text, strlen(text), off), want);
	}
	/* Bytes of one escape lead to its start. */
	assert_int_equal(json_source_offset(text, strlen(text), 2), 4);
	assert_int_equal(json_source_offset(text, strlen(text), 3), 10);
	assert_int_equal(json_source_offset(text, strlen(text), 8), 10);
	assert_int_equal(json_source_offset(text, strlen(text), canon.len + 9),
			 strlen(text));
	buf_release(&canon);
}

static void check_span(const char *canon, const struct json_span *span, const char *want)
{
	assert_int_equal(span->len, strlen(want));
	assert_memory_equal(canon + span->off, want, span->len);
}

static void members_are_listed_in_order(void **state)
{
	static const char canon[] =
		"{\"a\":\"]},\\\"\\\\\",\"b\\\"\":{\"x\":[{}],\"}\":[\"]\"]},"
		"\"\":-1.5e3,\"d\":[],\"e\":null,\"a\":{}}";
	static const char *const want[][2] = {{"\"a\"", "\"]},\\\"\\\\\""},
					      {"\"b\\\"\"", "{\"x\":[{}],\"}\":[\"]\"]}"},
					      {"\"\"", "-1.5e3"},
					      {"\"d\"", "[]"},
					      {"\"e\"", "null"},
					      {"\"a\"", "{}"}};
	struct json_object object = {0};

	(void)state;
	json_members(&object, canon, strlen(canon));
	assert_int_equal(object.count, 6);
	for (size_t i = 0; i < object.count; i++) {
		check_span(canon, &object.member[i].key, want[i][0]);
		check_span(canon, &object.member[i].value, want[i][1]);
	}
	assert_ptr_equal(json_find(&object, canon, "\"a\""), &object.member[0]);
	assert_ptr_equal(json_find(&object, canon, "\"e\""), &object.member[4]);
	assert_null(json_find(&object, canon, "\"A\""));
	assert_null(json_find(&object, canon, "\"x\""));
	assert_int_equal(json_duplicate(&object, canon), object.member[5].key.off);
	json_members(&object, "{}", 2);
	assert_int_equal(object.count, 0);
	assert_int_equal(json_duplicate(&object, "{}"), (size_t)-1);
	json_object_release(&object);
	json_object_release(NULL);
}

static void elements_are_listed_in_order(void **state)
{
	static const char canon[] = "[1,\"a,b\",[2,3],{\"k\":[4]},true]";
	static const char *const want[] = {"1", "\"a,b\"", "[2,3]", "{\"k\":[4]}",
					   "true"};
	struct json_object array = {0};

	(void)state;
	json_elements(&array, canon, strlen(canon));
	assert_int_equal(array.count, 5);
	for (size_t i = 0; i < array.count; i++) {
		check_span(canon, &array.member[i].value, want[i]);
		assert_int_equal(array.member[i].key.len, 0);
	}
	json_elements(&array, "[]", 2);
	assert_int_equal(array.count, 0);
	json_object_release(&array);
}

/* An object of `count` members with different names, except that member `again`, if
 * there is one, has the name of member 0. */
static void make_members(struct buf *out, size_t count, size_t again)
{
	buf_clear(out);
	for (size_t i = 0; i < count; i++) {
		buf_addf(out, "%c\"name %zu\":%zu", i ? ',' : '{', i == again ? 0 : i, i);
	}
	buf_addch(out, '}');
}

static void duplicates_are_found_at_any_size(void **state)
{
	static const size_t counts[] = {2, 3, 40, 127, 128, 129, 130, 5000};
	struct json_object object = {0};
	struct buf canon = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		size_t last = counts[i] - 1;

		make_members(&canon, counts[i], SIZE_MAX);
		json_members(&object, canon.data, canon.len);
		assert_int_equal(object.count, counts[i]);
		assert_int_equal(json_duplicate(&object, canon.data), (size_t)-1);
		make_members(&canon, counts[i], last);
		json_members(&object, canon.data, canon.len);
		assert_int_equal(json_duplicate(&object, canon.data),
				 object.member[last].key.off);
	}
	json_object_release(&object);
	buf_release(&canon);
}

static void the_first_of_several_duplicates_is_named(void **state)
{
	struct json_object object = {0};
	struct buf canon = {0};

	(void)state;
	buf_addstr(&canon, "{\"z\":0,\"b\":0,\"b\":0,\"a\":0,\"a\":0,\"b\":0");
	for (int i = 0; i < 200; i++) {
		buf_addf(&canon, ",\"%d\":0", i);
	}
	buf_addch(&canon, '}');
	json_members(&object, canon.data, canon.len);
	assert_int_equal(json_duplicate(&object, canon.data), object.member[2].key.off);
	json_object_release(&object);
	buf_release(&canon);
}

static void check_string(const char *canon, const char *want)
{
	struct buf out = {0};
	struct buf quoted = {0};

	buf_addstr(&out, "+");
	assert_int_equal(json_string(&out, canon, strlen(canon)), 0);
	assert_string_equal(out.data + 1, want);
	json_quote(&quoted, out.data + 1, out.len - 1);
	assert_string_equal(quoted.data, canon);
	buf_release(&quoted);
	buf_release(&out);
}

static void strings_are_read_and_written_alike(void **state)
{
	(void)state;
	check_string("\"\"", "");
	check_string("\"plain, long enough for words of eight\"",
		     "plain, long enough for words of eight");
	check_string("\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\"",
		     "\"\\\b\f\n\r\t\x01\x1f");
	check_string("\"\\u0026\\u003c\\u003e\\u2028\\u2029\"",
		     "&<>\xe2\x80\xa8\xe2\x80\xa9");
	check_string("\"\xc3\xa9\xf0\x9f\x98\x80\x7f\"", "\xc3\xa9\xf0\x9f\x98\x80\x7f");
	check_string("\"\\\\u0000\"", "\\u0000");
	check_string("\"\\\\\\\\u0000\"", "\\\\u0000");
}

static void nul_in_a_string_is_told(void **state)
{
	struct buf out = {0};

	(void)state;
	assert_int_equal(json_string(&out, "\"\\u0000\"", 8), -1);
	assert_int_equal(json_string(&out, "\"a\\\\\\u0000b\"", 12), -1);
	assert_int_equal(out.len, 0);
	json_quote(&out, "a\0b", 3);
	assert_string_equal(out.data, "\"a\\u0000b\"");
	buf_release(&out);
}

static void check_sample(const char *name, size_t want_len)
{
	const char *dir = getenv("ALBUMEN_SAMPLES");
	struct buf path = {0}, text = {0}, canon = {0}, again = {0};
	struct json_value value;
	struct err err = {0};

	buf_addf(&path, "%s/%s", dir ? dir : "data/samples", name);
	if (file_read(&text, path.data, 1 << 20, &err) < 0) {
		fail_msg("%s", err.msg);
	}
	assert_int_equal(json_read(&canon, &value, text.data, text.len), 0);
	assert_int_equal(value.end, text.len);
	assert_int_equal(canon.len, want_len);
	assert_int_equal(json_read(&again, &value, canon.data, canon.len), 0);
	assert_string_equal(again.data, canon.data);
	buf_release(&path);
	buf_release(&text);
	buf_release(&canon);
	buf_release(&again);
}

static void recorded_bodies_have_their_recorded_length(void **state)
{
	(void)state;
	check_sample("tag-images-of-an-image.json", 3436);
	check_sample("untagged-images-of-an-album.json", 723);
}

static void printed_values_have_commas_between_them(void **state)
{
	struct buf out = {0};

	(void)state;
	json_print_open(&out, NULL, '{');
	json_print_string(&out, "a", "{");
	json_print_string(&out, "none", NULL);
	json_print_open(&out, "list", '[');
	json_print_number(&out, NULL, UINT64_MAX);
	json_print_number(&out, NULL, 0);
	json_print_raw(&out, NULL, "[0.0]");
	buf_addstr(&out, "],\n");
	json_print_bool(&out, "yes", true);
	json_print_maybe(&out, "n", 1, true);
	json_print_maybe(&out, "m", 1, false);
	json_print_name(&out, "raw");
	json_print_open(&out, NULL, '{');
	json_print_bool(&out, "no", false);
	buf_addstr(&out, "}}\n");
	json_print_open(&out, NULL, '{');
	buf_addstr(&out, "}\n");
	assert_string_equal(
		out.data,
		"{\"a\":\"{\",\"none\":null,"
		"\"list\":[18446744073709551615,0,[0.0]],\n"
		"\"yes\":true,\"n\":1,\"m\":null,\"raw\":{\"no\":false}}\n{}\n");
	buf_release(&out);
}

static void printed_strings_are_canonical(void **state)
{
	struct buf out = {0};

	(void)state;
	json_print_bytes(&out, NULL, "\0\x1f\x7f\"\\/&<>", 9);
	json_print_string(&out, NULL, "\xe2\x80\xa8\xe2\x80\xa9\xf0\x9f\x98\x80\n");
	assert_string_equal(out.data, "\"\\u0000\\u001f\x7f\\\"\\\\/"
				      "\\u0026\\u003c\\u003e\","
				      "\"\\u2028\\u2029\xf0\x9f\x98\x80\\n\"");
	buf_release(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(white_space_goes_and_order_stays),
		cmocka_unit_test(numbers_stay_as_written),
		cmocka_unit_test(strings_have_one_spelling),
		cmocka_unit_test(every_place_in_a_word_is_copied_right),
		cmocka_unit_test(text_that_grows_finds_room),
		cmocka_unit_test(what_follows_the_value_is_left),
		cmocka_unit_test(wrong_structure_says_where_and_why),
		cmocka_unit_test(wrong_scalars_say_where_and_why),
		cmocka_unit_test(wrong_strings_say_where_and_why),
		cmocka_unit_test(utf8_is_checked),
		cmocka_unit_test(half_a_surrogate_pair_is_read_to_its_end),
		cmocka_unit_test(depth_is_counted_not_limited),
		cmocka_unit_test(source_offset_leads_back),
		cmocka_unit_test(members_are_listed_in_order),
		cmocka_unit_test(elements_are_listed_in_order),
		cmocka_unit_test(duplicates_are_found_at_any_size),
		cmocka_unit_test(the_first_of_several_duplicates_is_named),
		cmocka_unit_test(strings_are_read_and_written_alike),
		cmocka_unit_test(nul_in_a_string_is_told),
		cmocka_unit_test(printed_values_have_commas_between_them),
		cmocka_unit_test(printed_strings_are_canonical),
		cmocka_unit_test(recorded_bodies_have_their_recorded_length),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
