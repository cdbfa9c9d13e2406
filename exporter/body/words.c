/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/body/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/plain.h"
#include "data/format/json.h"

/* --- languages --- */

/* The language of a locale, or of a name that has one. */
static void language_of(char out[WORDS_LANGUAGE], const char *text, size_t len)
{
	size_t n = 0;

	for (; n < len && n < WORDS_LANGUAGE - 1 && !strchr("-_.@", text[n]); n++) {
		char c = text[n];

		out[n] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out[n] = '\0';
}

void words_language(char out[WORDS_LANGUAGE])
{
	static const char *const name[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	const char *locale = NULL;

	for (size_t i = 0; (!locale || !*locale) && i < sizeof(name) / sizeof(*name);
	     i++) {
		locale = getenv(name[i]);
	}
	locale = locale ? locale : "";
	language_of(out, locale, strlen(locale));
	if (!*out || strcmp(out, "c") == 0 || strcmp(out, "posix") == 0) {
		memcpy(out, "en", sizeof("en"));
	}
}

/* --- texts --- */

void words_text(struct buf *out, const struct body_text *json)
{
	if (json->data && *json->data == '"' &&
	    json_string(out, json->data, json->len) < 0) {
		buf_add(out, json->data + 1, json->len - 2);
	}
}

void words_quote(struct buf *out, const char *text, size_t len, size_t most)
{
	size_t kept = len > most ? plain_cut(text, most) : len;

	buf_addch(out, '"');
	for (size_t at = 0, used; at < kept; at += used) {
		char plain[PLAIN_MAX];
		size_t n = plain_char(plain, text + at, kept - at, &used);

		buf_addstr(out, text[at] == '"' ? "\\" : "");
		buf_add(out, plain, n);
	}
	buf_addstr(out, kept < len ? "\"..." : "\"");
}

static bool is_said(const struct body_text *json)
{
	return json->data && *json->data == '"' && json->len > 2;
}

/* --- tags --- */

/* The first non-empty string of an object in a language; NULL: in any. */
static struct body_text find_said(const struct json_object *object, const char *canon,
				  const char *language)
{
	for (size_t i = 0; i < object->count; i++) {
		const struct json_member *m = &object->member[i];
		const struct body_text text = {canon + m->value.off, m->value.len};
		char in[WORDS_LANGUAGE];

		language_of(in, canon + m->key.off + 1, m->key.len - 2);
		if (is_said(&text) && (!language || strcmp(in, language) == 0)) {
			return text;
		}
	}
	return (struct body_text){0};
}

/* Whether the text is a JSON object, with nothing but space about it. */
static bool read_object(struct buf *canon, const struct buf *text)
{
	struct json_value value;
	size_t begin = json_skip_space(text->data, text->len, 0);

	return begin < text->len && text->data[begin] == '{' &&
	       text->len <= WORDS_LABEL_MAX &&
	       json_read(canon, &value, text->data, text->len) == 0 && !value.unusable &&
	       json_skip_space(text->data, text->len, value.end) == text->len;
}

void words_tag(struct buf *out, const struct body_text *label,
	       const struct body_text *name, const char *language)
{
	struct json_object object = {0};
	struct buf canon = {0};

	buf_clear(out);
	words_text(out, label);
	if (out->len && read_object(&canon, out)) {
		struct body_text said;

		json_members(&object, canon.data, canon.len);
		said = find_said(&object, canon.data, language);
		said = said.data ? said : find_said(&object, canon.data, "en");
		said = said.data ? said : find_said(&object, canon.data, NULL);
		buf_clear(out);
		words_text(out, &said);
	}
	if (!out->len) {
		words_text(out, name);
	}
	json_object_release(&object);
	buf_release(&canon);
}

/* --- images --- */

static struct body_text said_by(const struct body_object *object, const char *name)
{
	const struct body_text text = body_member(object, name);

	return is_said(&text) ? text : (struct body_text){0};
}

struct body_text words_title(const struct body_object *image)
{
	struct body_text found = said_by(image, "title");
	struct body_object infos = {0};

	if (!found.data) {
		found = said_by(image, "filename");
	}
	if (!found.data) {
		found = body_member(image, "infos");
		body_object(&infos, &found);
		found = said_by(&infos, "original_filename");
		body_object_release(&infos);
	}
	return found;
}
