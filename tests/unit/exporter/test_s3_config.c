/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/folder_fixture.h"

#include "exporter/s3/s3_config.h"

static const char *const variables[] = {
	"AWS_ACCESS_KEY_ID",  "AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",  "AWS_REGION",
	"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3",
	"AWS_ENDPOINT_URL",   "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	"AWS_PROFILE",        "AWS_SHARED_CREDENTIALS_FILE",
	"AWS_CONFIG_FILE",    "AWS_CA_BUNDLE",
};

static const char credentials[] = "# a comment\n"
				  "[default]\n"
				  "aws_access_key_id = DEFAULT\n"
				  "aws_secret_access_key = s3cret/+=x \n"
				  "\n"
				  "[work]\n"
				  "AWS_ACCESS_KEY_ID=WORK\r\n"
				  "aws_secret_access_key\t=\tfirst\n"
				  "aws_secret_access_key\t=\tlast\n"
				  "aws_session_token = TOKEN==\n"
				  "[half]\n"
				  "aws_access_key_id = HALF\n"
				  "[blank]\n"
				  "aws_access_key_id = A B\n"
				  "aws_secret_access_key = x\n";
static const char config[] = "[default]\n"
			     "region = eu-north-1\n"
			     "[profile work]\n"
			     "region = eu-west-1\n"
			     "endpoint_url = https://general.example.org\n"
			     "services = local\n"
			     "ca_bundle = /etc/ca.pem\n"
			     "s3 =\n"
			     "  region = nested-1\n"
			     "[profile \"login\"]\n"
			     "sso_session = x\n"
			     "[profile plain]\n"
			     "endpoint_url = https://plain.example.org\n"
			     "aws_access_key_id = PLAIN\n"
			     "aws_secret_access_key = of-config\n"
			     "[services local]\n"
			     "ec2 =\n"
			     "  endpoint_url = https://ec2.example.org\n"
			     "s3 =\n"
			     "  endpoint_url = http://127.0.0.1:7480\n"
			     "  other = x\n";

/* A home with the two files, and no variable. */
static int setup(void **state)
{
	struct folder_fixture *f;

	if (folder_setup(state)) {
		return -1;
	}
	f = *state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		unsetenv(variables[i]);
	}
	setenv("HOME", f->dir.data, 1);
	make_dir(f, ".aws");
	put(f, ".aws/credentials", credentials);
	put(f, ".aws/config", config);
	return 0;
}

/* Reads the configuration into *out. Returns the code. */
static int read_with(struct s3_config *out, struct err *err, const char *endpoint_url,
		     const char *region)
{
	*err = (struct err){0};
	return s3_config_read(out, &(struct s3_settings){endpoint_url, region}, err);
}

static void without_variables_the_profile_default_counts(void **state)
{
	struct folder_fixture *f = *state;
	struct s3_config c;

	/* It belongs to the key of another variable. */
	setenv("AWS_SESSION_TOKEN", "of-another", 1);
	assert_int_equal(read_with(&c, &f->err, NULL, NULL), 0);
	assert_string_equal(c.id, "DEFAULT");
	assert_string_equal(c.secret, "s3cret/+=x");
	assert_null(c.token);
	assert_string_equal(c.region, "eu-north-1");
	assert_null(c.endpoint_url);
	assert_null(c.ca_bundle);
	assert_non_null(strstr(c.from, "'default'"));
	s3_config_release(&c);
}

static void AWS_PROFILE_chooses_a_profile_of_both_files(void **state)
{
	struct folder_fixture *f = *state;
	struct s3_config c;

	setenv("AWS_PROFILE", "work", 1);
	assert_int_equal(read_with(&c, &f->err, NULL, NULL), 0);
	assert_string_equal(c.id, "WORK");
	assert_string_equal(c.secret, "last");
	assert_string_equal(c.token, "TOKEN==");
	assert_string_equal(c.region, "eu-west-1");
	assert_string_equal(c.endpoint_url, "http://127.0.0.1:7480");
	assert_string_equal(c.ca_bundle, "/etc/ca.pem");
	s3_config_release(&c);
	setenv("AWS_PROFILE", "plain", 1);
	assert_int_equal(read_with(&c, &f->err, NULL, NULL), 0);
	assert_string_equal(c.id, "PLAIN");
	assert_string_equal(c.secret, "of-config");
	assert_string_equal(c.region, "us-east-1");
	assert_string_equal(c.endpoint_url, "https://plain.example.org");
	s3_config_release(&c);
}

static void variables_come_before_the_profile_and_options_before_them(void **state)
{
	struct folder_fixture *f = *state;
	struct s3_config c;

	setenv("AWS_PROFILE", "work", 1);
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "env", 1);
	setenv("AWS_DEFAULT_REGION", "default-region", 1);
	setenv("AWS_ENDPOINT_URL", "https://all.example.org", 1);
	setenv("AWS_CA_BUNDLE", "/ca", 1);
	assert_int_equal(read_with(&c, &f->err, NULL, NULL), 0);
	assert_string_equal(c.id, "ENV");
	assert_string_equal(c.secret, "env");
	/* The session of another key is none of this one. */
	assert_null(c.token);
	assert_string_equal(c.region, "default-region");
	assert_string_equal(c.endpoint_url, "https://all.example.org");
	assert_string_equal(c.endpoint_from, "AWS_ENDPOINT_URL");
	assert_string_equal(c.ca_bundle, "/ca");
	s3_config_release(&c);

	setenv("AWS_SESSION_TOKEN", "session", 1);
	setenv("AWS_REGION", "region", 1);
	setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.org", 1);
	assert_int_equal(read_with(&c, &f->err, NULL, NULL), 0);
	assert_string_equal(c.token, "session");
	assert_string_equal(c.region, "region");
	assert_string_equal(c.endpoint_url, "https://s3.example.org");
	s3_config_release(&c);

	assert_int_equal(read_with(&c, &f->err, "http://option", "of-option"), 0);
	assert_string_equal(c.region, "of-option");
	assert_string_equal(c.endpoint_url, "http://option");
	s3_config_release(&c);
}

static void an_empty_variable_is_none(void **state)
{
	struct folder_fixture *f = *state;
	struct s3_config c;

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		setenv(variables[i], "", 1);
	}
	assert_int_equal(read_with(&c, &f->err, NULL, NULL), 0);
	assert_string_equal(c.id, "DEFAULT");
	assert_string_equal(c.region, "eu-north-1");
	s3_config_release(&c);
}

static void configured_endpoints_can_be_ignored(void **state)
{
	struct folder_fixture *f = *state;
	struct s3_config c;

	setenv("AWS_PROFILE", "work", 1);
	setenv("AWS_ENDPOINT_URL", "https://all.example.org", 1);
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	assert_int_equal(read_with(&c, &f->err, NULL, NULL), 0);
	assert_null(c.endpoint_url);
	s3_config_release(&c);
}

static void the_files_may_be_elsewhere_and_be_links(void **state)
{
	struct folder_fixture *f = *state;
	struct s3_config c;

	put(f, "real", "[default]\naws_access_key_id=LINKED\naws_secret_access_key=x");
	assert_int_equal(symlinkat("real", f->fd, "link"), 0);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "~/link", 1);
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	assert_int_equal(read_with(&c, &f->err, NULL, NULL), 0);
	assert_string_equal(c.id, "LINKED");
	assert_string_equal(c.region, "us-east-1");
	s3_config_release(&c);
}

static void a_home_that_is_closed_is_none(void **state)
{
	struct folder_fixture *f = *state;
	struct s3_config c;

	assert_int_equal(fchmodat(f->fd, ".aws", 0, 0), 0);
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "env", 1);
	assert_int_equal(read_with(&c, &f->err, NULL, NULL), 0);
	assert_string_equal(c.id, "ENV");
	s3_config_release(&c);
	if (geteuid() != 0) {
		setenv("AWS_CONFIG_FILE", "~/.aws/config", 1);
		assert_int_equal(read_with(&c, &f->err, NULL, NULL), ERR_FAIL);
		assert_non_null(strstr(f->err.msg, "/.aws/config"));
		s3_config_release(&c);
	}
	assert_int_equal(fchmodat(f->fd, ".aws", 0755, 0), 0);
}

/* Asserts that it fails with a message that has the words and no secret. */
static void fails(struct folder_fixture *f, int code, const char *words)
{
	struct s3_config c;

	assert_int_equal(read_with(&c, &f->err, NULL, NULL), code);
	assert_non_null(strstr(f->err.msg, words));
	assert_null(strstr(f->err.msg, "s3cret"));
	s3_config_release(&c);
}

static void what_is_missing_is_named(void **state)
{
	struct folder_fixture *f = *state;

	setenv("AWS_PROFILE", "none", 1);
	fails(f, ERR_FAIL, "'none'");
	setenv("AWS_PROFILE", "half", 1);
	fails(f, ERR_FAIL, "'half' has");
	setenv("AWS_PROFILE", "login", 1);
	fails(f, ERR_FAIL, "export-credentials");
	setenv("AWS_PROFILE", "blank", 1);
	fails(f, ERR_USAGE, "'blank'");
	unsetenv("AWS_PROFILE");
	setenv("AWS_SECRET_ACCESS_KEY", "s3cret", 1);
	fails(f, ERR_FAIL,
	      "environment has AWS_SECRET_ACCESS_KEY but not AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	setenv("AWS_ACCESS_KEY_ID", "ID", 1);
	fails(f, ERR_FAIL,
	      "environment has AWS_ACCESS_KEY_ID but not AWS_SECRET_ACCESS_KEY");
	setenv("AWS_SECRET_ACCESS_KEY", "s3cret", 1);
	setenv("AWS_REGION", "x.evil.example/", 1);
	fails(f, ERR_USAGE, "x.evil.example/");
	unsetenv("AWS_REGION");
	setenv("AWS_ACCESS_KEY_ID", "ID\nX-Header: x", 1);
	fails(f, ERR_USAGE, "AWS_ACCESS_KEY_ID");
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	setenv("HOME", "/nonexistent", 1);
	fails(f, ERR_FAIL, "AWS_ACCESS_KEY_ID");
	unsetenv("HOME");
	fails(f, ERR_FAIL, "AWS_ACCESS_KEY_ID");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_variables_the_profile_default_counts),
		TEST(AWS_PROFILE_chooses_a_profile_of_both_files),
		TEST(variables_come_before_the_profile_and_options_before_them),
		TEST(an_empty_variable_is_none),
		TEST(configured_endpoints_can_be_ignored),
		TEST(the_files_may_be_elsewhere_and_be_links),
		TEST(a_home_that_is_closed_is_none),
		TEST(what_is_missing_is_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
