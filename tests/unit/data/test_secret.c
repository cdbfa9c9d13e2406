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

static void all_hold(const char *const *texts, const char *kind)
{
	for (; *texts; texts++) {
		if (!holds(*texts)) {
			fail_msg("not found: %s", *texts);
		}
		if (!strstr(secret.reason, kind)) {
			fail_msg("%s: %s", *texts, secret.reason);
		}
	}
}

static void none_holds(const char *const *texts)
{
	for (; *texts; texts++) {
		if (holds(*texts)) {
			fail_msg("%s: %s", *texts, secret.reason);
		}
	}
}

static void tokens_are_found_at_any_place(void **state)
{
	static const char *const texts[] = {
		JWT,
		"see " JWT ".",
		"https://example.org/a?token=" JWT "&b=1",
		"token_" JWT,
		"{\"jwt\":\"" JWT "\"}",
		"{\"a\":\"{\\\"jwt\\\":\\\"" JWT "\\\"}\"}",
		"https%3A%2F%2Fexample.org%2F%3Ftoken%3D" JWT "%26b",
		HEADER "%2E" PAYLOAD "%2Edsad",
		/* not signed; encrypted */
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
		"eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..aXY.Y2lwaGVy.dGFn",
		/* a header behind white space */
		"eyAiYWxnIjogIkhTMjU2IiB9." PAYLOAD ".c2ln",
		/* a letter that embedded JSON escapes */
		"{\"jwt\":\"\\u0065yJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD
		".c2ln\"}",
		NULL,
	};

	(void)state;
	all_hold(texts, "a JSON Web Token");
}

static void what_only_looks_like_a_token_is_none(void **state)
{
	static const char *const texts[] = {
		"eyJ",
		HEADER,
		HEADER "." PAYLOAD,
		/* {"a":1} is no header */
		"eyJhIjoxfQ.eyJhIjoxfQ.c2ln",
		/* ["alg"] is no object */
		"WyJhbGciXQ.eyJhIjoxfQ.c2ln",
		"www.example.com.au",
		"monkeyJungle.one.two",
		"1.2.3",
		NULL,
	};

	(void)state;
	none_holds(texts);
}

static void private_keys_are_found(void **state)
{
	static const char *const texts[] = {
		"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
		"x -----BEGIN RSA PRIVATE KEY-----",
		"-----BEGIN EC PRIVATE KEY-----\\nMHc",
		"-----BEGIN DSA PRIVATE KEY-----",
		"-----BEGIN OPENSSH PRIVATE KEY-----\r\n",
		"-----BEGIN ENCRYPTED PRIVATE KEY-----",
		"-----BEGIN PGP PRIVATE KEY BLOCK-----",
		"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
		"key=-----BEGIN%20RSA%20PRIVATE%20KEY-----%0AMIIE",
		"key=-----BEGIN+RSA+PRIVATE+KEY-----",
		"{\"key\":\"-----BEGIN PRIVATE KEY-----\\nMIIE\"}",
		NULL,
	};

	(void)state;
	all_hold(texts, "a private key");
}

static void public_keys_and_talk_of_keys_are_none(void **state)
{
	static const char *const texts[] = {
		"-----BEGIN PUBLIC KEY-----\nMIIB",
		"-----BEGIN CERTIFICATE-----\nMIIB",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----",
		"-----END PRIVATE KEY-----",
		"PRIVATE KEY",
		"-----BEGIN the PRIVATE tour-----",
		NULL,
	};

	(void)state;
	none_holds(texts);
}

static void authorization_values_are_found(void **state)
{
	static const char *const texts[] = {
		"Authorization: Bearer abc",
		"authorization: basic YQ==",
		"Authorization: Token token=\"abc\"",
		"AUTHORIZATION:Digest username=x",
		"curl -H 'Authorization: Bearer 3f2a' https://example.org",
		"Proxy-Authorization: Basic dXNlcjpwYXNz",
		"Authorization: 3f2a9c0011aabbcc",
		"{\"Authorization\":\"secret\"}",
		"{\"headers\":\"{\\\"authorization\\\" : \\\"x\\\"}\"}",
		"\"Authorization\"=>\"Token abc\"",
		"https://example.org/?authorization=Bearer%20abc",
		"https://example.org/?authorization=Bearer+abc",
		"https://example.org/?h=%7B%22authorization%22%3A%22abc%22%7D",
		"Token token=\"abc\", email=\"x\"",
		"token token=abc",
		"Bearer 7f9c2ba4e88f827d",
		"bearer 7f9c2ba4e88f827d",
		"Bearer\t7f9c2ba4e88f827d",
		"sent with Bearer 7f9c2ba4e88f827d616045507605853e",
		"Bearer aBcDeFgHiJkLmNoPqRsT",
		"Basic dXNlcjpwYXNz",
		"with Basic dXNlcjpwYXNzd29yZA==, then",
		/* "user:" and forty letters of two bytes each, cut within a letter */
		"Basic "
		"dXNlcjrDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6"
		"nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqQ==",
		"Basic%20dXNlcjpwYXNz",
		"Token 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b",
		"line\nBearer 7f9c2ba4e88f827d",
		NULL,
	};

	(void)state;
	all_hold(texts, "an Authorization value");
}

static void words_and_signatures_are_none(void **state)
{
	static const char *const texts[] = {
		"",
		"Authorization",
		"authorization: see the manual",
		"{\"authorization\":\"\"}",
		"Authorization: ",
		"Basic training",
		"Basic needs, 2019",
		"basic Instinct",
		"Bearer of good news",
		"Bearer bonds",
		"Standard bearer 1914",
		"Pall bearers",
		"forebearer 7f9c2ba4e88f827d",
		"Token token=\"\"",
		"A token of love",
		"Token ring 1985",
		"The bearer IMG.jpg",
		"https://res.cloudinary.com/sadaasdasd/image/authenticated/s--ft761Nni--/"
		"fl_attachment/v123123/9167bafd0a92.jpg",
		"https://sharinpix-proxy-dev.herokuapp.com/super-image.png?s=3de109a&url="
		"localhost/images/885999a5-58a5-406a-bc8e-2ac5420d60a3/thumbnails/"
		"mini-dc90dc1e2ae.jpg",
		"https://f000.example.com/file/a.jpg?Authorization=3_20160803004041_534",
		"https://s3.amazonaws.com/"
		"a?X-Amz-Credential=AKIA%2F2&X-Amz-Signature=fe5f",
		NULL,
	};

	(void)state;
	none_holds(texts);
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
		cmocka_unit_test(tokens_are_found_at_any_place),
		cmocka_unit_test(what_only_looks_like_a_token_is_none),
		cmocka_unit_test(private_keys_are_found),
		cmocka_unit_test(public_keys_and_talk_of_keys_are_none),
		cmocka_unit_test(authorization_values_are_found),
		cmocka_unit_test(words_and_signatures_are_none),
		cmocka_unit_test(the_header_s_member_is_one_whatever_it_says),
		cmocka_unit_test(the_reason_names_the_place_and_never_the_value),
		cmocka_unit_test(a_long_path_is_cut_between_characters),
		cmocka_unit_test(the_deepest_string_is_looked_at),
		cmocka_unit_test(hostile_texts_are_done_with_soon),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
