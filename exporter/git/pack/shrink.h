/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_SHRINK_H
#define EXPORTER_GIT_PACK_SHRINK_H

#include <stddef.h>
#include <stdint.h>

/*
 * shrink - deflates small bodies quickly (RFC 1950 and 1951).
 *
 * General encoders clear tables of 128 KiB and make Huffman codes for each body, which takes
 * longer than a kilobyte of text does. This one marks what is old in a small table, and
 * has its codes ready: that of RFC 1951, one made for JSON and one for git's trees. The one
 * that makes a body smallest is taken, or the body is stored. The bytes depend on the body
 * alone.
 */

#define SHRINK_MAX 2048 /* bytes of a body, at most */
/* Bytes of room at `out`: some are written that do not count. */
#define SHRINK_ROOM(len) ((len) + 160)

struct shrink;
struct shrink *shrink_new(void);
void shrink_free(struct shrink *shrink); /* NULL is allowed */

/* Writes the body as a zlib stream; returns its length. */
size_t shrink_zlib(struct shrink *shrink, uint8_t *out, const void *body, size_t len);

#endif
