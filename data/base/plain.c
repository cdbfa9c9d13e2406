/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/plain.h"

#include <stdint.h>
#include <string.h>

#include "data/base/hex.h"
#include "data/base/utf8.h"

/* The characters that are escaped (plain.h), in ascending order. */
static const struct {
	uint32_t first, last;
} unsafe[] = {
	{0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c},
	{0x180e, 0x180e}, {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},
	{0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

static bool is_unsafe(uint32_t c)
{
	for (size_t i = 0; i < sizeof(unsafe) / sizeof(*unsafe); i++) {
		if (c <= unsafe[i].last) {
			return c >= unsafe[i].first;
		}
	}
	return false;
}

/* The character of a valid sequence. */
static uint32_t decode(const char *text, size_t len)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (unsigned char)*text & first_bits[len];

	for (size_t i = 1; i < len; i++) {
		c = c << 6 | ((unsigned char)text[i] & 0x3f);
	}
	return c;
}

/* The length of the first character if it may be printed as it is, or 0. */
static size_t safe_length(const char *text, size_t len)
{
	size_t used = utf8_length(text, len);

	return used && !is_unsafe(decode(text, used)) ? used : 0;
}

size_t plain_char(char out[PLAIN_MAX], const char *text, size_t len, size_t *used)
{
	size_t written = 0;

	*used = safe_length(text, len);
	if (*used) {
		memcpy(out, text, *used);
		out[*used] = '\\';
		return *used + (*text == '\\');
	}
	*used = utf8_length(text, len);
	*used += !*used;
	for (size_t i = 0; i < *used; i++) {
		out[written++] = '\\';
		out[written++] = 'x';
		out[written++] = HEX_DIGITS[(unsigned char)text[i] >> 4];
		out[written++] = HEX_DIGITS[(unsigned char)text[i] & 15];
	}
	return written;
}

void plain_add(struct buf *out, const char *text, size_t len)
{
	char one[PLAIN_MAX];
	size_t used;

	for (; len; text += used, len -= used) {
		buf_add(out, one, plain_char(one, text, len, &used));
	}
}

void plain_addstr(struct buf *out, const char *text)
{
	plain_add(out, text, strlen(text));
}

void plain_add_json(struct buf *out, const char *json, size_t len)
{
	size_t used;

	for (; len; json += used, len -= used) {
		char one[PLAIN_MAX];
		uint32_t c;

		used = utf8_length(json, len);
		if (!used || safe_length(json, len)) {
			/* A backslash stays. Canonical JSON has no invalid bytes. */
			size_t written = plain_char(one, json, len, &used);

			buf_add(out, one, *json == '\\' ? 1 : written);
			continue;
		}
		c = decode(json, used);
		if (c > 0xffff) {
			buf_addf(out, "\\u%04x", 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		buf_addf(out, "\\u%04x", c);
	}
}

bool plain_is(const char *text, size_t len)
{
	size_t used;

	for (; len; text += used, len -= used) {
		used = safe_length(text, len);
		if (!used) {
			return false;
		}
	}
	return true;
}

size_t plain_cut(const char *text, size_t most)
{
	/* A character has at most three bytes behind its first. */
	for (size_t back = 1; back <= 3 && back <= most; back++) {
		unsigned char c = (unsigned char)text[most - back];

		if (c >= 0xc0) {
			size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

			return need > back ? most - back : most;
		}
		if (c < 0x80) {
			break;
		}
	}
	return most;
}
