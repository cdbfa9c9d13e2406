/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/secret_form.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "data/base/buf.h"
#include "data/format/json.h"
#include "data/format/secret_char.h"

/* Limits that keep the work proportional to the text: */
#define HEADER_MAX 16384 /* characters of the first part of a token */
#define HEADERS_TRIED 16 /* places in a run where the first part may begin */
#define VALUE_MAX 64     /* characters of a value that are checked */

static void decode64(struct buf *out, const char *at, const char *end)
{
	uint32_t bits = 0;
	unsigned count = 0;

	for (; at < end && *at != '='; at++) {
		bits = bits << 6 | (uint32_t)secret_char_digit64(*at);
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
	while (at < end && secret_char_is_base64url(*at)) {
		at++;
	}
	return at;
}

/* Whether base64 of a JSON object may begin here: `{` and a space, a line end, a tab or a
 * quote. */
static bool is_object_start(const char *at)
{
	return at[0] == 'e' && ((at[1] == 'y' && memchr("AIJKL", at[2], 5)) ||
				(at[1] == 'w' && memchr("o0k", at[2], 3)));
}

/* A run of base64url characters from `at` to `run`, which two more parts follow. The header
 * may begin anywhere in it, after other text. A run with many places where it may begin is no
 * honest text, and counts as a token. */
static bool run_has_header(const char *at, const char *run)
{
	unsigned tried = 0;

	if (run - at > HEADER_MAX) {
		at = run - HEADER_MAX;
	}
	for (; run - at >= 12 && (at = memchr(at, 'e', (size_t)(run - at))) &&
	       run - at >= 12;
	     at++) {
		if (is_object_start(at) &&
		    (tried++ == HEADERS_TRIED || is_token_header(at, run))) {
			return true;
		}
	}
	return false;
}

bool secret_form_token(struct secret_text text)
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

	for (; at < stop && (secret_char_is_space(*at) || secret_char_is_digit(*at) ||
			     (*at >= 'A' && *at <= 'Z'));
	     at++) {
		const char *next = at;

		if (skip_word(&next, end, "PRIVATE") && next < end &&
		    secret_char_is_space(*next) &&
		    (next++, skip_word(&next, end, "KEY"))) {
			if (next < end && secret_char_is_space(*next)) {
				next++;
				skip_word(&next, end, "BLOCK");
			}
			return end - next >= 4 && memcmp(next, "----", 4) == 0;
		}
	}
	return false;
}

bool secret_form_private_key(struct secret_text text)
{
	const char *at = text.at, *end = text.end;

	while ((at = memmem(at, (size_t)(end - at), "----", 4))) {
		while (at < end && *at == '-') {
			at++;
		}
		if (at < end && secret_char_is_space(*at)) {
			at++;
		}
		if (skip_word(&at, end, "BEGIN") && is_key_label(at, end)) {
			return true;
		}
	}
	return false;
}

bool secret_form_putty_key(struct secret_text text)
{
	static const char begin[] = "PuTTY-User-Key-File-";
	const char *at = text.at, *end = text.end;

	while ((at = memmem(at, (size_t)(end - at), begin, strlen(begin)))) {
		at += strlen(begin);
		if (end - at >= 2 && secret_char_is_digit(at[0]) && at[1] == ':') {
			return true;
		}
	}
	return false;
}

/* --- URLs ------------------------------------------------------------------------- */

/* Before the host stand a name, a colon and a password, which is not only stars. */
static bool is_user_with_password(const char *at, const char *end)
{
	const char *colon = NULL;
	bool stars = true;

	for (; at < end && !memchr(" \t\r\n\"'<>\\/?#,", *at, 13); at++) {
		if (*at == '@') {
			return colon && !stars && at + 1 < end &&
			       (secret_char_is_letter(at[1]) ||
				secret_char_is_digit(at[1]) || at[1] == '[');
		}
		if (colon) {
			stars &= *at == '*';
		} else if (*at == ':') {
			colon = at;
		}
	}
	return false;
}

bool secret_form_url(struct secret_text text)
{
	const char *at = text.at, *end = text.end;

	while ((at = memmem(at, (size_t)(end - at), "://", 3))) {
		bool scheme = at > text.at && (secret_char_is_letter(at[-1]) ||
					       secret_char_is_digit(at[-1]));

		at += 3;
		if (scheme && is_user_with_password(at, end)) {
			return true;
		}
	}
	return false;
}

bool secret_form_slack_hook(struct secret_text text)
{
	static const char hook[] = "hooks.slack.com/services/T";
	const char *at = text.at;

	while ((at = memmem(at, (size_t)(text.end - at), hook, strlen(hook)))) {
		at += strlen(hook);
		if (run_end(at, text.end) - at >= 8 && *run_end(at, text.end) == '/') {
			return true;
		}
	}
	return false;
}

/* --- Authorization ---------------------------------------------------------------- */

static bool starts(const char *at, const char *end, const char *word)
{
	size_t len = strlen(word);

	return at <= end && (size_t)(end - at) >= len && strncasecmp(at, word, len) == 0;
}

/* Whether 8-4-4-4-12 characters begin here: the form of a UUID, which names things. */
static bool is_uuid(const char *at, const char *end)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if ((size_t)(end - at) < strlen(form)) {
		return false;
	}
	for (size_t i = 0; i < strlen(form); i++) {
		if (form[i] == '-' ? at[i] != '-'
				   : !secret_char_is_letter(at[i]) &&
					     !secret_char_is_digit(at[i])) {
			return false;
		}
	}
	return (size_t)(end - at) == strlen(form) ||
	       !secret_char_is_token(at[strlen(form)]);
}

/* Capital letter, small letter, digit or other. */
static char class_of(char c)
{
	return secret_char_is_digit(c)     ? '0'
	       : !secret_char_is_letter(c) ? '-'
	       : c >= 'a'                  ? 'a'
					   : 'A';
}

/* Whether what begins here is random rather than a word, a name, a number or a file name: 16
 * characters or more, which change between letters and digits three times, or between any two
 * classes as often as in no word; next to a dash or a dot a change does not count.
 * "DSC_0001", "UAS-2024-000123-EU" and "GreatBarrierReef" are not. */
static bool is_random(const char *at, const char *end)
{
	const char *begin = at, *dot = NULL;
	size_t digits = 0, changes = 0;
	char last = '-';

	if (end - at > VALUE_MAX) {
		end = at + VALUE_MAX;
	}
	for (; at < end && secret_char_is_token(*at); at++) {
		char class = class_of(*at);

		if (class != last && class != '-' && last != '-') {
			changes++;
			digits += class == '0' || last == '0';
		}
		last = class;
		dot = *at == '.' ? at : dot;
	}
	if (dot && at - dot >= 3 && at - dot <= 5) {
		return false; /* a suffix such as .jpg */
	}
	return at - begin >= 16 && (digits >= 3 || changes * 3 >= (size_t)(at - begin));
}

/* Appends what the base64 digits at `at` stand for. Of a long value only the first characters
 * are decoded, which may end within a character. False: it is no text. */
static bool decode_basic(struct buf *text, const char *at, const char *end)
{
	const char *stop = at;
	size_t len;

	while (stop < end && stop - at < VALUE_MAX && secret_char_digit64(*stop) >= 0) {
		stop++;
	}
	if (stop - at < 2 || (stop - at) % 4 == 1) {
		return false;
	}
	decode64(text, at, stop);
	assert(text->data); /* at least two characters */
	len = text->len;
	for (int cut = 0; stop - at == VALUE_MAX && cut < 3; cut++) {
		len -= !json_is_utf8(text->data, len);
	}
	buf_setlen(text, len);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text->data[i] < 0x20 || text->data[i] == 0x7f) {
			return false;
		}
	}
	return json_is_utf8(text->data, len);
}

/* Whether it is base64 of a name, a colon and a password. */
static bool is_basic_value(const char *at, const char *end)
{
	struct buf text = {0};
	bool found = end - at >= 4 && decode_basic(&text, at, end) &&
		     memchr(text.data, ':', text.len);

	buf_release(&text);
	return found;
}

/* Behind "Authorization:" any text will do. */
static bool is_basic_header(const char *at, const char *end)
{
	struct buf text = {0};
	bool found = decode_basic(&text, at, end);

	buf_release(&text);
	return found;
}

/* `token=` behind the scheme Token. */
static bool is_token_parameter(const char *at, const char *end)
{
	if (!starts(at, end, "token")) {
		return false;
	}
	at = secret_char_skip(at + strlen("token"), end, " \t+");
	if (at == end || *at != '=') {
		return false;
	}
	at = secret_char_skip(at + 1, end, " \t+\"'\\");
	return at < end && secret_char_is_token(*at);
}

/* Whether the word at `at` is a scheme with a value. */
static bool is_scheme_with_value(struct secret_text text, const char *at)
{
	const char *end = text.end, *value;

	if (starts(at, end, "bearer")) {
		at += strlen("bearer");
		value = secret_char_skip(at, end, " \t\r\n+:=\"'\\");
		return value > at && is_random(value, end);
	}
	if (starts(at, end, "basic")) {
		at += strlen("basic");
		value = secret_char_skip(at, end, " \t\r\n+");
		return value > at && is_basic_value(value, end);
	}
	if (starts(at, end, "token")) {
		at += strlen("token");
		value = secret_char_skip(at, end, " \t\r\n+:");
		return value > at && (is_token_parameter(value, end) ||
				      (is_random(value, end) && !is_uuid(value, end)));
	}
	return false;
}

/* A letter or a digit of the word before, or of the name of a file or a member. */
bool secret_form_is_in_word(struct secret_text text, const char *at)
{
	return at > text.at &&
	       (secret_char_is_letter(at[-1]) || secret_char_is_digit(at[-1]));
}

/* Whether a sentence goes on: a word of letters alone, a space and a letter. */
static bool is_prose(const char *at, const char *end)
{
	const char *begin = at;

	while (at < end && secret_char_is_letter(*at)) {
		at++;
	}
	return at > begin && end - at >= 2 && secret_char_is_space(*at) &&
	       secret_char_is_letter(at[1]);
}

/* `Authorization: `, also quoted and with `=`, followed by a scheme and a value, or by a value
 * that looks random. */
static bool is_line_with_value(struct secret_text text, const char *at)
{
	static const char *const schemes[] = {"bearer", "token",           "digest",
					      "ntlm",   "negotiate",       "apikey",
					      "oauth",  "aws4-hmac-sha256"};
	const char *end = text.end, *name_end = at;
	bool colon = false;

	for (; at < end && at < name_end + 16 && memchr("\"'\\:=> \t", *at, 8); at++) {
		colon |= *at == ':';
	}
	if (at == name_end) {
		return false;
	}
	if (starts(at, end, "basic") && end - at >= 7 && secret_char_is_space(at[5])) {
		return is_basic_header(secret_char_skip(at + 5, end, " \t+"), end);
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (starts(at, end, schemes[i])) {
			const char *value = at + strlen(schemes[i]);

			return end - value >= 2 && secret_char_is_space(value[0]) &&
			       !secret_char_is_space(value[1]) &&
			       !is_prose(value + 1, end);
		}
	}
	return colon && is_random(at, end);
}

bool secret_form_authorization(struct secret_text text)
{
	static const char name[] = "authorization";

	for (const char *at = text.at; at < text.end; at++) {
		switch (*at | 0x20) {
		case 'a':
			if (starts(at, text.end, name) &&
			    is_line_with_value(text, at + strlen(name))) {
				return true;
			}
			break;
		case 'b':
		case 't':
			if (!secret_form_is_in_word(text, at) &&
			    is_scheme_with_value(text, at)) {
				return true;
			}
			break;
		}
	}
	return false;
}
