/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_JSON_H
#define DATA_FORMAT_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"

/*
 * json - strict, lossless JSON (RFC 8259), and the canonical text of albumen(7). Libraries
 * are neither: they round numbers, and accept `01`, control characters or invalid UTF-8. So
 * the bytes are checked and copied here, and cJSON reads the values of strings.
 *
 * Calling sequence:
 *
 *	struct json_value value;
 *	json_read(&canon, &value, text, len);	(checks, appends canonical text)
 *	json_members(&object, canon.data, canon.len);	(spans inside it)
 *	json_string(&out, canon.data + m->value.off, m->value.len);
 *
 * Memory is allocated through `struct buf` (and by cJSON, for one string); nothing depends on the locale. Nothing
 * recurses: 100,000 opening brackets cost 100,000 bits.
 */

/* `len` bytes from `off`. */
struct json_span {
	size_t off;
	size_t len;
};

/* What json_read found. */
struct json_value {
	size_t begin; /* offset of the value's first byte in the source */
	size_t end;   /* offset just past its last byte */
	size_t depth; /* deepest nesting of arrays and objects in it; a scalar has 0 */
	/* Well-formed, but without a canonical text: a \u escape of half a
	 * surrogate pair. NULL, or a static string that says so; where it is. */
	const char *unusable;
	size_t unusable_at;
	/* Where json_read failed, and a static string that says why. */
	const char *reason;
	size_t failed_at;
};

/*
 * Reads one value: skips white space, checks the value against RFC 8259 and
 * UTF-8 (no overlong forms, no surrogates, nothing over U+10FFFF) and appends
 * its canonical text to *canon. What follows the value is not looked at, save
 * that a number, `true`, `false` and `null` must not run on into a letter or
 * digit. Nesting is not limited here (`depth` says how deep it is).
 *
 * Returns 0; or -1 with `reason` and `failed_at` set and *canon as it was.
 * With `unusable` set it returns 0 and *canon is as it was.
 */
int json_read(struct buf *canon, struct json_value *value, const char *text, size_t len);

/* The offset of the first byte at or after `at` that is not JSON white space
 * (space, tab, CR, LF); `len` where there is none. */
size_t json_skip_space(const char *text, size_t len, size_t at);

/* The source offset that the byte `canon_off` of the canonical text came from:
 * `text` is what json_read was given. Slow (reads it again): for messages. */
size_t json_source_offset(const char *text, size_t len, size_t canon_off);

/* A member of an object, in canonical text: both spans count from the
 * object's first byte, and `key` includes the quotes. */
struct json_member {
	struct json_span key;
	struct json_span value;
};

/* The members of one object in the order written. Zeroed is empty; reuse it
 * to save allocations. */
struct json_object {
	struct json_member *member;
	size_t count;
	size_t cap;
};

/* Lists the members of the object whose canonical text is `canon`: it must
 * be what json_read made of an object ('{' first). */
void json_members(struct json_object *object, const char *canon, size_t len);
void json_object_release(struct json_object *object);

/* Lists the elements of the array whose canonical text is `canon` likewise. As
 * in json_members, `key` is not used ({0, 0}). */
void json_elements(struct json_object *array, const char *canon, size_t len);

/* The byte behind the string whose opening quote is at `at`, in canonical text that
 * ends at `end`. */
const char *json_string_end(const char *at, const char *end);
/* Likewise, behind the value that begins at `at`. */
const char *json_value_end(const char *at, const char *end);

/* The first member whose canonical key is `key` (quotes included, as in
 * "\"id\""), or NULL. Equal names have equal canonical text. */
const struct json_member *json_find(const struct json_object *object, const char *canon,
				    const char *key);

/* The offset of the second of two members with one name, or (size_t)-1. */
size_t json_duplicate(const struct json_object *object, const char *canon);

/* Appends the value of the canonical string `canon` (quotes included) to *out,
 * as UTF-8. Returns 0, or -1 where it holds U+0000, which a C string cannot. */
int json_string(struct buf *out, const char *canon, size_t len);

/* Appends `bytes` (valid UTF-8) as a canonical JSON string, with quotes. */
void json_quote(struct buf *out, const char *bytes, size_t len);

/* Appends text of unknown origin so that it fits on a line and says nothing to a
 * terminal: control characters, and what is no UTF-8, become \xNN. */
void json_plain(struct buf *out, const char *text, size_t len);

/* True if `bytes` is valid UTF-8 (NUL allowed). */
bool json_is_utf8(const char *bytes, size_t len);

#endif
