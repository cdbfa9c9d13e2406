/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_BUF_H
#define DATA_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

/*
 * buf - a growing array of bytes, and the allocation functions of both programs.
 *
 * Invariants: `data` is NULL or a heap block of `cap` bytes, and `len` < `cap`.
 * data[len] is a NUL that does not count, so a buffer without NULs inside is a C
 * string. A zeroed `struct buf` is an empty buffer.
 *
 *	struct buf path = {0};
 *	buf_addf(&path, "%s/%s", dir, name);
 *	...
 *	buf_release(&path);
 *
 * Out of memory, the process exits with a message. Both programs are crash-safe (an
 * LMDB transaction is whole or absent, a file is written beside and renamed), so they
 * carry no code for this failure. Sizes that come from input are limited before they
 * get here.
 */

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

/* malloc, calloc, realloc and strndup that exit (status 1, a line on stderr) instead of
 * returning NULL. */
void *xmalloc(size_t size);
void *xzalloc(size_t size);
void *xrealloc(void *old, size_t size);
/* `count` * `size` bytes; exits if the product overflows */
void *xreallocarray(void *old, size_t count, size_t size);
/* Returns the array with room for one more than `count` elements of `size` bytes:
 * itself, or a larger copy. *cap is the number of elements it has room for. */
void *xgrow(void *array, size_t count, size_t *cap, size_t size);
char *xmemdup0(const void *bytes, size_t len); /* a copy with a NUL behind it */
char *xstrdup(const char *s);

/* Makes room for `more` bytes after the present ones, and for the NUL. */
void buf_grow(struct buf *buf, size_t more);
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_addch(struct buf *buf, char c);
void buf_addstr(struct buf *buf, const char *s);
void buf_addf(struct buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Big-endian integers: equal widths sort as numbers under memcmp. */
void buf_addu32(struct buf *buf, uint32_t n);
void buf_addu64(struct buf *buf, uint64_t n);
/* Counts `len` bytes that were written behind the end, into the room that buf_grow made. */
void buf_filled(struct buf *buf, size_t len);
/* Shortens the buffer to `len` bytes. */
void buf_setlen(struct buf *buf, size_t len);
/* Empties the buffer and keeps the memory. */
void buf_clear(struct buf *buf);
/* Empties the buffer, and keeps its memory unless that is more than 8 MiB. For buffers that
 * are reused: one that was large once would otherwise stay so. */
void buf_empty(struct buf *buf);
/* Frees the memory; the buffer is then empty. NULL is allowed. */
void buf_release(struct buf *buf);

/* Big-endian integers in raw memory. */
uint32_t be32_get(const void *p);
uint64_t be64_get(const void *p);
void be32_put(void *p, uint32_t n);
void be64_put(void *p, uint64_t n);

#endif
