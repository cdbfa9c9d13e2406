/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/request.h"

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

/* Appends what the percent-encoded text stands for. False: it stands for nothing. */
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
 * Reads an id. The edge sees characters, not bytes: of what the client sent as it
 * is, all that is no UTF-8 is U+FFFD to it, so it cannot take that for itself.
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

/* Takes `prefix` off the front. */
static bool take(struct part *part, const char *prefix)
{
	size_t len = strlen(prefix);

	if (part->len < len || memcmp(part->text, prefix, len) != 0) {
		return false;
	}
	part->text += len;
	part->len -= len;
	return true;
}

/* Takes `suffix` off the end. */
static bool take_end(struct part *part, const char *suffix)
{
	size_t len = strlen(suffix);

	if (part->len < len || memcmp(part->text + part->len - len, suffix, len) != 0) {
		return false;
	}
	part->len -= len;
	return true;
}

/* Divides at the first `mark`, which goes; `rest` is empty where there is none.
 * Returns whether there was one. */
static bool divide(struct part *part, struct part *rest, char mark)
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

/* Takes off "https://example.org", or the slash, in front of the path. */
static void take_origin(struct part *url)
{
	size_t scheme = strspn(url->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "abcdefghijklmnopqrstuvwxyz0123456789+.-");

	if (scheme && strncmp(url->text + scheme, "://", 3) == 0) {
		size_t host = scheme + 3 + strcspn(url->text + scheme + 3, "/?#");

		url->text += host;
		url->len -= host;
	}
	take(url, "/");
}

/* --- albums --- */

static bool read_album(struct request *out, struct part path)
{
	struct part rest;

	if (!take(&path, "api/v1/albums/") || !divide(&path, &rest, '/')) {
		return false;
	}
	take_end(&rest, ".json");
	out->kind = take_end(&rest, "/untag") ? QUERY_UNTAGGED : QUERY_IMAGES;
	out->id = xzalloc(sizeof(*out->id));
	out->count = 1;
	return rest.len == strlen("images") && take(&rest, "images") &&
	       read_id(&out->id[0], path, false);
}

/* --- tag images --- */

static bool is_image_ids(struct part key)
{
	static const char *const spelt[] = {"image_ids[]", "image_ids%5B]",
					    "image_ids[%5D", "image_ids%5B%5D"};

	for (size_t i = 0; i < sizeof(spelt) / sizeof(*spelt); i++) {
		if (key.len == strlen(spelt[i]) &&
		    strncasecmp(key.text, spelt[i], key.len) == 0) {
			return true;
		}
	}
	return false;
}

/* An id that is none, or was there before, adds nothing to the answer. */
static void add_image(struct request *out, struct part value)
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

static int read_images(struct request *out, struct part query, struct err *err)
{
	struct part rest;
	size_t parameters = 0, asked = 0;
	bool more = true;

	out->kind = QUERY_TAG_IMAGES;
	out->id = xreallocarray(NULL, REQUEST_IDS_MAX, sizeof(*out->id));
	while (more) {
		struct part value;
		bool is_id;

		more = divide(&query, &rest, '&');
		divide(&query, &value, '=');
		is_id = is_image_ids(query);
		asked += is_id;
		if (++parameters > REQUEST_PARAMETERS_MAX || asked > REQUEST_IDS_MAX) {
			return err_set(err, ERR_INPUT,
				       "more than %d image_ids or %d parameters",
				       REQUEST_IDS_MAX, REQUEST_PARAMETERS_MAX);
		}
		if (is_id) {
			add_image(out, value);
		}
		query = rest;
	}
	out->all = asked == 0;
	return 0;
}

int request_read(struct request *out, const char *url, struct err *err)
{
	struct part path = {.text = url, .len = strlen(url)}, query, rest;

	*out = (struct request){0};
	take_origin(&path);
	divide(&path, &rest, '#');
	divide(&path, &query, '?');
	if (read_album(out, path)) {
		return 0;
	}
	take_end(&path, ".json");
	if (path.len == strlen("api/v1/tag_images") && take(&path, "api/v1/tag_images")) {
		request_release(out);
		return read_images(out, query, err);
	}
	return err_set(err, ERR_NOTFOUND, "'%s' is no request that is answered", url);
}

void request_release(struct request *request)
{
	free(request->id);
	*request = (struct request){0};
}
