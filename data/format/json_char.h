/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_JSON_CHAR_H
#define DATA_FORMAT_JSON_CHAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/hex.h"

/*
 * json_char - single characters of JSON strings: which bytes are copied unchanged, and
 * how the others are written in canonical text.
 */

/* Bytes of a string that are copied unchanged. */
static inline bool json_char_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '&' && c != '<' &&
	       c != '>';
}

/*
 * The bytes of `word` that are not plain, as the high bits of those bytes. Exact up to
 * and including the lowest one; a borrow may mark bytes above it. '"' and '&' differ in
 * one bit, as do '<' and '>': one comparison each.
 */
static inline uint64_t json_char_specials(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t quote_amp = (word & (ones * 0xfb)) ^ (ones * '"');
	uint64_t less_greater = (word | (ones * 0x02)) ^ (ones * '>');
	uint64_t backslash = word ^ (ones * '\\');

	return (word | (word - ones * 0x20) | (quote_amp - ones) | (less_greater - ones) |
		(backslash - ones)) &
	       (ones * 0x80);
}

/* U+2028 or U+2029, as UTF-8. */
static inline bool json_char_separator(const char *bytes)
{
	return bytes[0] == '\xe2' && bytes[1] == '\x80' &&
	       (bytes[2] == '\xa8' || bytes[2] == '\xa9');
}

static inline char *json_char_put_escape(char *out, unsigned c)
{
	*out++ = '\\';
	*out++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4) {
		*out++ = HEX_DIGITS[c >> shift & 15];
	}
	return out;
}

/* The letter of the short escape of `c`, or 0 if it has none. */
static inline char json_char_letter(uint32_t c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

/* One character of a string in canonical text: up to 6 bytes. */
static inline char *json_char_put(char *out, uint32_t c)
{
	char letter = json_char_letter(c);

	if (letter) {
		*out++ = '\\';
		*out++ = letter;
		return out;
	}
	if (c < 0x20 || c == '&' || c == '<' || c == '>' || c == 0x2028 || c == 0x2029) {
		return json_char_put_escape(out, c);
	}
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*out++ = (char)(0xe0 | c >> 12);
		} else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

#endif
