/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_RECORD_H
#define DATA_FORMAT_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/format/json.h"
#include "data/format/stamp.h"

/*
 * record - what one JSON object states: an image, a tag, or a tag image, recognised by
 * its members (albumen(7)). Pure: no I/O, no logging.
 *
 *	struct record_reader reader = {0};
 *	if (record_read(&reader, canon, len) < 0) {
 *		... reader.reason, reader.failed_at ...
 *	}
 *	... reader.record[0 .. reader.count - 1] ...
 *	record_reader_release(&reader);
 */

#define RECORD_ID_MAX 200    /* bytes of an id */
#define RECORD_NAME_MAX 240  /* bytes of an id as a file name (data/format/name.h) */
#define RECORD_DEPTH_MAX 512 /* nesting of one record */
#define RECORD_SIZE_MAX (16u << 20) /* source bytes of one record */

enum record_kind {
	RECORD_IMAGE = 1,
	RECORD_TAG = 2,
	RECORD_TAG_IMAGE = 3,
};

/* An id by value. bytes[len] is a NUL, which does not count. */
struct record_id {
	unsigned char len; /* 1 to RECORD_ID_MAX; 0: none */
	char bytes[RECORD_ID_MAX + 1];
};

/* The member of a tag image that names its image or its tag: `"image":{...}` or
 * `"image_id":"..."`. Both spans count from the first byte of the tag image. */
struct record_slot {
	struct json_span member; /* from the key's quote to the value's last byte */
	struct json_span value;
};

struct record {
	enum record_kind kind;
	bool embedded; /* tag image: it contains its image and its tag as objects */
	/* The canonical text: a span of the argument of record_read, borrowed. */
	struct json_span text;
	struct stamp created; /* created_at; absent: zero */
	struct stamp stamp;   /* updated_at, else created_at: decides between claims */
	/* tag image: the members that name its image and its tag */
	struct record_slot image_slot;
	struct record_slot tag_slot;
	struct record_id id;
	struct record_id album;      /* image: its album */
	struct record_id image, tag; /* tag image: its image and its tag */
};

/* Copies the record, but not the unused bytes of its ids: most of it. */
void record_copy(struct record *out, const struct record *record);

/* Reads records; reuse one to save allocations. Zeroed is ready for use. */
struct record_reader {
	/* The records that the object states: itself first; a tag image with embedded
	 * objects also states that image [1] and that tag [2]. */
	struct record record[3];
	size_t count; /* 1 or 3 */
	/* Why it is not a record: text for people; and the offset in the canonical text
	 * of the member (or the object) at fault. */
	char reason[640];
	size_t failed_at;
	/* scratch */
	struct json_object object[3];
	struct buf string;
};

/*
 * Recognises the object whose canonical text (from json_read) is `canon`. The caller
 * checks nesting and size, since it has the source. Returns 0; or -1 with `reason` and
 * `failed_at`.
 */
int record_read(struct record_reader *reader, const char *canon, size_t len);
void record_reader_release(struct record_reader *reader);

/* NULL if `id` is a valid id (albumen(7)), else a static string that says why not:
 * empty, over 200 bytes, control characters (Unicode category Cc), not UTF-8, over 240
 * bytes as a file name. */
const char *record_id_fault(const char *id, size_t len);

/* "image", "tag", "tag image". */
const char *record_kind_name(enum record_kind kind);

#endif
