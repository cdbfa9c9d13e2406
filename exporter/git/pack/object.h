/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_OBJECT_H
#define EXPORTER_GIT_PACK_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * object - git objects as bytes: their ids, and how they stand in a pack. Pure:
 * no I/O and no <git2.h>.
 */

#define OBJECT_ID 20 /* bytes of an id (SHA-1) */
#define OBJECT_HEX 40

/* The numbers are those of the pack format. */
enum object_type {
	OBJECT_COMMIT = 1,
	OBJECT_TREE = 2,
	OBJECT_BLOB = 3,
	OBJECT_TAG = 4,
};

/* The id of the object: SHA-1 of "TYPE LEN\0" and the body. */
void object_hash(uint8_t id[OBJECT_ID], enum object_type type, const void *body,
		 size_t len);

/* OBJECT_HEX lower case digits and a NUL. */
void object_hex(char hex[OBJECT_HEX + 1], const uint8_t id[OBJECT_ID]);

/* The id that the first OBJECT_HEX characters of `hex` spell. False: they do not. */
bool object_unhex(uint8_t id[OBJECT_ID], const char *hex);

/* What deflates bodies: one for each thread, and reused, as it is large. */
struct object_deflater;
struct object_deflater *object_deflater_new(void);
void object_deflater_free(struct object_deflater *deflater);

/* Appends the object to *out as it stands in a pack: type and size, then the
 * body deflated. The same bytes for the same body, whatever came before. */
void object_pack(struct buf *out, struct object_deflater *deflater, enum object_type type,
		 const void *body, size_t len);

/* What inflates bodies: one for each thread. */
struct object_inflater;
struct object_inflater *object_inflater_new(void);
void object_inflater_free(struct object_inflater *inflater);

/* Inflates what begins at `in` and has `in_len` bytes at most, to `out_len` bytes
 * exactly: 0. ERR_INPUT: it is damaged, or shorter. ERR_FULL: it is longer. */
int object_inflate(struct object_inflater *inflater, void *out, size_t out_len,
		   const void *in, size_t in_len);
/* The same where the length is not known: *out_len, `out_len` at most. */
int object_inflate_some(struct object_inflater *inflater, void *out, size_t *out_len,
			const void *in, size_t in_len);

/* The CRC that a pack's index holds of an object as it stands in the pack. */
uint32_t object_crc(const void *bytes, size_t len);

#endif
