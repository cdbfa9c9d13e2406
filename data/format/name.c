/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <nettle/sha1.h>

static const char hex[] = "0123456789ABCDEF";

/* Bytes of an id that its name contains unchanged. */
static const bool plain[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
	['_'] = true,         ['-'] = true,
};

static bool stays(unsigned char c)
{
	return plain[c];
}

size_t name_length(const char *id, size_t len)
{
	size_t stay = 0;

	for (size_t i = 0; i < len; i++) {
		stay += stays((unsigned char)id[i]);
	}
	return 3 * len - 2 * stay;
}

void name_add(struct buf *out, const char *id, size_t len)
{
	char *to;

	buf_grow(out, 3 * len);
	to = out->data + out->len;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)id[i];

		if (stays(c)) {
			*to++ = (char)c;
		} else {
			*to++ = '%';
			*to++ = hex[c >> 4];
			*to++ = hex[c & 15];
		}
	}
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

/* The value of an upper-case hex digit, or -1. */
static int digit_value(char c)
{
	const char *digit = c ? strchr(hex, c) : NULL;

	return digit ? (int)(digit - hex) : -1;
}

int name_to_id(struct buf *out, const char *name, size_t len)
{
	size_t before = out->len;
	size_t i = 0;

	while (i < len) {
		unsigned char c = (unsigned char)name[i];

		if (stays(c)) {
			i++;
		} else {
			int high =
				c == '%' && len - i >= 3 ? digit_value(name[i + 1]) : -1;
			int low = high >= 0 ? digit_value(name[i + 2]) : -1;

			/* Each id has one name: a byte that needs no %XX must not be
			 * written so. */
			if (low < 0 || stays((unsigned char)(high << 4 | low))) {
				break;
			}
			c = (unsigned char)(high << 4 | low);
			i += 3;
		}
		buf_addch(out, (char)c);
	}
	if (!len || i < len) {
		buf_setlen(out, before);
		return -1;
	}
	return 0;
}

void name_shard(char shard[5], const char *name, size_t len)
{
	struct sha1_ctx sha1;
	uint8_t digest[2];
	char header[32];
	int header_len = snprintf(header, sizeof(header), "blob %zu", len);

	sha1_init(&sha1);
	/* git hashes the header with its NUL. */
	sha1_update(&sha1, (size_t)header_len + 1, (const uint8_t *)header);
	sha1_update(&sha1, len, (const uint8_t *)name);
	sha1_digest(&sha1, sizeof(digest), digest);
	snprintf(shard, 5, "%02x%02x", digest[0], digest[1]);
}
