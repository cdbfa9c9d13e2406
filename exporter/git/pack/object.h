/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_OBJECT_H
#define EXPORTER_GIT_PACK_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * object - git objects as bytes: their ids, and their form in a pack. No I/O.
 */

#define OBJECT_ID 20 /* bytes of an id (SHA-1) */
#define OBJECT_HEX 40

/* No object of a snapshot is larger, and none that is larger is read. */
#define OBJECT_MAX ((size_t)256 << 20)

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

/* Writes OBJECT_HEX lower-case digits and a NUL. */
void object_hex(char hex[OBJECT_HEX + 1], const uint8_t id[OBJECT_ID]);

/* Reads the id from the first OBJECT_HEX characters. False: they are not lower-case digits. */
bool object_unhex(uint8_t id[OBJECT_ID], const char *hex);

/* Deflates bodies. Each thread needs its own, and reuses it because it is large. */
struct object_deflater;
struct object_deflater *object_deflater_new(void);
void object_deflater_free(struct object_deflater *deflater);

/* Appends the object in the form of a pack: type and size, then the deflated body. The bytes
 * depend on the body alone. */
void object_pack(struct buf *out, struct object_deflater *deflater, enum object_type type,
		 const void *body, size_t len);

/* Inflates bodies. Each thread needs its own. */
struct object_inflater;
struct object_inflater *object_inflater_new(void);
void object_inflater_free(struct object_inflater *inflater);

/* Inflates the stream at `in`, of at most `in_len` bytes, to exactly `out_len` bytes.
 * ERR_INPUT: it is damaged or shorter. ERR_FULL: it is longer. */
int object_inflate(struct object_inflater *inflater, void *out, size_t out_len,
		   const void *in, size_t in_len);
/* The same for an unknown length: at most *out_len bytes, then *out_len is the length. */
int object_inflate_some(struct object_inflater *inflater, void *out, size_t *out_len,
			const void *in, size_t in_len);

/* The CRC in a pack's index, of the object's bytes in the pack. */
uint32_t object_crc(const void *bytes, size_t len);

#endif
