/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/json.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/utf8.h"
#include "data/format/json_char.h"

/*
 * The part of data/format/json.h that works on canonical text: its members, elements
 * and names, and writing strings. json_read wrote such text, so only asserts check it
 * again, and a comma or bracket is found by its byte.
 */

const char *json_string_end(const char *at, const char *end)
{
	for (at++;; at++) {
		const char *back;

		at = memchr(at, '"', (size_t)(end - at));
		assert(at);
		back = at;
		while (back[-1] == '\\') {
			back--;
		}
		if ((at - back) % 2 == 0) {
			return at + 1;
		}
	}
}

const char *json_value_end(const char *at, const char *end)
{
	size_t depth = 0;

	if (*at != '"' && *at != '{' && *at != '[') {
		while (at < end && *at != ',' && *at != '}' && *at != ']') {
			at++;
		}
		return at;
	}
	do {
		assert(at < end);
		if (*at == '"') {
			at = json_string_end(at, end);
			continue;
		}
		if (*at == '{' || *at == '[') {
			depth++;
		} else if (*at == '}' || *at == ']') {
			depth--;
		}
		at++;
	} while (depth);
	return at;
}

static void list(struct json_object *out, const char *canon, size_t len, bool keys)
{
	const char *at = canon + 1, *end = canon + len;

	out->count = 0;
	if (*at == '}' || *at == ']') {
		return;
	}
	for (; !out->most || out->count < out->most; at++) {
		struct json_member *m;
		const char *start = at;

		out->member =
			xgrow(out->member, out->count, &out->cap, sizeof(*out->member));
		m = &out->member[out->count++];
		m->key = (struct json_span){0, 0};
		if (keys) {
			at = json_string_end(start, end);
			m->key.off = (size_t)(start - canon);
			m->key.len = (size_t)(at - start);
			start = at + 1; /* behind the colon */
		}
		at = json_value_end(start, end);
		m->value.off = (size_t)(start - canon);
		m->value.len = (size_t)(at - start);
		assert(at < end);
		if (*at != ',') {
			return;
		}
	}
}

void json_members(struct json_object *object, const char *canon, size_t len)
{
	assert(len >= 2 && canon[0] == '{');
	list(object, canon, len, true);
}

void json_elements(struct json_object *array, const char *canon, size_t len)
{
	assert(len >= 2 && canon[0] == '[');
	list(array, canon, len, false);
}

void json_object_release(struct json_object *object)
{
	if (object) {
		free(object->member);
		*object = (struct json_object){0};
	}
}

const struct json_member *json_find(const struct json_object *object, const char *canon,
				    const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < object->count; i++) {
		const struct json_member *m = &object->member[i];

		if (m->key.len == len && memcmp(canon + m->key.off, key, len) == 0) {
			return m;
		}
	}
	return NULL;
}

static bool same_key(const char *canon, const struct json_span *a,
		     const struct json_span *b)
{
	return a->len == b->len && memcmp(canon + a->off, canon + b->off, a->len) == 0;
}

static int compare_keys(const void *pa, const void *pb, void *canon)
{
	const struct json_span *a = pa, *b = pb;
	size_t len = a->len < b->len ? a->len : b->len;
	int order =
		memcmp((const char *)canon + a->off, (const char *)canon + b->off, len);

	if (order || a->len != b->len) {
		return order ? order : a->len < b->len ? -1 : 1;
	}
	return a->off < b->off ? -1 : 1;
}

/* As json_duplicate, for many members: sorts them. */
static size_t duplicate_by_order(const struct json_object *object, const char *canon)
{
	struct json_span *key = xreallocarray(NULL, object->count, sizeof(*key));
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < object->count; i++) {
		key[i] = object->member[i].key;
	}
	qsort_r(key, object->count, sizeof(*key), compare_keys, (void *)(uintptr_t)canon);
	for (size_t i = 1; i < object->count; i++) {
		if (key[i].off < found && same_key(canon, &key[i - 1], &key[i])) {
			found = key[i].off;
		}
	}
	free(key);
	return found;
}

size_t json_duplicate(const struct json_object *object, const char *canon)
{
	uint64_t seen[4] = {0};

	if (object->count > 128) {
		return duplicate_by_order(object, canon);
	}
	for (size_t i = 0; i < object->count; i++) {
		const struct json_span *key = &object->member[i].key;
		const unsigned char *k = (const unsigned char *)canon + key->off;
		/* Most members differ from all earlier ones in these 8 bits, and need
		 * no comparison. */
		uint8_t mark = (uint8_t)(key->len * 31 + k[1] * 7 + k[key->len / 2] * 13 +
					 k[key->len - 2] * 3);
		uint64_t bit = UINT64_C(1) << mark % 64;

		for (size_t j = 0; seen[mark / 64] & bit && j < i; j++) {
			if (same_key(canon, &object->member[j].key, key)) {
				return key->off;
			}
		}
		seen[mark / 64] |= bit;
	}
	return SIZE_MAX;
}

void json_quote(struct buf *out, const char *bytes, size_t len)
{
	const char *end = bytes + len;

	buf_addch(out, '"');
	while (bytes < end) {
		const char *plain = bytes;
		char unit[8], *end_of_unit;

		while (bytes < end &&
		       (json_char_plain((unsigned char)*bytes) ||
			(*bytes & 0x80 &&
			 !(end - bytes >= 3 && json_char_separator(bytes))))) {
			bytes++;
		}
		buf_add(out, plain, (size_t)(bytes - plain));
		if (bytes == end) {
			break;
		}
		if (*bytes & 0x80) {
			end_of_unit = json_char_put_escape(
				unit, 0x2000 | ((unsigned char)bytes[2] & 0x3f));
			bytes += 3;
		} else {
			end_of_unit = json_char_put(unit, (unsigned char)*bytes++);
		}
		buf_add(out, unit, (size_t)(end_of_unit - unit));
	}
	buf_addch(out, '"');
}

bool json_is_utf8(const char *bytes, size_t len)
{
	while (len) {
		size_t n = utf8_length(bytes, len);

		if (!n) {
			return false;
		}
		bytes += n;
		len -= n;
	}
	return true;
}
