/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/json.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "data/base/hex.h"
#include "data/base/utf8.h"
#include "data/format/json_char.h"

/*
 * One pass: json_read checks the source and writes the canonical text at once. Nearly
 * all bytes of a record are plain bytes of strings, so these are copied eight at a time
 * (copy_plain). Everything else is rare and is copied one unit at a time. Nesting is a
 * stack of bits, one a level: is this level an object?
 */

/* Room that is always left after `out_end`, so that one unit (an escape, a word of
 * plain bytes, a character) may be written after one comparison. */
#define SLACK 16
/* How far the output grows ahead of the source. A gigabyte of other values may follow
 * this one, so it does not grow for all of the source. */
#define AHEAD 65536
#define LEVELS_ON_STACK 512

struct reader {
	const char *text;
	const char *at; /* the next source byte */
	const char *end;
	char *out; /* where the next canonical byte goes */
	char *out_end;
	struct buf *canon;
	struct json_value *value;
	/* The stack: bit n of `level` says whether level n is an object. */
	size_t depth;
	unsigned char *level;
	size_t level_room; /* levels that `level` holds */
	unsigned char level_first[LEVELS_ON_STACK / 8];
	struct buf level_more;
};

static size_t left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

static int fail(struct reader *r, const char *at, const char *reason)
{
	r->value->reason = reason;
	r->value->failed_at = (size_t)(at - r->text);
	return -1;
}

static void grow(struct reader *r, size_t more)
{
	size_t ahead = left(r) < AHEAD ? left(r) : AHEAD;

	if (r->out) {
		r->canon->len = (size_t)(r->out - r->canon->data);
	}
	buf_grow(r->canon, more + ahead + SLACK);
	r->out = r->canon->data + r->canon->len;
	r->out_end = r->canon->data + r->canon->cap - 1 - SLACK;
}

static inline void make_room(struct reader *r)
{
	if (r->out >= r->out_end) {
		grow(r, SLACK);
	}
}

/* The byte at `at` as it is. */
static inline void take(struct reader *r)
{
	make_room(r);
	*r->out++ = *r->at++;
}

static inline const char *past_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
		at++;
	}
	return at;
}

static inline void skip_space(struct reader *r)
{
	r->at = past_space(r->at, r->end);
}

/* Copies plain bytes up to the first byte that is not plain, the end of the source, or
 * the end of the room. Writes whole words before it knows how much of them counts. */
static inline void copy_plain(struct reader *r)
{
	const char *at = r->at;
	char *out = r->out;
	size_t room = (size_t)(r->out_end - out);
	const char *stop = at + (left(r) < room ? left(r) : room);

	while (stop - at >= 8) {
		uint64_t word, special;

		memcpy(&word, at, sizeof(word));
		memcpy(out, &word, sizeof(word));
		special = json_char_specials(word);
		if (special) {
			size_t count = (size_t)__builtin_ctzll(special) / 8;

			r->at = at + count;
			r->out = out + count;
			return;
		}
		at += 8;
		out += 8;
	}
	while (at < stop && json_char_plain((unsigned char)*at)) {
		*out++ = *at++;
	}
	r->at = at;
	r->out = out;
}

/* Reads the \u escape at `at`; -1: it does not have four digits. */
static int read_u_escape(const struct reader *r, const char *at, uint32_t *out)
{
	int c = r->end - at < 6 || at[0] != '\\' || at[1] != 'u' ? -1
								 : hex_number(at + 2, 4);

	*out = (uint32_t)c;
	return c < 0 ? -1 : 0;
}

static int read_unicode_escape(struct reader *r)
{
	const char *start = r->at;
	uint32_t c, low;

	if (read_u_escape(r, start, &c) < 0) {
		return fail(r, start, "unicode escape without four hexadecimal digits");
	}
	r->at += 6;
	if (c < 0xd800 || c > 0xdfff) {
		r->out = json_char_put(r->out, c);
		return 0;
	}
	if (c < 0xdc00 && read_u_escape(r, r->at, &low) == 0 && low >= 0xdc00 &&
	    low <= 0xdfff) {
		r->at += 6;
		r->out = json_char_put(r->out,
				       0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
		return 0;
	}
	/* It is valid JSON, so the rest must still be checked. */
	if (!r->value->unusable) {
		r->value->unusable =
			"escape of half a surrogate pair, which has no UTF-8";
		r->value->unusable_at = (size_t)(start - r->text);
	}
	return 0;
}

static int read_escape(struct reader *r)
{
	if (left(r) < 2) {
		return fail(r, r->end, "the document ends inside a string");
	}
	if (r->at[1] == 'u') {
		return read_unicode_escape(r);
	}
	if (r->at[1] == '/') {
		*r->out++ = '/';
	} else if (memchr("\"\\bfnrt", r->at[1], 7)) {
		*r->out++ = '\\';
		*r->out++ = r->at[1];
	} else {
		return fail(r, r->at, "unknown escape in a string");
	}
	r->at += 2;
	return 0;
}

/* Reads one unit of a string that is neither a plain byte nor the closing quote. There
 * is room for it. */
static int read_special(struct reader *r)
{
	unsigned char c = (unsigned char)*r->at;
	size_t len;

	if (c == '\\') {
		return read_escape(r);
	}
	if (c < 0x20) {
		return fail(r, r->at,
			    "control character in a string; write it as an escape");
	}
	if (c < 0x80) {
		r->out = json_char_put_escape(r->out, c);
		r->at++;
		return 0;
	}
	len = utf8_length(r->at, left(r));
	if (!len) {
		return fail(r, r->at, "invalid UTF-8");
	}
	if (len == 3 && json_char_separator(r->at)) {
		r->out = json_char_put_escape(r->out,
					      0x2000 | ((unsigned char)r->at[2] & 0x3f));
	} else {
		memcpy(r->out, r->at, len);
		r->out += len;
	}
	r->at += len;
	return 0;
}

/* Reads a string with its quotes. */
static int read_string(struct reader *r)
{
	take(r);
	for (;;) {
		make_room(r);
		copy_plain(r);
		if (r->at == r->end) {
			return fail(r, r->end, "the document ends inside a string");
		}
		if (*r->at == '"') {
			*r->out++ = *r->at++;
			return 0;
		}
		/* A plain byte here means that the room ran out. */
		while (r->out < r->out_end && r->at < r->end && *r->at != '"' &&
		       !json_char_plain((unsigned char)*r->at)) {
			if (read_special(r) < 0) {
				return -1;
			}
		}
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Copies the source up to `end` unchanged: a number or a word. */
static int take_until(struct reader *r, const char *end)
{
	size_t len = (size_t)(end - r->at);

	if (end < r->end && is_word(*end)) {
		return fail(r, end, "unexpected letter or digit after a value");
	}
	if (r->out >= r->out_end || len > (size_t)(r->out_end - r->out)) {
		grow(r, len);
	}
	memcpy(r->out, r->at, len);
	r->out += len;
	r->at = end;
	return 0;
}

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && is_digit(*at)) {
		at++;
	}
	return at;
}

static int read_number(struct reader *r)
{
	const char *at = r->at, *end = r->end;
	const char *digits = *at == '-' ? at + 1 : at;

	at = skip_digits(digits, end);
	if (at == digits) {
		return fail(r, at, "expected a digit after '-'");
	}
	if (*digits == '0' && at - digits > 1) {
		return fail(r, digits, "number has a leading zero");
	}
	if (at < end && *at == '.') {
		digits = at + 1;
		at = skip_digits(digits, end);
		if (at == digits) {
			return fail(r, at, "expected a digit after the decimal point");
		}
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-')) {
			at++;
		}
		digits = at;
		at = skip_digits(digits, end);
		if (at == digits) {
			return fail(r, at, "expected a digit in the exponent");
		}
	}
	return take_until(r, at);
}

static int read_word(struct reader *r)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t len = strlen(words[i]);

		if (left(r) >= len && memcmp(r->at, words[i], len) == 0) {
			return take_until(r, r->at + len);
		}
	}
	if (is_word(*r->at)) {
		return fail(r, r->at,
			    "unknown word; expected true, false, null or a string");
	}
	return fail(r, r->at, "expected a value");
}

static void push(struct reader *r, bool object)
{
	size_t byte = r->depth / 8, bit = r->depth % 8;
	unsigned below;

	if (r->depth == r->level_room) {
		size_t bytes = r->level_room / 8;

		if (r->level == r->level_first) {
			buf_add(&r->level_more, r->level_first, bytes);
		}
		r->level_more.len = bytes;
		buf_grow(&r->level_more, bytes);
		r->level = (unsigned char *)r->level_more.data;
		r->level_room *= 2;
	}
	below = bit ? r->level[byte] & ((1u << bit) - 1) : 0;
	r->level[byte] = (unsigned char)(below | (unsigned)object << bit);
	r->depth++;
	if (r->depth > r->value->depth) {
		r->value->depth = r->depth;
	}
}

static inline bool in_object(const struct reader *r)
{
	size_t top = r->depth - 1;

	return r->level[top / 8] >> top % 8 & 1;
}

static int fail_at_end(struct reader *r)
{
	return fail(r, r->end,
		    in_object(r) ? "the document ends inside an object"
				 : "the document ends inside an array");
}

/* Reads the name of a member and the colon after it. */
static int read_name(struct reader *r)
{
	skip_space(r);
	if (r->at == r->end) {
		return fail_at_end(r);
	}
	if (*r->at != '"') {
		return fail(r, r->at, "expected a member name in double quotes");
	}
	if (read_string(r) < 0) {
		return -1;
	}
	skip_space(r);
	if (r->at == r->end) {
		return fail_at_end(r);
	}
	if (*r->at != ':') {
		return fail(r, r->at, "expected ':' after a member name");
	}
	take(r);
	return 0;
}

/* Reads a whole scalar, or the part of an array or object before its first value; *open
 * then says that a value must follow. */
static int begin_value(struct reader *r, bool *open)
{
	char c;

	*open = false;
	skip_space(r);
	if (r->at == r->end) {
		return r->depth ? fail_at_end(r)
				: fail(r, r->at, "there is no JSON value");
	}
	c = *r->at;
	if (c == '"') {
		return read_string(r);
	}
	if (is_digit(c) || c == '-') {
		return read_number(r);
	}
	if (c != '{' && c != '[') {
		return read_word(r);
	}
	push(r, c == '{');
	take(r);
	skip_space(r);
	if (r->at < r->end && *r->at == (c == '{' ? '}' : ']')) {
		return 0;
	}
	*open = true;
	return c == '{' ? read_name(r) : 0;
}

/* Reads what follows a value: closes the arrays and objects that end here. *due says
 * that another value must follow. */
static int end_value(struct reader *r, bool *due)
{
	*due = false;
	while (r->depth) {
		bool object = in_object(r);

		skip_space(r);
		if (r->at == r->end) {
			return fail_at_end(r);
		}
		if (*r->at == ',') {
			take(r);
			*due = true;
			return object ? read_name(r) : 0;
		}
		if (*r->at != (object ? '}' : ']')) {
			return fail(r, r->at,
				    object ? "expected ',' or '}' after a member"
					   : "expected ',' or ']' after an element");
		}
		take(r);
		r->depth--;
	}
	return 0;
}

static int read_value(struct reader *r)
{
	bool due = true;

	skip_space(r);
	r->value->begin = (size_t)(r->at - r->text);
	if (left(r) >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0) {
		return fail(r, r->at, "byte order mark; save it as UTF-8 without one");
	}
	while (due) {
		if (begin_value(r, &due) < 0 || (!due && end_value(r, &due) < 0)) {
			return -1;
		}
	}
	r->value->end = (size_t)(r->at - r->text);
	return 0;
}

static void reader_init(struct reader *r, struct buf *canon, struct json_value *value,
			const char *text, size_t len)
{
	r->text = text;
	r->at = text;
	r->end = text + len;
	r->out = NULL;
	r->canon = canon;
	r->value = value;
	r->depth = 0;
	r->level = r->level_first;
	r->level_room = LEVELS_ON_STACK;
	r->level_more = (struct buf){0};
	*value = (struct json_value){0};
	grow(r, SLACK);
}

int json_read(struct buf *canon, struct json_value *value, const char *text, size_t len)
{
	size_t before = canon->len;
	struct reader r;
	int rc;

	reader_init(&r, canon, value, text, len);
	rc = read_value(&r);
	canon->len = (size_t)(r.out - canon->data);
	buf_setlen(canon, rc < 0 || value->unusable ? before : canon->len);
	buf_release(&r.level_more);
	return rc;
}

size_t json_skip_space(const char *text, size_t len, size_t at)
{
	return (size_t)(past_space(text + at, text + len) - text);
}

size_t json_source_offset(const char *text, size_t len, size_t canon_off)
{
	struct buf unit = {0};
	struct json_value value;
	struct reader r;
	bool in_string = false;
	size_t done = 0;

	/* The text was checked before. After the value it may be bad; then a failing
	 * unit ends the search. */
	reader_init(&r, &unit, &value, text, len);
	for (;;) {
		const char *start = r.at;

		if (!in_string) {
			skip_space(&r);
			start = r.at;
		}
		if (r.at == r.end) {
			break;
		}
		r.out = unit.data;
		if (*r.at == '"') {
			in_string = !in_string;
			take(&r);
		} else if (!in_string || json_char_plain((unsigned char)*r.at)) {
			take(&r);
		} else if (read_special(&r) < 0) {
			break;
		}
		done += (size_t)(r.out - unit.data);
		if (done > canon_off) {
			r.at = start;
			break;
		}
	}
	buf_release(&unit);
	return (size_t)(r.at - text);
}

int json_string(struct buf *out, const char *canon, size_t len)
{
	cJSON *item;

	/* A string without a backslash is its own value. */
	if (!memchr(canon, '\\', len)) {
		buf_add(out, canon + 1, len - 2);
		return 0;
	}
	/* cJSON's strings end at U+0000, so one that holds it must not get there. A
	 * backslash of canonical text and what it escapes are read as a pair. */
	for (size_t i = 1; i + 1 < len; i++) {
		if (canon[i] == '\\' && len - i > 6 &&
		    memcmp(canon + i, "\\u0000", 6) == 0) {
			return -1;
		}
		i += canon[i] == '\\';
	}
	item = cJSON_ParseWithLength(canon, len);
	assert(cJSON_IsString(item));
	buf_addstr(out, item->valuestring);
	cJSON_Delete(item);
	return 0;
}
