/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"

#define FILE_MAX (1u << 20)
#define BLANKS " \t\r"

/* The two files of profiles, and the names that the profile has in them. */
struct profile {
	const char *name;
	bool asked; /* by AWS_PROFILE */
	struct buf credentials, config;
	struct buf credentials_path, config_path;
	struct buf section; /* in the config file: "profile NAME" */
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* A line of a file without the blanks at its ends, and the next one. */
struct line {
	const char *at, *end; /* of its text */
	bool nested;          /* it begins with a blank */
};

static bool next_line(struct line *line, const char **rest)
{
	const char *begin = *rest, *end;

	if (!*begin) {
		return false;
	}
	end = begin + strcspn(begin, "\n");
	*rest = end + (*end == '\n');
	line->at = begin + strspn(begin, BLANKS);
	line->at = line->at > end ? end : line->at;
	line->nested = line->at > begin;
	while (end > line->at && strchr(BLANKS, end[-1])) {
		end--;
	}
	line->end = end;
	return true;
}

static bool is(const char *at, const char *end, const char *text)
{
	return (size_t)(end - at) == strlen(text) && memcmp(at, text, strlen(text)) == 0;
}

/* Whether the line is the head of the section: [NAME], [profile NAME] or [profile "NAME"]. */
static bool is_head(const struct line *line, const char *section)
{
	const char *at = line->at + 1, *end = line->end - 1,
		   *space = strchr(section, ' ');
	size_t kind = space ? (size_t)(space - section) : 0;

	while (at < end && strchr(BLANKS, *at)) {
		at++;
	}
	while (end > at && strchr(BLANKS, end[-1])) {
		end--;
	}
	if (kind && (size_t)(end - at) > kind && memcmp(at, section, kind) == 0 &&
	    strchr(BLANKS, at[kind])) {
		at += kind;
		at += strspn(at, BLANKS);
		if (end - at >= 2 && *at == '"' && end[-1] == '"') {
			at++;
			end--;
		}
		return is(at, end, space + 1);
	}
	return is(at, end, section);
}

/*
 * Finds KEY = VALUE in the section, below the line PARENT = if there is one:
 *
 *	[services local]
 *	s3 =
 *	  endpoint_url = http://127.0.0.1:7480
 *
 * With `key` NULL, whether there is such a section. The last one counts.
 */
static bool find(struct buf *out, const char *text, const char *section,
		 const char *parent, const char *key)
{
	bool in_section = false, in_parent = false, found = false;
	struct line line;

	while (next_line(&line, &text)) {
		const char *equals, *name_end;

		if (line.at == line.end || *line.at == '#' || *line.at == ';') {
			continue;
		}
		if (!line.nested && *line.at == '[' && line.end[-1] == ']') {
			in_section = is_head(&line, section);
			in_parent = false;
			found = found || (in_section && !key);
			continue;
		}
		equals = memchr(line.at, '=', (size_t)(line.end - line.at));
		if (!in_section || !key || !equals) {
			continue;
		}
		name_end = equals;
		while (name_end > line.at && strchr(BLANKS, name_end[-1])) {
			name_end--;
		}
		if (!line.nested) {
			in_parent = parent && is(line.at, name_end, parent);
		}
		if ((parent ? line.nested && in_parent : !line.nested) &&
		    (size_t)(name_end - line.at) == strlen(key) &&
		    strncasecmp(line.at, key, strlen(key)) == 0) {
			const char *value = equals + 1;

			value += strspn(value, BLANKS);
			value = value > line.end ? line.end : value;
			buf_clear(out);
			buf_add(out, value, (size_t)(line.end - value));
			found = out->len > 0;
		}
	}
	return found;
}

static bool has_section(const char *text, const char *section)
{
	struct buf none = {0};

	return find(&none, text, section, NULL, NULL);
}

/* A value of the profile, from the file of credentials or the other one; NULL: none. The caller
 * frees it. */
static char *of_profile(const struct profile *profile, const char *key)
{
	struct buf value = {0};

	if (find(&value, profile->credentials.data, profile->name, NULL, key) ||
	    find(&value, profile->config.data, profile->section.data, NULL, key)) {
		return value.data;
	}
	buf_release(&value);
	return NULL;
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void wipe(char *text)
{
	if (text) {
		explicit_bzero(text, strlen(text));
		free(text);
	}
}

/* Reads a file that may be a link, as those of a container are. That it does not exist is no
 * failure: the text is then empty. */
static int read_file(struct buf *text, struct buf *path, const char *name,
		     const char *fallback, struct err *err)
{
	const char *given = variable(name), *home = variable("HOME");
	int fd, rc = 0;

	buf_addstr(text, "");
	given = given ? given : fallback;
	if (strncmp(given, "~/", 2) == 0) {
		if (!home) {
			return 0;
		}
		buf_addf(path, "%s%s", home, given + 1);
	} else {
		buf_addstr(path, given);
	}
	fd = open(path->data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	/* The home of another user, or one that a service does not see, is none. */
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR ||
		       (errno == EACCES && given == fallback))) {
		return 0;
	}
	if (fd < 0) {
		return err_sys(err, "cannot open '%s'", path->data);
	}
	rc = file_read_fd(text, fd, FILE_MAX, path->data, err);
	close(fd);
	return rc;
}

static int read_profile(struct profile *profile, struct err *err)
{
	int rc;

	profile->name = variable("AWS_PROFILE");
	profile->asked = profile->name;
	profile->name = profile->asked ? profile->name : "default";
	buf_addf(&profile->section, "%s%s",
		 strcmp(profile->name, "default") == 0 ? "" : "profile ", profile->name);
	rc = read_file(&profile->credentials, &profile->credentials_path,
		       "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", err);
	rc = rc ? rc
		: read_file(&profile->config, &profile->config_path, "AWS_CONFIG_FILE",
			    "~/.aws/config", err);
	if (!rc && profile->asked &&
	    !has_section(profile->credentials.data, profile->name) &&
	    !has_section(profile->config.data, profile->section.data)) {
		rc = err_set(err, ERR_FAIL,
			     "the profile '%s' (AWS_PROFILE) is neither in '%s' nor in "
			     "'%s'",
			     profile->name, profile->credentials_path.data,
			     profile->config_path.data);
	}
	return rc;
}

static void release_profile(struct profile *profile)
{
	wipe(profile->credentials.data);
	wipe(profile->config.data);
	buf_release(&profile->credentials_path);
	buf_release(&profile->config_path);
	buf_release(&profile->section);
}

/* --- the parts ----------------------------------------------------------------------- */

static void find_endpoint(struct s3_config *out, const struct profile *profile,
			  const char *option)
{
	static const char *const names[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"};
	const char *ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	struct buf section = {0}, value = {0};
	char *services;

	out->endpoint_url = copy(option);
	out->endpoint_from = "--endpoint-url";
	if (option || (ignored && strcasecmp(ignored, "true") == 0)) {
		return;
	}
	for (size_t i = 0; i < 2 && !out->endpoint_url; i++) {
		out->endpoint_url = copy(variable(names[i]));
		out->endpoint_from = names[i];
	}
	if (out->endpoint_url) {
		return;
	}
	out->endpoint_from = "endpoint_url of the AWS profile";
	services = of_profile(profile, "services");
	if (services) {
		buf_addf(&section, "services %s", services);
		if (find(&value, profile->config.data, section.data, "s3",
			 "endpoint_url")) {
			out->endpoint_url = copy(value.data);
		}
	}
	if (!out->endpoint_url) {
		out->endpoint_url = of_profile(profile, "endpoint_url");
	}
	free(services);
	buf_release(&section);
	buf_release(&value);
}

static int find_region(struct s3_config *out, const struct profile *profile,
		       const char *option, struct err *err)
{
	const char *given = option ? option : variable("AWS_REGION");

	given = given ? given : variable("AWS_DEFAULT_REGION");
	out->region = given ? xstrdup(given) : of_profile(profile, "region");
	out->region = out->region ? out->region : xstrdup("us-east-1");
	/* It becomes part of a host's name. */
	if (strspn(out->region, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				"0123456789_-") < strlen(out->region)) {
		return err_set(err, ERR_USAGE,
			       "'%s' is no name of a region, such as eu-west-1",
			       out->region);
	}
	return 0;
}

/* It goes into a header as it is. */
static bool is_header_text(const char *text)
{
	for (; text && *text; text++) {
		if (*text <= ' ' || *text >= 0x7f) {
			return false;
		}
	}
	return true;
}

static int no_key(const struct profile *profile, struct err *err)
{
	static const char *const others[] = {"credential_process", "role_arn",
					     "sso_session", "sso_start_url",
					     "credential_source"};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		char *value = of_profile(profile, others[i]);

		if (value) {
			free(value);
			return err_set(
				err, ERR_FAIL,
				"the AWS profile '%s' has no aws_access_key_id but %s, "
				"which is not followed; aws configure "
				"export-credentials --profile '%s' --format env prints "
				"the key for the environment",
				profile->name, others[i], profile->name);
		}
	}
	return err_set(err, ERR_FAIL,
		       "there is no key for the object store; set AWS_ACCESS_KEY_ID and "
		       "AWS_SECRET_ACCESS_KEY, or write a profile '%s' into "
		       "'%s'",
		       profile->name,
		       profile->credentials_path.len ? profile->credentials_path.data
						     : "~/.aws/credentials");
}

static int find_key(struct s3_config *out, const struct profile *profile, struct err *err)
{
	struct buf from = {0};
	bool of_environment;

	out->id = copy(variable("AWS_ACCESS_KEY_ID"));
	out->secret = copy(variable("AWS_SECRET_ACCESS_KEY"));
	out->token = copy(variable("AWS_SESSION_TOKEN"));
	of_environment = out->id || out->secret;
	if (of_environment) {
		buf_addstr(&from, "AWS_ACCESS_KEY_ID");
	} else {
		/* A token belongs to its key. */
		wipe(out->token);
		out->id = of_profile(profile, "aws_access_key_id");
		out->secret = of_profile(profile, "aws_secret_access_key");
		out->token = of_profile(profile, "aws_session_token");
		buf_addf(&from, "the AWS profile '%s'", profile->name);
	}
	out->from = from.data;
	if (!out->id && !out->secret) {
		return no_key(profile, err);
	}
	if (!out->id || !out->secret) {
		return err_set(err, ERR_FAIL,
			       "%s has %s but not %s; the key for the object store is "
			       "both",
			       of_environment ? "the environment" : from.data,
			       out->id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
			       out->id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	}
	if (!is_header_text(out->id) || !is_header_text(out->token)) {
		return err_set(err, ERR_USAGE,
			       "the key for the object store in %s has a blank or "
			       "another character that no key has",
			       from.data);
	}
	return 0;
}

int s3_config_read(struct s3_config *out, const struct s3_settings *settings,
		   struct err *err)
{
	struct profile profile = {0};
	int rc = read_profile(&profile, err);

	*out = (struct s3_config){0};
	if (!rc) {
		find_endpoint(out, &profile, settings->endpoint_url);
		rc = find_region(out, &profile, settings->region, err);
	}
	rc = rc ? rc : find_key(out, &profile, err);
	if (!rc) {
		out->ca_bundle = copy(variable("AWS_CA_BUNDLE"));
		out->ca_bundle = out->ca_bundle ? out->ca_bundle
						: of_profile(&profile, "ca_bundle");
	}
	release_profile(&profile);
	return rc;
}

void s3_config_release(struct s3_config *config)
{
	wipe(config->secret);
	wipe(config->token);
	free(config->endpoint_url);
	free(config->region);
	free(config->id);
	free(config->from);
	free(config->ca_bundle);
	*config = (struct s3_config){0};
}
