/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_JSON_H
#define DATA_FORMAT_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"

/*
 * json - strict, lossless JSON (RFC 8259), and the canonical text of albumen(7). The
 * only file that includes <cJSON.h>.
 *
 * cJSON alone is neither strict nor lossless: it rounds numbers, and accepts `01`, control
 * characters and invalid UTF-8. So the bytes are checked and copied here, and cJSON reads
 * the values of strings.
 *
 * Calling sequence:
 *
 *	struct json_value value;
 *	json_read(&canon, &value, text, len);	(checks, appends canonical text)
 *	json_members(&object, canon.data, canon.len);	(spans inside it)
 *	json_string(&out, canon.data + m->value.off, m->value.len);
 *
 * Memory is allocated through `struct buf` (and by cJSON, while it reads a string). Nothing
 * depends on the locale. Nothing recurses: 100,000 opening brackets cost 100,000 bits.
 */

/* `len` bytes from `off`. */
struct json_span {
	size_t off;
	size_t len;
};

/* The result of json_read. */
struct json_value {
	size_t begin; /* offset of the value's first byte in the source */
	size_t end;   /* offset just past its last byte */
	/* the deepest nesting of arrays and objects in it; 0 for a scalar */
	size_t depth;
	/* NULL, or a static string: why the value is well-formed JSON but has no
	 * canonical text (a \u escape of half a surrogate pair); and the offset of the
	 * escape. */
	const char *unusable;
	size_t unusable_at;
	/* If json_read failed: why (a static string), and at which offset. */
	const char *reason;
	size_t failed_at;
};

/*
 * Reads one value: skips white space, checks the value against RFC 8259 and UTF-8 (no
 * overlong forms, no surrogates, nothing over U+10FFFF) and appends its canonical text
 * to *canon. Ignores what follows the value, except that no letter or digit may follow
 * a number, `true`, `false` or `null` directly. Does not limit nesting (see `depth`).
 *
 * Returns 0; or -1 with `reason` and `failed_at` set and *canon unchanged. If it sets
 * `unusable`, it returns 0 and leaves *canon unchanged.
 */
int json_read(struct buf *canon, struct json_value *value, const char *text, size_t len);

/* The offset of the first byte at or after `at` that is not JSON white space (space,
 * tab, CR, LF), or `len`. */
size_t json_skip_space(const char *text, size_t len, size_t at);

/* The offset in `text`, which json_read was given, from which the byte `canon_off` of
 * the canonical text came. Slow (reads the text again): for messages. */
size_t json_source_offset(const char *text, size_t len, size_t canon_off);

/* A member of an object, in canonical text: both spans count from the
 * object's first byte, and `key` includes the quotes. */
struct json_member {
	struct json_span key;
	struct json_span value;
};

/* The members of one object in source order. Zeroed is empty; reuse it to save
 * allocations. */
struct json_object {
	struct json_member *member;
	size_t count;
	size_t cap;
	/* At most so many are listed (0: all), as a member takes 32 bytes, and one of the
	 * text may have two. Set by the caller. */
	size_t most;
};

/* Lists the members of the object whose canonical text is `canon`: an object that
 * json_read wrote. */
void json_members(struct json_object *object, const char *canon, size_t len);
void json_object_release(struct json_object *object);

/* Lists the elements of an array in the same way, all of them; `key` is {0, 0}. */
void json_elements(struct json_object *array, const char *canon, size_t len);

/* The byte after the string whose opening quote is at `at`, in canonical text that ends
 * at `end`. */
const char *json_string_end(const char *at, const char *end);
/* The byte after the value that begins at `at`. */
const char *json_value_end(const char *at, const char *end);

/* The first member with the canonical key `key` (quotes included, as in "\"id\""), or
 * NULL. Equal names have equal canonical text. */
const struct json_member *json_find(const struct json_object *object, const char *canon,
				    const char *key);

/* The offset of the second of two members with the same name, or (size_t)-1. */
size_t json_duplicate(const struct json_object *object, const char *canon);

/* Appends the value of the canonical string `canon` (quotes included) to *out, as
 * UTF-8. Returns 0; or -1, with *out unchanged, if it contains U+0000, which a C string
 * cannot. */
int json_string(struct buf *out, const char *canon, size_t len);

/* Appends `bytes` (valid UTF-8) as a canonical JSON string, with quotes. */
void json_quote(struct buf *out, const char *bytes, size_t len);

/* True if `bytes` is valid UTF-8 (NUL allowed). */
bool json_is_utf8(const char *bytes, size_t len);

#endif
