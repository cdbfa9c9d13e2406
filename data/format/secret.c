/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/secret.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "data/base/buf.h"
#include "data/format/json.h"
#include "data/format/record.h"
#include "data/format/secret_inner.h"

/*
 * Two sieves: first the whole text, for bytes that are rare in it and without which
 * nothing of what is looked for can be written; only where the bytes around such a
 * one look like it, all strings of the record, one by one (secret_text.c).
 *
 * Canonical text writes ASCII letters and dashes as themselves. So nothing hides
 * from the first sieve but letters that are escaped in embedded JSON, and the
 * backslashes of those are looked for as well.
 */

#define PATH_MOST 100 /* bytes of a path in a reason */

/* --- the first sieve -------------------------------------------------------------- */

struct text {
	const char *begin, *end;
};

/* Whether the word (of letters, in any case) stands at `at`, which may lie outside
 * of the text. */
static bool stands(const struct text *text, const char *at, const char *word)
{
	size_t len = strlen(word);

	return at >= text->begin && (size_t)(text->end - at) >= len &&
	       strncasecmp(at, word, len) == 0;
}

/* `J`: `eyJ` is how `{"` begins in base64, and with it each part of a token. */
static bool may_be_token(const struct text *text, const char *at)
{
	return at - text->begin >= 2 && at[-1] == 'y' && at[-2] == 'e';
}

/* `V` of PRIVATE KEY */
static bool may_be_key(const struct text *text, const char *at)
{
	return at - text->begin >= 8 && text->end - at >= 8 &&
	       memcmp(at - 3, "PRIVATE", 7) == 0;
}

/* `z` of the header's name */
static bool may_be_header(const struct text *text, const char *at)
{
	return stands(text, at - 7, "authorization");
}

/* What may stand for the space behind a scheme, and there a value that is no plain
 * word (what an escape stands for is not known here). */
static bool may_be_scheme(const struct text *text, const char *at)
{
	static const char *const schemes[] = {"bearer", "basic", "token"};
	char before = at > text->begin ? (char)(at[-1] | 0x20) : 0;
	int which = before == 'r' ? 0 : before == 'c' ? 1 : before == 'n' ? 2 : -1;

	if (which < 0 || !stands(text, at - strlen(schemes[which]), schemes[which])) {
		return false;
	}
	while (at < text->end && (*at == ' ' || *at == '+')) {
		at++;
	}
	while (at < text->end && *at >= 'a' && *at <= 'z') {
		at++;
	}
	return at < text->end && *at != ' ' && *at != ',';
}

/* A backslash may also begin the escape of a letter in embedded JSON. */
static bool may_be_escape(const struct text *text, const char *at)
{
	return may_be_scheme(text, at) ||
	       (text->end - at >= 7 && memcmp(at, "\\\\u00", 5) == 0 && at[5] >= '4' &&
		at[5] <= '7');
}

static bool text_may(const char *begin, size_t len)
{
	static const struct {
		char byte;
		bool (*may)(const struct text *text, const char *at);
	} marks[] = {
		{'J', may_be_token},  {'V', may_be_key},     {'z', may_be_header},
		{'Z', may_be_header}, {' ', may_be_scheme},  {'+', may_be_scheme},
		{'%', may_be_scheme}, {'\\', may_be_escape},
	};
	const struct text text = {begin, begin + len};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const char *at = begin;

		while ((at = memchr(at, marks[i].byte, (size_t)(text.end - at)))) {
			if (marks[i].may(&text, at)) {
				return true;
			}
			at++;
		}
	}
	return false;
}

/* --- the second -------------------------------------------------------------------- */

struct level {
	struct json_span name; /* of the member that is under way, without quotes */
	size_t element;        /* its number, in an array */
	bool object;
	bool name_due;
};

struct walk {
	const char *canon;
	struct level level[RECORD_DEPTH_MAX + 1];
	size_t depth;
};

/* Appends the path to the member or element that is under way, at `depth` levels. */
static void add_path(struct buf *out, const struct walk *walk, size_t depth)
{
	size_t most = out->len + PATH_MOST;

	for (size_t i = 0; i < depth && out->len <= most; i++) {
		const struct level *level = &walk->level[i];

		if (!level->object) {
			buf_addf(out, "[%zu]", level->element);
			continue;
		}
		if (i) {
			buf_addch(out, '.');
		}
		buf_add(out, walk->canon + level->name.off, level->name.len);
	}
	if (out->len > most) {
		size_t len = most;

		while (((unsigned char)out->data[len] & 0xc0) == 0x80) {
			len--;
		}
		buf_setlen(out, len);
		buf_addstr(out, "...");
	}
}

static const char *kind_name(enum secret_kind kind)
{
	switch (kind) {
	case SECRET_TOKEN:
		return "a JSON Web Token";
	case SECRET_PRIVATE_KEY:
		return "a private key";
	default:
		return "an Authorization value";
	}
}

/* The names on the way were looked at before: none of them holds a secret. */
static void report(struct secret *out, const struct walk *walk, enum secret_kind kind,
		   size_t at, bool is_name)
{
	struct buf path = {0};

	if (is_name) {
		buf_addstr(&path, "the name of a member");
	}
	if (walk->depth > is_name) {
		buf_addstr(&path, is_name ? " of '" : "'");
		add_path(&path, walk, walk->depth - is_name);
		buf_addch(&path, '\'');
	}
	out->at = at;
	snprintf(out->reason, sizeof(out->reason), "%s holds %s", path.data,
		 kind_name(kind));
	buf_release(&path);
}

/* Looks at one string: its content is `text`. */
static bool is_secret(struct secret *out, struct walk *walk, struct json_span text)
{
	const char *canon = walk->canon;
	struct level *top = walk->depth ? &walk->level[walk->depth - 1] : NULL;
	bool is_name = top && top->name_due;
	enum secret_kind kind = SECRET_NONE;

	if (text_may(canon + text.off, text.len)) {
		kind = secret_in_string(canon + text.off, text.len);
	}
	if (top && top->object && !is_name && text.len &&
	    secret_is_header(canon + top->name.off, top->name.len)) {
		kind = SECRET_AUTHORIZATION;
	}
	if (kind) {
		report(out, walk, kind, text.off - 1, is_name);
	}
	if (is_name) {
		top->name = text;
		top->name_due = false;
	}
	return kind != SECRET_NONE;
}

bool secret_find(struct secret *out, const char *canon, size_t len)
{
	const char *at = canon, *end = canon + len;
	struct walk walk;

	if (!text_may(canon, len)) {
		return false;
	}
	walk.canon = canon;
	walk.depth = 0;
	while (at < end) {
		struct level *top = walk.depth ? &walk.level[walk.depth - 1] : NULL;
		const char *begin = at++;

		switch (*begin) {
		case '{':
		case '[':
			assert(walk.depth <= RECORD_DEPTH_MAX);
			walk.level[walk.depth++] = (struct level){
				.object = *begin == '{', .name_due = *begin == '{'};
			break;
		case '}':
		case ']':
			assert(top);
			walk.depth--;
			break;
		case ',':
			assert(top);
			top->name_due = top->object;
			top->element++;
			break;
		case '"':
			at = json_string_end(begin, end);
			if (is_secret(out, &walk,
				      (struct json_span){(size_t)(begin + 1 - canon),
							 (size_t)(at - begin) - 2})) {
				return true;
			}
			break;
		}
	}
	return false;
}
