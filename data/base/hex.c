/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/hex.h"

/* The value of a digit of either case, or -1. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_number(const char *text, size_t count)
{
	int number = 0;

	for (size_t i = 0; i < count; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0) {
			return -1;
		}
		number = number << 4 | digit;
	}
	return number;
}

bool hex_read(uint8_t *bytes, size_t count, const char *text)
{
	for (size_t i = 0; i < 2 * count; i++) {
		int digit = text[i] >= 'A' && text[i] <= 'F' ? -1 : hex_digit(text[i]);

		if (digit < 0) {
			return false;
		}
		bytes[i / 2] = (uint8_t)(i % 2 ? bytes[i / 2] | digit : digit << 4);
	}
	return true;
}

void hex_write(char *text, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		*text++ = HEX_DIGITS[bytes[i] >> 4];
		*text++ = HEX_DIGITS[bytes[i] & 15];
	}
	*text = '\0';
}
