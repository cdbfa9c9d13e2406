/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_SECRET_CHAR_H
#define DATA_FORMAT_SECRET_CHAR_H

#include <stdbool.h>
#include <string.h>

/*
 * secret_char - the characters that tokens and keys are made of: ASCII, whatever the locale.
 * For secret_form.c and secret_rule.c.
 */

static inline bool secret_char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool secret_char_is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The value of a base64 or base64url digit, or -1. */
static inline int secret_char_digit64(char c)
{
	if (secret_char_is_letter(c)) {
		return c >= 'a' ? c - 'a' + 26 : c - 'A';
	}
	if (secret_char_is_digit(c)) {
		return c - '0' + 52;
	}
	return c == '-' || c == '+' ? 62 : c == '_' || c == '/' ? 63 : -1;
}

static inline bool secret_char_is_base64url(char c)
{
	return secret_char_is_letter(c) || secret_char_is_digit(c) || c == '-' ||
	       c == '_';
}

static inline bool secret_char_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '+';
}

/* The characters of all kinds of tokens (RFC 6750, and `_`). */
static inline bool secret_char_is_token(char c)
{
	return secret_char_is_base64url(c) || c == '.' || c == '~' || c == '+' ||
	       c == '/' || c == '=';
}

/* The first character from `at` on that is not in `set`. */
static inline const char *secret_char_skip(const char *at, const char *end,
					   const char *set)
{
	while (at < end && *at && strchr(set, *at)) {
		at++;
	}
	return at;
}

#endif
