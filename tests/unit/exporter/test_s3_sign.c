/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "exporter/s3/s3_sign.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct vector {
	const char *name;
	struct s3_sign_request request; /* without its payload */
	const char *body, *names, *signature;
};

static void check(const struct vector *vector, const struct s3_sign_key *key,
		  const char *date)
{
	struct s3_sign_request request = vector->request;
	struct buf expected = {0}, out = {0};
	char hex[S3_SIGN_HEX];

	s3_sign_hash(hex, vector->body, strlen(vector->body));
	request.payload = hex;
	buf_addf(&expected,
		 "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request,"
		 "SignedHeaders=%s,Signature=%s",
		 key->id, date, key->region, key->service, vector->names,
		 vector->signature);
	s3_sign(&out, key, &request, date);
	if (strcmp(out.data, expected.data) != 0) {
		print_error("%s\n", vector->name);
	}
	assert_string_equal(out.data, expected.data);
	buf_release(&out);
	buf_release(&expected);
}

#define HEADERS(list) .header = (list), .headers = sizeof(list) / sizeof(*(list))

/* S3 API Reference, "Authenticating Requests: Using the Authorization Header", "Examples:
 * Signature Calculations". */
static void the_examples_of_the_s3_api_are_met(void **state)
{
	static const struct s3_sign_key key = {"AKIAIOSFODNN7EXAMPLE",
					       "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
					       "us-east-1", "s3"};
	static const char host[] = "examplebucket.s3.amazonaws.com";
	static const char date[] = "20130524T000000Z";
	static const struct s3_sign_header get[] = {
		{"host", host},
		{"range", "bytes=0-9"},
		{"x-amz-content-sha256", EMPTY},
		{"x-amz-date", date},
	};
	static const struct s3_sign_header put[] = {
		{"date", "Fri, 24 May 2013 00:00:00 GMT"},
		{"host", host},
		{"x-amz-content-sha256",
		 "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
		{"x-amz-date", date},
		{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
	};
	static const struct s3_sign_header list[] = {
		{"host", host}, {"x-amz-content-sha256", EMPTY}, {"x-amz-date", date}};
	static const struct vector vectors[] = {
		{"GET object",
		 {.method = "GET", .path = "/test.txt", .query = "", HEADERS(get)},
		 "",
		 "host;range;x-amz-content-sha256;x-amz-date",
		 "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{"PUT object",
		 {.method = "PUT",
		  .path = "/test%24file.text",
		  .query = "",
		  HEADERS(put)},
		 "Welcome to Amazon S3.",
		 "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		 "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
		{"GET bucket lifecycle",
		 {.method = "GET", .path = "/", .query = "lifecycle=", HEADERS(list)},
		 "",
		 "host;x-amz-content-sha256;x-amz-date",
		 "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		{"GET bucket",
		 {.method = "GET",
		  .path = "/",
		  .query = "max-keys=2&prefix=J",
		  HEADERS(list)},
		 "",
		 "host;x-amz-content-sha256;x-amz-date",
		 "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		check(&vectors[i], &key, date);
	}
}

/* aws-sig-v4-test-suite. */
static void the_test_suite_of_version_4_is_met(void **state)
{
	static const struct s3_sign_key key = {"AKIDEXAMPLE",
					       "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
					       "us-east-1", "service"};
	static const char date[] = "20150830T123600Z";
	static const struct s3_sign_header two[] = {{"host", "example.amazonaws.com"},
						    {"x-amz-date", date}};
	static const struct s3_sign_header trim[] = {{"host", "example.amazonaws.com"},
						     {"my-header1", "value1"},
						     {"my-header2", "\"a b c\""},
						     {"x-amz-date", date}};
	static const struct s3_sign_header form[] = {
		{"content-type", "application/x-www-form-urlencoded"},
		{"host", "example.amazonaws.com"},
		{"x-amz-date", date}};
	static const struct vector vectors[] = {
		{"get-vanilla",
		 {.method = "GET", .path = "/", .query = "", HEADERS(two)},
		 "",
		 "host;x-amz-date",
		 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case",
		 {.method = "GET",
		  .path = "/",
		  .query = "Param1=value1&Param2=value2",
		  HEADERS(two)},
		 "",
		 "host;x-amz-date",
		 "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-utf8",
		 {.method = "GET", .path = "/%E1%88%B4", .query = "", HEADERS(two)},
		 "",
		 "host;x-amz-date",
		 "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
		{"get-header-value-trim",
		 {.method = "GET", .path = "/", .query = "", HEADERS(trim)},
		 "",
		 "host;my-header1;my-header2;x-amz-date",
		 "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"post-x-www-form-urlencoded",
		 {.method = "POST", .path = "/", .query = "", HEADERS(form)},
		 "Param1=value1",
		 "content-type;host;x-amz-date",
		 "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		check(&vectors[i], &key, date);
	}
}

static void a_date_is_of_utc(void **state)
{
	char date[S3_SIGN_DATE];

	(void)state;
	s3_sign_date(date, 1369353600);
	assert_string_equal(date, "20130524T000000Z");
	s3_sign_date(date, 1440938160);
	assert_string_equal(date, "20150830T123600Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_s3_api_are_met),
		cmocka_unit_test(the_test_suite_of_version_4_is_met),
		cmocka_unit_test(a_date_is_of_utc),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
