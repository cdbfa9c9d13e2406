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

/* Likewise for a delta of the object that begins `distance` bytes before it in the pack. */
void object_pack_delta(struct buf *out, struct object_deflater *deflater, size_t distance,
		       const struct buf *delta);

/* In place of an object's type: it is a delta of the object that begins so many bytes before
 * it, or of the object with this id. */
#define OBJECT_OFS_DELTA 6
#define OBJECT_REF_DELTA 7

/* What an object in a pack begins with. */
struct object_head {
	unsigned type;       /* enum object_type, or one of the two above */
	size_t size;         /* of what is deflated: the body, or the delta */
	size_t distance;     /* OBJECT_OFS_DELTA: to where the base begins; not 0 */
	const uint8_t *base; /* OBJECT_REF_DELTA: its id; points into the pack */
	size_t len;          /* of the head; what is deflated follows */
};
/* Reads it from bytes of the pack. False: they are damaged. Whether a base is there is not
 * checked. */
bool object_head_read(struct object_head *head, const uint8_t *bytes, size_t len);
/* Appends the head of a delta (OBJECT_OFS_DELTA) of `size` bytes. */
void object_head_add(struct buf *out, size_t size, size_t distance);

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
