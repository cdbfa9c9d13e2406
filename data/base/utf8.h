/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_UTF8_H
#define DATA_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* utf8 - reading UTF-8, one character at a time (RFC 3629). */

/* The length of the well-formed UTF-8 sequence at `bytes`, or 0. `len` is not 0. */
static inline size_t utf8_length(const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	unsigned char low = 0x80, high = 0xbf;
	size_t need = 4;

	if (s[0] < 0x80) {
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4) {
		return 0;
	}
	if (s[0] < 0xe0) {
		need = 2;
	} else if (s[0] < 0xf0) {
		need = 3;
		low = s[0] == 0xe0 ? 0xa0 : 0x80;  /* overlong */
		high = s[0] == 0xed ? 0x9f : 0xbf; /* surrogates */
	} else {
		low = s[0] == 0xf0 ? 0x90 : 0x80;  /* overlong */
		high = s[0] == 0xf4 ? 0x8f : 0xbf; /* over U+10FFFF */
	}
	if (len < need || s[1] < low || s[1] > high) {
		return 0;
	}
	for (size_t i = 2; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return need;
}

/* Whether valid UTF-8 begins with a control character (Unicode category Cc): U+0000 to
 * U+001F, or U+007F to U+009F, of which the last 32 are C2 80 to C2 9F. */
static inline bool utf8_is_control(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

#endif
