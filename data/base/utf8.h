/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_UTF8_H
#define DATA_BASE_UTF8_H

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

#endif
