/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "exporter/s3/s3_xml.h"

static void an_error_is_read_as_far_as_it_goes(void **state)
{
	static const struct {
		const char *xml, *code, *message, *region;
	} cases[] = {
		{"<?xml version=\"1.0\" "
		 "encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>"
		 "<Message>The key &lt;x&gt; does not exist.</Message><RequestId>1"
		 "</RequestId></Error>",
		 "NoSuchKey", "The key <x> does not exist.", ""},
		{"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1"
		 "</Region></Error>",
		 "AuthorizationHeaderMalformed", "", "eu-west-1"},
		{"<Error><Code>SlowDown</Code><Message>cut of", "SlowDown", "", ""},
		{"<Error><Code></Code></Error>", "", "", ""},
		{"<Error><a><Code>nested</Code></a></Error>", "", "", ""},
		{"<html><Code>of a page</Code></html>", "", "", ""},
		{"404 page not found", "", "", ""},
		{"", "", "", ""},
		{"<!DOCTYPE Error [<!ENTITY e \"NoSuchKey\">]><Error><Code>&e;</Code>"
		 "</Error>",
		 "", "", ""},
	};
	struct s3_xml_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		s3_xml_error(&error, cases[i].xml, strlen(cases[i].xml));
		assert_string_equal(error.code, cases[i].code);
		assert_string_equal(error.message, cases[i].message);
		assert_string_equal(error.region, cases[i].region);
	}
}

static void long_texts_of_an_error_are_cut(void **state)
{
	struct s3_xml_error error;
	struct buf xml = {0};

	(void)state;
	buf_addstr(&xml, "<Error><Code>");
	for (int i = 0; i < 10000; i++) {
		buf_addch(&xml, 'c');
	}
	buf_addstr(&xml, "</Code></Error>");
	s3_xml_error(&error, xml.data, xml.len);
	assert_int_equal(strlen(error.code), sizeof(error.code) - 1);
	buf_release(&xml);
}

#define LIST "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"

static int page_of(struct s3_xml_page *page, const char *xml)
{
	struct err err;

	return s3_xml_page(page, xml, strlen(xml), &err);
}

static const char *key(const struct s3_xml_page *page, size_t i)
{
	return page->text.data + page->entry[i].key;
}

static void a_page_has_keys_etags_sizes_and_where_the_next_one_begins(void **state)
{
	struct s3_xml_page page = {0};

	(void)state;
	assert_int_equal(
		page_of(&page,
			LIST "<Name>b</Name><Prefix>p/</Prefix><IsTruncated>true"
			     "</IsTruncated>"
			     "<Contents><Key>p/a%2Fb.json</Key><ETag>&quot;0f&quot;"
			     "</ETag><Size>7</Size><Owner><ID>x</ID></Owner></Contents>"
			     "<Contents><Size>5000000000</Size><Key>p/&lt;c&gt;</Key>"
			     "</Contents>"
			     "<NextContinuationToken>t=1</NextContinuationToken>"
			     "</ListBucketResult>"),
		0);
	assert_int_equal(page.count, 2);
	assert_string_equal(key(&page, 0), "p/a%2Fb.json");
	assert_string_equal(page.text.data + page.entry[0].etag, "0f");
	assert_int_equal(page.entry[0].size, 7);
	assert_string_equal(key(&page, 1), "p/<c>");
	assert_string_equal(page.text.data + page.entry[1].etag, "");
	assert_int_equal(page.entry[1].size, 5000000000);
	assert_string_equal(page.text.data + page.token, "t=1");

	/* The next one into the same memory: it is the last. */
	assert_int_equal(page_of(&page,
				 LIST "<NextContinuationToken>t</NextContinuationToken>"
				      "</ListBucketResult>"),
			 0);
	assert_int_equal(page.count, 0);
	assert_int_equal(page.token, 0);
	s3_xml_release(&page);
}

static void keys_as_in_a_url_are_unescaped(void **state)
{
	struct s3_xml_page page = {0};

	(void)state;
	assert_int_equal(page_of(&page, LIST "<Contents><Key>p/a%252Fb+c%2B%C3%A9</Key>"
					     "</Contents><EncodingType>url"
					     "</EncodingType></ListBucketResult>"),
			 0);
	assert_string_equal(key(&page, 0), "p/a%2Fb c+\303\251");
	s3_xml_release(&page);
}

static void what_is_no_listing_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"not XML",
		"<Error><Code>x</Code></Error>",
		LIST,
		LIST "<Contents></ListBucketResult>",
		/* no key */
		LIST "<Contents><Size>1</Size></Contents></ListBucketResult>",
		/* not the last page, but none follows */
		LIST "<IsTruncated>true</IsTruncated></ListBucketResult>",
		/* keys that cannot be unescaped */
		LIST "<EncodingType>url</EncodingType><Contents><Key>%zz</Key></Contents>"
		     "</ListBucketResult>",
		LIST "<EncodingType>url</EncodingType><Contents><Key>%00</Key></Contents>"
		     "</ListBucketResult>",
		/* entities of its own */
		"<!DOCTYPE x [<!ENTITY a \"b\">]>" LIST "</ListBucketResult>",
		/* too deep */
		LIST
		"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a>"
		"</a></a></a></a></a></a></a></a></a></a></a></ListBucketResult>",
	};
	struct s3_xml_page page = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(page_of(&page, bad[i]), ERR_FAIL);
	}
	s3_xml_release(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_read_as_far_as_it_goes),
		cmocka_unit_test(long_texts_of_an_error_are_cut),
		cmocka_unit_test(
			a_page_has_keys_etags_sizes_and_where_the_next_one_begins),
		cmocka_unit_test(keys_as_in_a_url_are_unescaped),
		cmocka_unit_test(what_is_no_listing_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
