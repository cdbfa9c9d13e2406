/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "exporter/s3/s3_url.h"

static void a_place_is_a_bucket_and_a_prefix_without_slashes_at_its_ends(void **state)
{
	static const struct {
		const char *url, *bucket, *prefix, *name;
	} cases[] = {
		{"s3://photos/harbour", "photos", "harbour", "s3://photos/harbour/k"},
		{"s3://photos/harbour/", "photos", "harbour", "s3://photos/harbour/k"},
		{"s3://photos", "photos", "", "s3://photos/k"},
		{"s3://photos/", "photos", "", "s3://photos/k"},
		{"s3://A.b_c-9/a/b%2F c/\303\251", "A.b_c-9", "a/b%2F c/\303\251",
		 "s3://A.b_c-9/a/b%2F c/\303\251/k"},
		{"s3://b/...", "b", "...", "s3://b/.../k"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct s3_place place;
		struct buf name = {0};

		assert_int_equal(s3_url_parse(&place, cases[i].url, NULL), 0);
		assert_string_equal(place.bucket, cases[i].bucket);
		assert_string_equal(place.prefix, cases[i].prefix);
		s3_url_name(&name, &place, "k");
		assert_string_equal(name.data, cases[i].name);
		buf_release(&name);
		s3_url_release(&place);
	}
}

static void what_is_no_place_is_refused_and_repeated(void **state)
{
	static const char *const bad[] = {
		"s3:photos",    "s3:/photos",  "S3://photos", "s3://",
		"s3:///x",      "s3://../x",   "s3://.b",     "s3://-b",
		"s3://b c",     "s3://b?x",    "s3://u:p@b",  "s3://b//x",
		"s3://b/x//",   "s3://b/x//y", "s3://b/.",    "s3://b/x/../y",
		"s3://b/./y",   "s3://b/x/..", "s3://b/\xff", "s3://b/a\nb",
		"s3://b/a\x7f",
	};
	struct buf longest = {0};
	struct s3_place place;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_true(s3_url_is(bad[i]));
		assert_int_equal(s3_url_parse(&place, bad[i], &err), ERR_USAGE);
		assert_non_null(strstr(err.msg, bad[i]));
		assert_null(place.bucket);
	}
	buf_addstr(&longest, "s3://b/");
	for (int i = 0; i < 512; i++) {
		buf_addch(&longest, 'x');
	}
	assert_int_equal(s3_url_parse(&place, longest.data, &err), 0);
	s3_url_release(&place);
	buf_addch(&longest, 'x');
	assert_int_equal(s3_url_parse(&place, longest.data, &err), ERR_USAGE);
	buf_release(&longest);
	assert_false(s3_url_is("site"));
	assert_false(s3_url_is("./s3://b"));
}

static void escapes_are_those_of_sigv4_and_are_undone(void **state)
{
	static const char every[] = "AZaz09-._~ !\"#$%&'()*+,/:;<=>?@[\\]^`{|}\303\251";
	struct buf out = {0}, back = {0};

	(void)state;
	s3_url_escape(&out, every, false);
	assert_string_equal(out.data, "AZaz09-._~%20%21%22%23%24%25%26%27%28%29%2A%2B%2C/"
				      "%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D%C3%"
				      "A9");
	assert_true(s3_url_unescape(&back, out.data));
	assert_string_equal(back.data, every);
	buf_clear(&out);
	s3_url_escape(&out, "a%2Fb/c", true);
	assert_string_equal(out.data, "a%252Fb%2Fc");
	assert_false(s3_url_unescape(&back, "a%2"));
	assert_false(s3_url_unescape(&back, "%zz"));
	assert_false(s3_url_unescape(&back, "%00"));
	buf_release(&out);
	buf_release(&back);
}

static void an_endpoint_is_scheme_host_and_base(void **state)
{
	static const struct {
		const char *url, *root, *host, *base;
	} cases[] = {
		{"http://127.0.0.1:7480", "http://127.0.0.1:7480", "127.0.0.1:7480", ""},
		{"https://s3.example.org/", "https://s3.example.org", "s3.example.org",
		 ""},
		{"https://s3.example.org:443/", "https://s3.example.org",
		 "s3.example.org", ""},
		{"http://h:80/", "http://h", "h", ""},
		{"https://h:80", "https://h:80", "h:80", ""},
		{"https://h:4443", "https://h:4443", "h:4443", ""},
		{"HTTP://[::1]:9000/storage/v1/s3/", "http://[::1]:9000", "[::1]:9000",
		 "/storage/v1/s3"},
	};
	static const char *const bad[] = {
		"127.0.0.1:7480", "ftp://h",    "https://",          "https:///x",
		"https://h?x",    "http://h#x", "http://u:secret@h", "http://h/a b",
		"http://h/%2e",   "http://a b",
	};
	struct s3_endpoint endpoint;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(s3_url_endpoint(&endpoint, cases[i].url, "X", NULL), 0);
		assert_string_equal(endpoint.root, cases[i].root);
		assert_string_equal(endpoint.host, cases[i].host);
		assert_string_equal(endpoint.base, cases[i].base);
		s3_url_release_endpoint(&endpoint);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(
			s3_url_endpoint(&endpoint, bad[i], "AWS_ENDPOINT_URL", &err),
			ERR_USAGE);
		assert_non_null(strstr(err.msg, "AWS_ENDPOINT_URL"));
		assert_null(strstr(err.msg, "secret"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_place_is_a_bucket_and_a_prefix_without_slashes_at_its_ends),
		cmocka_unit_test(what_is_no_place_is_refused_and_repeated),
		cmocka_unit_test(escapes_are_those_of_sigv4_and_are_undone),
		cmocka_unit_test(an_endpoint_is_scheme_host_and_base),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
