/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "data/format/secret.h"
#include "data/format/secret_rule.h"

/* RFC 7519, section 3.1; the others are made up. */
#define HEADER "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
#define PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODB9"
#define JWT HEADER "." PAYLOAD ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

static struct secret secret;

/* Looks at JSON source; true if a secret is found. */
static bool find(const char *source)
{
	struct json_value value;
	struct buf canon = {0};
	bool found;

	assert_int_equal(json_read(&canon, &value, source, strlen(source)), 0);
	assert_null(value.unusable);
	secret = (struct secret){0};
	found = secret_find(&secret, canon.data, canon.len);
	buf_release(&canon);
	return found;
}

/* Searches one string, given as its value, both as a value and as a name. */
static bool holds(const char *text)
{
	struct buf source = {0};
	bool value, name;

	buf_addstr(&source, "{\"a\":1,\"b\":[0,{\"c\":");
	json_quote(&source, text, strlen(text));
	buf_addstr(&source, ",\"d\":2}]}");
	name = find(source.data);
	buf_clear(&source);
	buf_addstr(&source, "{\"a\":1,\"b\":[0,{");
	json_quote(&source, text, strlen(text));
	buf_addstr(&source, ":2}]}");
	value = find(source.data);
	buf_release(&source);
	assert_int_equal(value, name);
	return value;
}

static bool is_object(const char *text)
{
	struct json_value value;
	struct buf canon = {0};
	bool is = json_read(&canon, &value, text, strlen(text)) == 0 && *text == '{' &&
		  json_skip_space(text, strlen(text), value.end) == strlen(text);

	buf_release(&canon);
	return is;
}

static void check_reason(const struct secret_rule *rule, const char *text)
{
	size_t len = strlen(secret.reason), name = strlen(rule->name);

	if (len < name || strcmp(secret.reason + len - name, rule->name) != 0) {
		fail_msg("%s: %s, not %s", text, secret.reason, rule->name);
	}
}

static void each_rule_finds_its_examples(void **state)
{
	(void)state;
	for (const struct secret_rule *rule = secret_rule_table; rule->name; rule++) {
		assert_non_null(rule->matches[0]);
		for (size_t i = 0; rule->matches[i]; i++) {
			if (!holds(rule->matches[i])) {
				fail_msg("%s not found: %s", rule->name,
					 rule->matches[i]);
			}
			check_reason(rule, rule->matches[i]);
			if (is_object(rule->matches[i])) {
				assert_true(find(rule->matches[i]));
				check_reason(rule, rule->matches[i]);
			}
		}
	}
}

static void no_rule_finds_what_must_pass(void **state)
{
	(void)state;
	for (const struct secret_rule *rule = secret_rule_table; rule->name; rule++) {
		assert_non_null(rule->passes[0]);
		for (size_t i = 0; rule->passes[i]; i++) {
			if (holds(rule->passes[i]) ||
			    (is_object(rule->passes[i]) && find(rule->passes[i]))) {
				fail_msg("%s: %s", rule->passes[i], secret.reason);
			}
		}
	}
}

/* The sieve looks at blocks: a secret may be anywhere in them, and at the end of a text. */
static void a_secret_is_found_wherever_it_is_in_a_text(void **state)
{
	static const char *const secrets[] = {"https://u:p@h", "{\"secret\":\"x\"}", JWT};
	struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
		for (int before = 0; before < 140; before++) {
			buf_clear(&text);
			buf_addf(&text, "%*s%s", before, "", secrets[i]);
			assert_true(holds(text.data));
			buf_addf(&text, "%*s", 140 - before, "");
			assert_true(holds(text.data));
		}
	}
	buf_release(&text);
}

/* A rule that says the same of two texts would hide that one of them is found by another. */
static void each_rule_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (const struct secret_rule *rule = secret_rule_table; rule->name; rule++) {
		assert_true(strlen(rule->name) < 40);
		for (const struct secret_rule *other = secret_rule_table; other < rule;
		     other++) {
			assert_string_not_equal(rule->name, other->name);
		}
	}
}

static void the_header_s_member_is_one_whatever_it_says(void **state)
{
	(void)state;
	assert_true(find("{\"a\":{\"authorization\":\"x\"}}"));
	assert_string_equal(secret.reason,
			    "'a.authorization' holds an Authorization value");
	assert_int_equal(secret.at, strlen("{\"a\":{\"authorization\":"));
	assert_true(find("{\"a\":[1,{\"Proxy-AUTHORIZATION\":\"x\"}]}"));
	assert_string_equal(secret.reason,
			    "'a[1].Proxy-AUTHORIZATION' holds an Authorization value");
	assert_true(find("{\"a\":{\"authorization\":\"see the manual\"}}"));
	assert_false(find("{\"authorization\":\"\",\"a\":\"x\"}"));
	assert_false(find("{\"authorization\":true}"));
	assert_false(find("{\"authorization\":{\"a\":\"x\"}}"));
	assert_false(find("{\"authorizations\":\"x\"}"));
	assert_false(find("{\"a\":\"authorization\",\"b\":\"x\"}"));
}

static void the_reason_names_the_place_and_never_the_value(void **state)
{
	(void)state;
	assert_true(find("{\"a\":[\"x\",[{\"b\":{},\"c\":\"y " JWT "\"}]]}"));
	assert_string_equal(secret.reason, "'a[1][0].c' holds a JSON Web Token");
	assert_true(find("{\"a\":{\"b\":1,\"" JWT "\":1}}"));
	assert_string_equal(secret.reason,
			    "the name of a member of 'a' holds a JSON Web Token");
	assert_int_equal(secret.at, strlen("{\"a\":{\"b\":1,"));
	assert_true(find("{\"" JWT "\":1}"));
	assert_string_equal(secret.reason, "the name of a member holds a JSON Web Token");
}

static void a_long_path_is_cut_between_characters(void **state)
{
	struct buf source = {0};

	(void)state;
	buf_addstr(&source, "{\"a");
	for (int i = 0; i < 100; i++) {
		buf_addstr(&source, "\xc3\xa9");
	}
	buf_addstr(&source, "\":\"" JWT "\"}");
	assert_true(find(source.data));
	assert_true(json_is_utf8(secret.reason, strlen(secret.reason)));
	assert_non_null(strstr(secret.reason, "...' holds a JSON Web Token"));
	buf_release(&source);
}

static void the_deepest_string_is_looked_at(void **state)
{
	struct buf source = {0};

	(void)state;
	for (int i = 0; i < 512; i++) {
		buf_addstr(&source, i % 2 ? "[" : "{\"m\":");
	}
	buf_addstr(&source, "\"" JWT "\"");
	for (int i = 511; i >= 0; i--) {
		buf_addstr(&source, i % 2 ? "]" : "}");
	}
	assert_true(find(source.data));
	buf_release(&source);
}

/* Texts that would take hours if the work were not proportional to their length. */
static void hostile_texts_are_done_with_soon(void **state)
{
	static const char *const units[] = {
		"eyJ",
		"eyJh",
		"ewog",
		"ewogICJhIjoi",
		"http://a:",
		"://a:b",
		"\\\"password\\\":",
		"{\\\"secret\\\":\\\"***\\\",",
		"\\\"a\\\":",
		"ghp_a",
		"AKIA",
		"xoxb-",
		"@",
		"PuTTY-User-Key-File-",
		"eyJhIjoi",
		"eyJ.",
		"a.",
		"--------BEGIN ",
		"-----BEGIN PRIVATE ",
		"bearer+",
		"basic+",
		"token+",
		"bearer ",
		"authorization:",
		"authorization:bearer",
		"\\\\u0065",
		"%25",
		"\\\\\\\\",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		struct buf source = {0};

		buf_addstr(&source, "{\"a\":\"");
		while (source.len < (4u << 20)) {
			buf_addstr(&source, units[i]);
		}
		buf_addstr(&source, ".eyJ.x eyJ. \\\\u0065 PRIVATE KEY \"}");
		find(source.data);
		buf_release(&source);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_finds_its_examples),
		cmocka_unit_test(no_rule_finds_what_must_pass),
		cmocka_unit_test(each_rule_has_a_name_of_its_own),
		cmocka_unit_test(a_secret_is_found_wherever_it_is_in_a_text),
		cmocka_unit_test(the_header_s_member_is_one_whatever_it_says),
		cmocka_unit_test(the_reason_names_the_place_and_never_the_value),
		cmocka_unit_test(a_long_path_is_cut_between_characters),
		cmocka_unit_test(the_deepest_string_is_looked_at),
		cmocka_unit_test(hostile_texts_are_done_with_soon),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
