/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "exporter/s3/s3_say.h"

static char bucket[] = "photos", prefix[] = "harbour";
static const struct s3_place place = {bucket, prefix};
static const struct s3_who who = {&place, "https://s3.example.org", "AKID",
				  "the AWS profile 'work'", "us-east-1"};

struct answer {
	const char *method;
	int status;
	const char *code; /* of the XML; NULL: the body is none */
	const char *condition;
	int rc;
	bool again;
	const char *words; /* of the message */
};

static void check(const struct answer *answer)
{
	struct s3_wire_request wire = {.status = answer->status};
	bool again;
	struct err err = {0};
	int rc;

	if (answer->code) {
		buf_addf(&wire.answer, "<Error><Code>%s</Code></Error>", answer->code);
	} else {
		buf_addstr(&wire.answer, "<html>nginx</html>");
	}
	rc = s3_say_outcome(&who, &(struct s3_say){answer->method, "k.json"}, &wire,
			    answer->condition, &again, &err);
	if (rc != answer->rc || again != answer->again) {
		print_error("%s %d %s: %d %s\n", answer->method, answer->status,
			    answer->code ? answer->code : "-", rc, err.msg);
	}
	assert_int_equal(rc, answer->rc);
	assert_int_equal(again, answer->again);
	if (rc) {
		assert_non_null(strstr(err.msg, "s3://photos/harbour/k.json"));
		assert_non_null(strstr(err.msg, "https://s3.example.org"));
		assert_non_null(strstr(err.msg, answer->words));
	}
	buf_release(&wire.answer);
}

static void each_answer_has_its_meaning(void **state)
{
	static const struct answer answers[] = {
		{"DELETE", 204, NULL, NULL, 0, false, ""},
		{"DELETE", 404, "NoSuchKey", NULL, 0, false, ""},
		{"LIST", 200, NULL, NULL, 0, false, ""},
		/* A web server that is no S3 server may say 200, or 404, to anything. */
		{"GET", 200, NULL, NULL, ERR_FAIL, false, "is there an S3 server"},
		{"PUT", 201, NULL, NULL, ERR_FAIL, false, "is there an S3 server"},
		{"GET", 404, NULL, NULL, ERR_FAIL, false, "is there an S3 server"},
		{"DELETE", 404, NULL, NULL, ERR_FAIL, false, "is there an S3 server"},
		{"GET", 404, "NoSuchKey", NULL, ERR_NOTFOUND, false, "no such key"},
		{"GET", 404, "NoSuchBucket", NULL, ERR_FAIL, false, "'photos'"},
		{"DELETE", 404, "NoSuchBucket", NULL, ERR_FAIL, false, "'photos'"},
		{"PUT", 404, "NoSuchKey", NULL, ERR_FAIL, false, "NoSuchKey"},
		/* denied */
		{"PUT", 403, "AccessDenied", NULL, ERR_DENIED, false, "s3:PutObject"},
		{"GET", 403, "AccessDenied", NULL, ERR_DENIED, false, "s3:GetObject"},
		{"DELETE", 403, "AccessDenied", NULL, ERR_DENIED, false,
		 "s3:DeleteObject"},
		{"LIST", 403, "AccessDenied", NULL, ERR_DENIED, false, "s3:ListBucket"},
		{"PUT", 403, NULL, NULL, ERR_DENIED, false, "'AKID'"},
		{"PUT", 401, NULL, NULL, ERR_DENIED, false, "'AKID'"},
		{"PUT", 403, "SignatureDoesNotMatch", NULL, ERR_DENIED, false,
		 "the secret of the key 'AKID' (from the AWS profile 'work') is wrong"},
		{"PUT", 403, "InvalidAccessKeyId", NULL, ERR_DENIED, false,
		 "has no key 'AKID'"},
		{"PUT", 400, "ExpiredToken", NULL, ERR_DENIED, false, "session"},
		{"PUT", 403, "InvalidToken", NULL, ERR_DENIED, false, "session"},
		{"PUT", 403, "AccessDenied", "if-match", ERR_DENIED, false, "'AKID'"},
		/* full */
		{"PUT", 403, "QuotaExceeded", NULL, ERR_FULL, false, "quota"},
		{"PUT", 507, NULL, NULL, ERR_FULL, false, "quota"},
		/* passing */
		{"PUT", 500, NULL, NULL, ERR_UNREACHABLE, true, "500"},
		{"PUT", 502, NULL, NULL, ERR_UNREACHABLE, true, "502"},
		{"PUT", 503, "SlowDown", NULL, ERR_UNREACHABLE, true, "503 SlowDown"},
		{"GET", 429, NULL, NULL, ERR_UNREACHABLE, true, "429"},
		{"PUT", 409, "OperationAborted", NULL, ERR_UNREACHABLE, true, "409"},
		{"PUT", 400, "RequestTimeout", NULL, ERR_UNREACHABLE, true, "400"},
		{"PUT", 500, NULL, "if-match", ERR_UNREACHABLE, true, "500"},
		{"PUT", 409, "ConditionalRequestConflict", "if-match", ERR_UNREACHABLE,
		 true, "409"},
		/* neither */
		{"PUT", 501, NULL, NULL, ERR_FAIL, false, "501"},
		{"PUT", 400, "XAmzContentSHA256Mismatch", NULL, ERR_FAIL, false,
		 "XAmzContentSHA256Mismatch"},
		{"GET", 301, NULL, NULL, ERR_FAIL, false, "--region"},
		{"PUT", 307, "TemporaryRedirect", NULL, ERR_FAIL, false,
		 "--endpoint-url"},
		/* conditions */
		{"PUT", 412, "PreconditionFailed", "if-match", ERR_CHANGED, false,
		 "if-match"},
		{"PUT", 412, NULL, "if-none-match", ERR_CHANGED, false, "if-none-match"},
		{"PUT", 404, "NoSuchKey", "if-match", ERR_CHANGED, false, "if-match"},
		{"PUT", 404, "NoSuchBucket", "if-match", ERR_FAIL, false, "'photos'"},
		{"PUT", 501, "NotImplemented", "if-none-match", ERR_REFUSED, false,
		 "if-none-match"},
		{"PUT", 412, NULL, NULL, ERR_FAIL, false, "412"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		check(&answers[i]);
	}
}

static int outcome(const struct s3_wire_request *wire, struct err *err, bool *again)
{
	return s3_say_outcome(&who, &(struct s3_say){"GET", "k"}, wire, NULL, again, err);
}

static void a_bucket_elsewhere_is_named_with_its_region(void **state)
{
	struct s3_wire_request wire = {.status = 301, .region = "eu-west-1"};
	struct err err;
	bool again;

	(void)state;
	assert_int_equal(outcome(&wire, &err, &again), ERR_FAIL);
	assert_non_null(strstr(err.msg, "--region eu-west-1"));
	wire = (struct s3_wire_request){.status = 400};
	buf_addstr(&wire.answer, "<Error><Code>AuthorizationHeaderMalformed</Code>"
				 "<Region>eu-south-1</Region></Error>");
	assert_int_equal(outcome(&wire, &err, &again), ERR_FAIL);
	assert_non_null(strstr(err.msg, "--region eu-south-1"));
	buf_release(&wire.answer);
	/* AWS says in which region the bucket is with every answer. */
	wire = (struct s3_wire_request){.status = 403, .region = "us-east-1"};
	assert_int_equal(outcome(&wire, &err, &again), ERR_DENIED);
}

static void a_wrong_clock_is_said_with_how_much(void **state)
{
	struct s3_wire_request wire = {.status = 403, .date_s = time(NULL) - 3600};
	struct err err;
	bool again;

	(void)state;
	buf_addstr(&wire.answer, "<Error><Code>RequestTimeTooSkewed</Code></Error>");
	assert_int_equal(outcome(&wire, &err, &again), ERR_DENIED);
	assert_non_null(strstr(err.msg, "s fast: set it"));
	wire.date_s += 7200;
	assert_int_equal(outcome(&wire, &err, &again), ERR_DENIED);
	assert_non_null(strstr(err.msg, "s slow: set it"));
	buf_release(&wire.answer);
}

static void no_answer_may_come_next_time_unless_it_cannot(void **state)
{
	struct s3_wire_request wire = {.result = S3_WIRE_BROKEN, .why = "reset"};
	struct err err;
	bool again;

	(void)state;
	assert_int_equal(outcome(&wire, &err, &again), ERR_UNREACHABLE);
	assert_true(again);
	assert_non_null(strstr(err.msg, "reset"));
	wire.result = S3_WIRE_WRONG;
	assert_int_equal(outcome(&wire, &err, &again), ERR_FAIL);
	assert_false(again);
	assert_non_null(strstr(err.msg, "AWS_CA_BUNDLE"));
	wire.result = S3_WIRE_LARGE;
	wire.max = 4096;
	assert_int_equal(outcome(&wire, &err, &again), ERR_LARGE);
	assert_false(again);
	assert_non_null(strstr(err.msg, "4096"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_meaning),
		cmocka_unit_test(a_bucket_elsewhere_is_named_with_its_region),
		cmocka_unit_test(a_wrong_clock_is_said_with_how_much),
		cmocka_unit_test(no_answer_may_come_next_time_unless_it_cannot),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
