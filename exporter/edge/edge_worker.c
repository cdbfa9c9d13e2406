/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "data/base/file.h"
#include "data/format/json.h"
#include "exporter/edge/edge_kind.h"
#include "exporter/s3/s3_url.h"

/* Cloudflare takes Workers of up to 10 MB. */
#define LIBRARIES_MAX (4 << 20)

/* Appends a script of ours, NAME.js, as the constant NAME: a Worker is one file. The script
 * ends with the one thing that it exports. */
static int add_script(struct buf *out, const struct edge_job *job, const char *name,
		      struct err *err)
{
	static const char mark[] = "\nexport default ";
	struct buf file = {0}, text = {0};
	const char *end;
	int rc;

	buf_addf(&file, "%s.js", name);
	rc = beside_read(&text, job->folder.data, file.data, err);
	if (rc == 0) {
		end = text.data ? strstr(text.data, mark) : NULL;
		if (end) {
			buf_addf(out, "const %s = (() => {\n", name);
			buf_add(out, text.data, (size_t)(end - text.data));
			buf_addf(out, "\nreturn %s})();\n", end + strlen(mark));
		} else {
			rc = err_set(err, ERR_FAIL,
				     "'%s/%s' exports nothing; reinstall the program",
				     job->folder.data, file.data);
		}
	}
	buf_release(&file);
	buf_release(&text);
	return rc;
}

static int fault_at(const char *path, const struct buf *text, size_t at,
		    const char *reason, struct err *err)
{
	size_t line = 1;

	for (size_t i = 0; i < at && i < text->len; i++) {
		line += text->data[i] == '\n';
	}
	return err_set(
		err, ERR_INPUT,
		"'%s', line %zu: %s; the file maps the id of each album to the part "
		"of --site below which its library lies: {\"ALBUM\":\"PREFIX\"}",
		path, line, reason);
}

/* What is wrong with the part of --site that a library has, `canon` as JSON; or NULL. */
static const char *prefix_fault(const char *canon, size_t len)
{
	struct buf url = {0};
	struct s3_place place = {0};
	const char *fault = NULL;
	size_t bare;

	buf_addstr(&url, "s3://x/");
	bare = url.len;
	if (*canon != '"') {
		fault = "a prefix is a string";
	} else if (json_string(&url, canon, len) < 0 || strlen(url.data) < url.len ||
		   url.len == bare || url.data[url.len - 1] == '/' ||
		   url.data[bare] == '.' || s3_url_parse(&place, url.data, NULL)) {
		fault = "this is no prefix of a library, as in museum/harbour";
	}
	s3_url_release(&place);
	buf_release(&url);
	return fault;
}

/* Appends the map of --libraries as an expression of JavaScript. In an object literal,
 * `__proto__` would not be a member. */
static int add_libraries(struct buf *out, const char *path, struct err *err)
{
	struct buf text = {0}, canon = {0};
	struct json_object object = {0};
	struct json_value value = {0};
	const char *fault = NULL;
	size_t at = 0;
	int rc;

	if ((rc = file_read(&text, path, LIBRARIES_MAX, err))) {
		goto out;
	}
	if (!text.data || json_read(&canon, &value, text.data, text.len) < 0) {
		fault = value.reason ? value.reason : "it is empty";
		at = value.failed_at;
	} else if (value.unusable) {
		fault = value.unusable;
		at = value.unusable_at;
	} else if ((at = json_skip_space(text.data, text.len, value.end)) < text.len) {
		fault = "something follows the object";
	} else if (canon.data[0] != '{') {
		fault = "it is no object";
		at = value.begin;
	} else {
		json_members(&object, canon.data, canon.len);
		if (object.count == 0) {
			fault = "it names no album";
		}
		for (size_t i = 0; i < object.count && !fault; i++) {
			const struct json_span *prefix = &object.member[i].value;

			fault = prefix_fault(canon.data + prefix->off, prefix->len);
			at = json_source_offset(text.data, text.len, prefix->off);
		}
		if (!fault && json_duplicate(&object, canon.data) != (size_t)-1) {
			fault = "it names an album twice";
			at = json_source_offset(text.data, text.len,
						json_duplicate(&object, canon.data));
		}
	}
	if (fault) {
		rc = fault_at(path, &text, at, fault, err);
		goto out;
	}
	buf_addstr(out, "JSON.parse(");
	json_quote(out, canon.data, canon.len);
	buf_addch(out, ')');
out:
	json_object_release(&object);
	buf_release(&canon);
	buf_release(&text);
	return rc;
}

int edge_worker(struct buf *out, const struct edge_job *job, struct err *err)
{
	const struct edge_request *request = job->request;
	struct buf template = {0}, requests = {0}, token = {0};
	struct buf bucket = {0}, prefix = {0}, albums = {0}, tokens = {0};
	const struct beside_word words[] = {
		{"@REQUESTS@", &requests},   {"@TOKEN@", &token},   {"@BUCKET@", &bucket},
		{"@PREFIX@", &prefix},       {"@ALBUMS@", &albums}, {"@TOKENS@", &tokens},
		{"@MAX_AGE@", &job->max_age}};
	struct s3_place place = {0};
	int rc = 0;

	if (s3_url_is(request->site)) {
		rc = s3_url_parse(&place, request->site, err);
	}
	if (place.bucket) {
		json_quote(&bucket, place.bucket, strlen(place.bucket));
		json_quote(&prefix, place.prefix, strlen(place.prefix));
	} else {
		buf_addstr(&bucket, "null");
		buf_addstr(&prefix, "\"\"");
	}
	buf_addstr(&tokens, job->request->tokens ? "true" : "false");
	if (!request->libraries) {
		buf_addstr(&albums, "null");
	}
	if (rc == 0 &&
	    (!request->libraries ||
	     (rc = add_libraries(&albums, request->libraries, err)) == 0) &&
	    (rc = add_script(&requests, job, "requests", err)) == 0 &&
	    (rc = add_script(&token, job, "token", err)) == 0 &&
	    (rc = beside_read(&template, job->folder.data, "worker.js.in", err)) == 0) {
		beside_fill(out, template.data, words, sizeof(words) / sizeof(*words));
	}
	s3_url_release(&place);
	buf_release(&template);
	buf_release(&requests);
	buf_release(&token);
	buf_release(&bucket);
	buf_release(&prefix);
	buf_release(&albums);
	buf_release(&tokens);
	return rc;
}
