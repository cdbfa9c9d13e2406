/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/uuid.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "data/base/hex.h"

int uuid_make(char out[UUID_LEN + 1], struct err *err)
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b)) {
		return err_sys(err, "cannot get random bytes");
	}
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, UUID_LEN + 1,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
		 b[12], b[13], b[14], b[15]);
	return 0;
}

bool uuid_is(const char *text, size_t len)
{
	for (size_t i = 0; i < len && len == UUID_LEN; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? text[i] != '-' : !text[i] || !strchr(HEX_DIGITS, text[i])) {
			return false;
		}
	}
	return len == UUID_LEN;
}
