/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/base/hex.h"
#include "data/format/json.h"

/* A part of the URL. */
struct part {
	const char *text;
	size_t len;
};

/* Appends the decoded text. False: it has a `%` without two hex digits. */
static bool decode(struct buf *out, struct part part, bool plus_is_space)
{
	for (size_t i = 0; i < part.len; i++) {
		char c = part.text[i];

		if (c == '%') {
			int byte =
				i + 2 < part.len ? hex_number(part.text + i + 1, 2) : -1;

			if (byte < 0) {
				return false;
			}
			c = (char)byte;
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		buf_addch(out, c);
	}
	return true;
}

/*
 * Reads an id. The edge's script sees characters, not bytes: whatever is not UTF-8 is
 * U+FFFD to it. So it refuses an unencoded U+FFFD, and so does this.
 */
static bool read_id(struct record_id *id, struct part part, bool plus_is_space)
{
	static const char replacement[] = "\xef\xbf\xbd";
	struct buf bytes = {0};
	bool good = json_is_utf8(part.text, part.len) &&
		    !memmem(part.text, part.len, replacement, sizeof(replacement) - 1) &&
		    decode(&bytes, part, plus_is_space) && bytes.data &&
		    !record_id_fault(bytes.data, bytes.len);

	*id = (struct record_id){0};
	if (good) {
		id->len = (unsigned char)bytes.len;
		memcpy(id->bytes, bytes.data, bytes.len);
	}
	buf_release(&bytes);
	return good;
}

/* Removes `prefix`, if it is there. */
static bool strip_prefix(struct part *part, const char *prefix)
{
	size_t len = strlen(prefix);

	if (part->len < len || memcmp(part->text, prefix, len) != 0) {
		return false;
	}
	part->text += len;
	part->len -= len;
	return true;
}

/* Removes `suffix`, if it is there. */
static bool strip_suffix(struct part *part, const char *suffix)
{
	size_t len = strlen(suffix);

	if (part->len < len || memcmp(part->text + part->len - len, suffix, len) != 0) {
		return false;
	}
	part->len -= len;
	return true;
}

/* Splits at the first `mark`, which is in neither part. False, and an empty `rest`: there
 * is none. */
static bool split(struct part *part, struct part *rest, char mark)
{
	const char *at = part->len ? memchr(part->text, mark, part->len) : NULL;

	*rest = (struct part){.text = part->text + part->len};
	if (!at) {
		return false;
	}
	rest->text = at + 1;
	rest->len = part->len - (size_t)(at + 1 - part->text);
	part->len = (size_t)(at - part->text);
	return true;
}

/* Removes "https://example.org" and a slash in front of the path. */
static void strip_origin(struct part *url)
{
	size_t scheme = strspn(url->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "abcdefghijklmnopqrstuvwxyz0123456789+.-");

	if (scheme && strncmp(url->text + scheme, "://", 3) == 0) {
		size_t host = scheme + 3 + strcspn(url->text + scheme + 3, "/?#");

		url->text += host;
		url->len -= host;
	}
	strip_prefix(url, "/");
}

/* Whether `path` matches the pattern; `id` becomes the segment in place of a `*`. */
static bool match(struct part *id, struct part path, const char *pattern)
{
	struct part rest;

	for (;; path = rest) {
		size_t len = strcspn(pattern, "/");
		bool more = split(&path, &rest, '/');

		if (*pattern == '*') {
			*id = path;
		} else if (path.len != len || memcmp(path.text, pattern, len) != 0) {
			return false;
		}
		if (!more || !pattern[len]) {
			return !more && !pattern[len];
		}
		pattern += len + 1;
	}
}

/* --- ids in the query --- */

/* Whether `key` is the parameter, in any case; its brackets may be percent-encoded. */
static bool is_parameter(struct part key, const char *parameter)
{
	for (; key.len && *parameter; parameter++) {
		const char *coded = *parameter == '[' ? "%5b" : "%5d";
		size_t len = 1;

		if (tolower((unsigned char)*key.text) != *parameter) {
			len = strlen(coded);
			if (!strchr("[]", *parameter) || key.len < len ||
			    strncasecmp(key.text, coded, len) != 0) {
				return false;
			}
		}
		key.text += len;
		key.len -= len;
	}
	return !key.len && !*parameter;
}

/* Adds an id, unless the value cannot be one or is there already. */
static void add_id(struct request *out, struct part value)
{
	struct record_id *id = &out->id[out->count];

	if (!read_id(id, value, true)) {
		return;
	}
	for (size_t i = 0; i < out->count; i++) {
		if (out->id[i].len == id->len &&
		    memcmp(out->id[i].bytes, id->bytes, id->len) == 0) {
			return;
		}
	}
	out->count++;
}

/* Reads the ids in the row's parameter. *asked: how often the query has it. */
static int read_ids(struct request *out, const struct response *row, struct part query,
		    size_t *asked, struct err *err)
{
	struct part rest;
	size_t parameters = 0;
	bool more = true;

	*asked = 0;
	out->id = xreallocarray(NULL, REQUEST_IDS_MAX, sizeof(*out->id));
	while (more) {
		struct part value;
		bool is_id;

		more = split(&query, &rest, '&');
		split(&query, &value, '=');
		is_id = is_parameter(query, row->parameter);
		*asked += is_id;
		if (++parameters > REQUEST_PARAMETERS_MAX || *asked > REQUEST_IDS_MAX) {
			return err_set(err, ERR_INPUT,
				       "more than %d image_ids or %d parameters",
				       REQUEST_IDS_MAX, REQUEST_PARAMETERS_MAX);
		}
		if (is_id) {
			add_id(out, value);
		}
		query = rest;
	}
	return 0;
}

/* *answers: whether the row answers the request, which is then in *out. */
static int read_row(bool *answers, struct request *out, const struct response *row,
		    struct part path, struct part query, struct err *err)
{
	struct part id = {0};
	size_t asked = 0;
	int rc = 0;

	*answers = row->request && match(&id, path, row->request);
	if (*answers && row->parameter) {
		rc = read_ids(out, row, query, &asked, err);
		*answers = asked > 0;
	} else if (*answers && id.text) {
		out->id = xzalloc(sizeof(*out->id));
		out->count = 1;
		*answers = read_id(&out->id[0], id, false);
	}
	out->row = row;
	return rc;
}

int request_read(struct request *out, const char *url, struct err *err)
{
	struct part path = {.text = url, .len = strlen(url)}, query, rest;
	bool answers = false;
	int rc = 0;

	*out = (struct request){0};
	strip_origin(&path);
	split(&path, &rest, '#');
	split(&path, &query, '?');
	strip_suffix(&path, ".json");
	for (size_t i = 0; !rc && !answers && i < response_count; i++) {
		request_release(out);
		rc = read_row(&answers, out, &response_table[i], path, query, err);
	}
	return rc || answers ? rc
			     : err_set(err, ERR_NOTFOUND,
				       "'%s' is not a request that the API answers", url);
}

void request_release(struct request *request)
{
	free(request->id);
	request->id = NULL;
	request->count = 0;
}
