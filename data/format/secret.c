/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/secret.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "data/base/buf.h"
#include "data/base/hex.h"
#include "data/format/json.h"
#include "data/format/record.h"

/*
 * Two sieves. The first searches the whole text for bytes that are rare, and without
 * which no secret can be written. Only if the bytes around one of them look like a
 * secret, the second checks all strings of the record, one by one.
 *
 * Canonical text writes ASCII letters and dashes unchanged. So only letters escaped in
 * embedded JSON could pass the first sieve, and it searches for their backslashes too.
 */

#define PATH_MOST 100 /* bytes of a path in a reason */

enum secret_kind {
	SECRET_NONE,
	SECRET_TOKEN,
	SECRET_PRIVATE_KEY,
	SECRET_AUTHORIZATION,
};

struct text {
	const char *at, *end;
};

/* --- the first sieve -------------------------------------------------------------- */

/* Whether the word (letters, in any case) is at `at`, which may be outside the text. */
static bool stands(const struct text *text, const char *at, const char *word)
{
	size_t len = strlen(word);

	return at >= text->at && (size_t)(text->end - at) >= len &&
	       strncasecmp(at, word, len) == 0;
}

/* `J`: base64 of `{"` begins with `eyJ`, and so does each part of a token. */
static bool may_be_token(const struct text *text, const char *at)
{
	return at - text->at >= 2 && at[-1] == 'y' && at[-2] == 'e';
}

/* `V` of PRIVATE KEY */
static bool may_be_key(const struct text *text, const char *at)
{
	return at - text->at >= 8 && text->end - at >= 8 &&
	       memcmp(at - 3, "PRIVATE", 7) == 0;
}

/* `z` of the name of the header */
static bool may_be_header(const struct text *text, const char *at)
{
	return stands(text, at - 7, "authorization");
}

/* A character that may replace the space after a scheme, followed by a value that is
 * not a plain word (the meaning of an escape is unknown here). */
static bool may_be_scheme(const struct text *text, const char *at)
{
	static const char *const schemes[] = {"bearer", "basic", "token"};
	char before = at > text->at ? (char)(at[-1] | 0x20) : 0;
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

/* --- one string -------------------------------------------------------------------- */

/*
 * A string is checked layer by layer: as it is, then with one layer of JSON escapes and
 * percent signs undone, until there is nothing left to undo. Each layer shows what the
 * one above hides, so nothing needs parsing: JSON in a URL in JSON is three layers of
 * the same text.
 */

#define LAYERS 8
/* Limits that keep the work proportional to the text: */
#define HEADER_MAX 16384 /* characters of the first part of a token */
#define HEADERS_TRIED 4  /* places in a run where the first part may begin */
#define VALUE_MAX 64     /* characters of a value that are checked */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The value of a base64 or base64url digit, or -1. */
static int digit64(char c)
{
	if (is_letter(c)) {
		return c >= 'a' ? c - 'a' + 26 : c - 'A';
	}
	if (is_digit(c)) {
		return c - '0' + 52;
	}
	return c == '-' || c == '+' ? 62 : c == '_' || c == '/' ? 63 : -1;
}

static bool is_base64url(char c)
{
	return is_letter(c) || is_digit(c) || c == '-' || c == '_';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '+';
}

/* The characters of all kinds of tokens (RFC 6750, and `_`). */
static bool is_token_char(char c)
{
	return is_base64url(c) || c == '.' || c == '~' || c == '+' || c == '/' ||
	       c == '=';
}

static void decode64(struct buf *out, const char *at, const char *end)
{
	uint32_t bits = 0;
	unsigned count = 0;

	for (; at < end && *at != '='; at++) {
		bits = bits << 6 | (uint32_t)digit64(*at);
		count += 6;
		if (count >= 8) {
			count -= 8;
			buf_addch(out, (char)(bits >> count & 0xff));
		}
	}
}

/* --- tokens ----------------------------------------------------------------------- */

/* True if the base64url text is a JSON object with `alg` or `typ`. */
static bool is_token_header(const char *at, const char *end)
{
	struct buf text = {0}, canon = {0};
	struct json_object object = {0};
	struct json_value value;
	bool found = false;

	if ((end - at) % 4 == 1 || end - at > HEADER_MAX) {
		return false;
	}
	decode64(&text, at, end);
	if (json_read(&canon, &value, text.data, text.len) == 0 && canon.len &&
	    canon.data[0] == '{' &&
	    json_skip_space(text.data, text.len, value.end) == text.len) {
		json_members(&object, canon.data, canon.len);
		found = json_find(&object, canon.data, "\"alg\"") ||
			json_find(&object, canon.data, "\"typ\"");
	}
	json_object_release(&object);
	buf_release(&canon);
	buf_release(&text);
	return found;
}

static const char *run_end(const char *at, const char *end)
{
	while (at < end && is_base64url(*at)) {
		at++;
	}
	return at;
}

/* A run of base64url characters from `at` to `run`, which two more parts follow. The
 * header may begin anywhere in it, after other text. `{` followed by a space, tab, line
 * end or quote is written `ey` or `ew`. */
static bool run_has_header(const char *at, const char *run)
{
	unsigned tried = 0;

	for (; run - at >= 12 && tried < HEADERS_TRIED; at++) {
		at = memchr(at, 'e', (size_t)(run - at));
		if (!at || run - at < 12) {
			return false;
		}
		if (at[1] == 'y' || at[1] == 'w') {
			tried++;
			if (is_token_header(at, run)) {
				return true;
			}
		}
	}
	return false;
}

static bool has_token(struct text text)
{
	const char *at = text.at, *end = text.end;

	while (at < end) {
		const char *run = run_end(at, end), *second, *third;

		if (run - at >= 12 && run < end && *run == '.') {
			second = run_end(run + 1, end);
			third = second < end && *second == '.' ? run_end(second + 1, end)
							       : NULL;
			/* In an encrypted token the second part may be empty, in an
			 * unsigned one the third. */
			if (third && third - run > 2 && run_has_header(at, run)) {
				return true;
			}
		}
		at = run + 1;
	}
	return false;
}

/* --- private keys ----------------------------------------------------------------- */

static bool skip_word(const char **at, const char *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - *at) < len || memcmp(*at, word, len) != 0) {
		return false;
	}
	*at += len;
	return true;
}

/* Reads what follows BEGIN: words in capitals, the last of them PRIVATE KEY or PRIVATE
 * KEY BLOCK, and dashes. */
static bool is_key_label(const char *at, const char *end)
{
	const char *stop = end - at > 80 ? at + 80 : end;

	for (;
	     at < stop && (is_space(*at) || is_digit(*at) || (*at >= 'A' && *at <= 'Z'));
	     at++) {
		const char *next = at;

		if (skip_word(&next, end, "PRIVATE") && next < end && is_space(*next) &&
		    (next++, skip_word(&next, end, "KEY"))) {
			if (next < end && is_space(*next)) {
				next++;
				skip_word(&next, end, "BLOCK");
			}
			return end - next >= 4 && memcmp(next, "----", 4) == 0;
		}
	}
	return false;
}

static bool has_private_key(struct text text)
{
	const char *at = text.at, *end = text.end;

	while ((at = memmem(at, (size_t)(end - at), "----", 4))) {
		while (at < end && *at == '-') {
			at++;
		}
		if (at < end && is_space(*at)) {
			at++;
		}
		if (skip_word(&at, end, "BEGIN") && is_key_label(at, end)) {
			return true;
		}
	}
	return false;
}

/* --- Authorization ---------------------------------------------------------------- */

static const char header_name[] = "authorization";
#define HEADER_LEN (sizeof(header_name) - 1)

static bool starts(const char *at, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - at) >= len && strncasecmp(at, word, len) == 0;
}

/* Properties of the longest start of a value that may be a token. */
struct shape {
	size_t len;
	bool letters, digits, mixed;
};

static struct shape shape_of(const char *at, const char *end)
{
	bool lower = false, upper = false;
	const char *begin = at;
	struct shape shape = {0};

	if (end - at > VALUE_MAX) {
		end = at + VALUE_MAX;
	}
	for (; at < end && is_token_char(*at); at++) {
		shape.digits |= is_digit(*at);
		shape.letters |= is_letter(*at);
		lower |= *at >= 'a' && *at <= 'z';
		upper |= at > begin && *at >= 'A' && *at <= 'Z';
	}
	shape.mixed = lower && upper;
	shape.len = (size_t)(at - begin);
	return shape;
}

/* Not a word, a name or a year. */
static bool is_like_token(const char *at, const char *end, size_t least)
{
	struct shape shape = shape_of(at, end);

	if (shape.len < least) {
		return false;
	}
	return (shape.letters && shape.digits) || (shape.len >= 16 && shape.mixed) ||
	       (shape.len >= 16 && shape.digits);
}

/* Whether it is base64 of a name, a colon and a password. Of a long value only the
 * first characters are decoded, which may end within a character. */
static bool is_basic_value(const char *at, const char *end)
{
	struct buf text = {0};
	const char *stop = at;
	size_t len;
	bool found;

	while (stop < end && stop - at < VALUE_MAX && digit64(*stop) >= 0) {
		stop++;
	}
	if (stop - at < 4 || (stop - at) % 4 == 1) {
		return false;
	}
	decode64(&text, at, stop);
	assert(text.data); /* at least four characters */
	len = text.len;
	for (int cut = 0; stop - at == VALUE_MAX && cut < 3; cut++) {
		len -= !json_is_utf8(text.data, len);
	}
	found = memchr(text.data, ':', len) && json_is_utf8(text.data, len);
	for (size_t i = 0; i < len; i++) {
		found &= (unsigned char)text.data[i] >= 0x20 && text.data[i] != 0x7f;
	}
	buf_release(&text);
	return found;
}

/* Whether the word at `at` is a scheme with a value. It begins the text or follows a
 * character that is not part of a word. */
static bool is_scheme_with_value(struct text text, const char *at)
{
	static const char *const schemes[] = {"bearer", "basic", "token"};
	const char *end = text.end, *value = NULL, *before = at;
	size_t which;
	bool alone;

	for (which = 0; which < 3; which++) {
		if (starts(at, end, schemes[which])) {
			value = at + strlen(schemes[which]);
			break;
		}
	}
	if (!value || value == end || !is_space(*value)) {
		return false;
	}
	while (value < end && is_space(*value)) {
		value++;
	}
	if (which == 1) {
		return is_basic_value(value, end);
	}
	if (which == 2 && starts(value, end, "token=")) {
		value += strlen("token=");
		while (value < end && memchr("\"'\\", *value, 3)) {
			value++;
		}
		return value < end && is_token_char(*value);
	}
	while (before > text.at && is_space(before[-1])) {
		before--;
	}
	alone = before == text.at || memchr("\"'\\:=,;([{<>", before[-1], 12);
	if (which == 2) {
		return alone && is_like_token(value, end, 20);
	}
	return is_like_token(value, end, alone ? 8 : 16);
}

/* `"authorization": "...`: a member of embedded JSON. */
static bool is_member_with_value(struct text text, const char *before, const char *at)
{
	bool colon = false;

	if (before == text.at || before[-1] != '"' || at == text.end || *at != '"') {
		return false;
	}
	for (at++; at < text.end; at++) {
		if (*at == '"') {
			return colon && text.end - at >= 2 && at[1] != '"';
		}
		if (!is_space(*at) && (*at != ':' || colon)) {
			return false;
		}
		colon |= *at == ':';
	}
	return false;
}

/* `Authorization: `, also quoted and with `=`, followed by a scheme and any value, or
 * by a value that looks like a token. */
static bool is_line_with_value(struct text text, const char *at)
{
	static const char *const schemes[] = {"bearer", "basic",     "token",
					      "digest", "negotiate", "ntlm",
					      "apikey", "oauth",     "aws4-hmac-sha256"};
	const char *end = text.end, *name_end = at;
	bool colon = false;

	for (; at < end && at < name_end + 16 && memchr("\"'\\:=> \t", *at, 8); at++) {
		colon |= *at == ':';
	}
	if (at == name_end) {
		return false;
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (starts(at, end, schemes[i])) {
			const char *value = at + strlen(schemes[i]);

			return end - value >= 2 && is_space(value[0]) &&
			       !is_space(value[1]);
		}
	}
	return colon && is_like_token(at, end, 16);
}

/* Whether the name of the header, at `name`, has a value. */
static bool is_header_with_value(struct text text, const char *name)
{
	const char *before = name, *after = name + HEADER_LEN;

	if (before - text.at >= 6 && starts(before - 6, text.end, "proxy-")) {
		before -= 6;
	}
	return is_member_with_value(text, before, after) ||
	       is_line_with_value(text, after);
}

static bool has_authorization(struct text text)
{
	for (const char *at = text.at; at < text.end; at++) {
		bool word = at > text.at && (is_letter(at[-1]) || is_digit(at[-1]));

		switch (*at | 0x20) {
		case 'a':
			if (starts(at, text.end, header_name) &&
			    is_header_with_value(text, at)) {
				return true;
			}
			break;
		case 'b':
		case 't':
			if (!word && is_scheme_with_value(text, at)) {
				return true;
			}
			break;
		}
	}
	return false;
}

static bool is_header(const char *name, size_t len)
{
	if (len > 6 && strncasecmp(name, "proxy-", 6) == 0) {
		name += 6;
		len -= 6;
	}
	return len == HEADER_LEN && strncasecmp(name, header_name, len) == 0;
}

/* --- layers ----------------------------------------------------------------------- */

/* Reads the escape at `at`. Returns its length and the character; 0: there is none.
 * Characters outside ASCII become `?`. */
static size_t read_escape(const char *at, size_t left, char *out)
{
	static const char letters[] = "nrtbf\"\\/", values[] = "\n\r\t\b\f\"\\/";
	const char *letter;
	int value;

	if (*at == '%' && left >= 3) {
		value = hex_number(at + 1, 2);
		*out = (char)value;
		return value < 0 ? 0 : 3;
	}
	if (*at != '\\' || left < 2) {
		return 0;
	}
	if (at[1] == 'u' && left >= 6) {
		value = hex_number(at + 2, 4);
		*out = value < 0x80 ? (char)value : '?';
		return value < 0 ? 0 : 6;
	}
	letter = at[1] ? strchr(letters, at[1]) : NULL;
	if (!letter) {
		return 0;
	}
	*out = values[letter - letters];
	return 2;
}

/* Undoes one layer in place; false: there was none. */
static bool undo_layer(struct buf *text)
{
	char *in = text->data, *end = text->data + text->len, *out = in;
	bool undone = false;

	while (in < end) {
		size_t len = read_escape(in, (size_t)(end - in), out);

		if (len) {
			undone = true;
			in += len;
			out++;
		} else {
			*out++ = *in++;
		}
	}
	buf_setlen(text, (size_t)(out - text->data));
	return undone;
}

static enum secret_kind in_string(const char *canon, size_t len)
{
	enum secret_kind kind = SECRET_NONE;
	struct buf layer = {0};
	bool more = true;

	buf_add(&layer, canon, len);
	for (int i = 0; i < LAYERS && more && !kind; i++) {
		struct text text = {layer.data, layer.data + layer.len};

		if (has_token(text)) {
			kind = SECRET_TOKEN;
		} else if (has_private_key(text)) {
			kind = SECRET_PRIVATE_KEY;
		} else if (has_authorization(text)) {
			kind = SECRET_AUTHORIZATION;
		}
		more = undo_layer(&layer);
	}
	buf_release(&layer);
	return kind;
}

/* --- all strings of a record ------------------------------------------------------- */

struct level {
	struct json_span name; /* of the current member, without quotes */
	size_t element;        /* its number, in an array */
	bool object;
	bool name_due;
};

struct walk {
	const char *canon;
	struct level level[RECORD_DEPTH_MAX + 1];
	size_t depth;
};

/* Appends the path to the current member or element, at `depth` levels. */
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

/* The names on the path were checked before and contain no secret. */
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

/* Checks one string, whose content is `text`. */
static bool is_secret(struct secret *out, struct walk *walk, struct json_span text)
{
	const char *canon = walk->canon;
	struct level *top = walk->depth ? &walk->level[walk->depth - 1] : NULL;
	bool is_name = top && top->name_due;
	enum secret_kind kind = SECRET_NONE;

	if (text_may(canon + text.off, text.len)) {
		kind = in_string(canon + text.off, text.len);
	}
	if (top && top->object && !is_name && text.len &&
	    is_header(canon + top->name.off, top->name.len)) {
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
