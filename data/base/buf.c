/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *out_of_memory(size_t size)
{
	fprintf(stderr, "albumen: error: out of memory (%zu bytes asked)\n", size);
	exit(1);
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	return p ? p : out_of_memory(size);
}

void *xzalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	return p ? p : out_of_memory(size);
}

void *xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	return p ? p : out_of_memory(size);
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		return out_of_memory(SIZE_MAX);
	}
	return xrealloc(old, bytes);
}

void *xgrow(void *array, size_t count, size_t *cap, size_t size)
{
	if (count < *cap) {
		return array;
	}
	*cap = count + count / 2 + 16;
	return xreallocarray(array, *cap, size);
}

char *xmemdup0(const void *bytes, size_t len)
{
	char *p = xmalloc(len + 1);

	if (len) {
		memcpy(p, bytes, len);
	}
	p[len] = '\0';
	return p;
}

char *xstrdup(const char *s)
{
	return xmemdup0(s, strlen(s));
}

void buf_grow(struct buf *buf, size_t more)
{
	size_t need;

	if (__builtin_add_overflow(buf->len, more, &need) || need > SIZE_MAX / 4) {
		out_of_memory(more);
	}
	need += 1;
	if (need > buf->cap) {
		size_t cap = buf->cap + buf->cap / 2;

		if (cap < need) {
			cap = need;
		}
		if (cap < 64) {
			cap = 64;
		}
		buf->data = xrealloc(buf->data, cap);
		buf->cap = cap;
	}
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
	buf_grow(buf, len);
	if (len) {
		memcpy(buf->data + buf->len, bytes, len);
	}
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_addch(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_addstr(struct buf *buf, const char *s)
{
	buf_add(buf, s, strlen(s));
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	size_t room;
	int len;

	buf_grow(buf, 128);
	room = buf->cap - buf->len;
	va_start(ap, fmt);
	len = vsnprintf(buf->data + buf->len, room, fmt, ap);
	va_end(ap);
	assert(len >= 0);
	if ((size_t)len >= room) {
		buf_grow(buf, (size_t)len);
		va_start(ap, fmt);
		vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, ap);
		va_end(ap);
	}
	buf->len += (size_t)len;
}

void buf_addu32(struct buf *buf, uint32_t n)
{
	char bytes[4];

	be32_put(bytes, n);
	buf_add(buf, bytes, sizeof(bytes));
}

void buf_addu64(struct buf *buf, uint64_t n)
{
	char bytes[8];

	be64_put(bytes, n);
	buf_add(buf, bytes, sizeof(bytes));
}

void buf_filled(struct buf *buf, size_t len)
{
	assert(len < buf->cap - buf->len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_setlen(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	buf->len = len;
	if (buf->data) {
		buf->data[len] = '\0';
	}
}

void buf_clear(struct buf *buf)
{
	buf_setlen(buf, 0);
}

#define KEPT_MAX ((size_t)8 << 20)

void buf_empty(struct buf *buf)
{
	if (buf->cap > KEPT_MAX) {
		buf_release(buf);
	} else {
		buf_clear(buf);
	}
}

void buf_release(struct buf *buf)
{
	if (buf) {
		free(buf->data);
		*buf = (struct buf){0};
	}
}

uint32_t be32_get(const void *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return __builtin_bswap32(n);
}

uint64_t be64_get(const void *p)
{
	uint64_t n;

	memcpy(&n, p, sizeof(n));
	return __builtin_bswap64(n);
}

void be32_put(void *p, uint32_t n)
{
	n = __builtin_bswap32(n);
	memcpy(p, &n, sizeof(n));
}

void be64_put(void *p, uint64_t n)
{
	n = __builtin_bswap64(n);
	memcpy(p, &n, sizeof(n));
}
