/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "data/base/buf.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/pack/shrink.h"

/* Shrinks the body into exactly the room that the header asks for, and inflates it. */
static size_t round_trip(struct shrink *shrink, const void *body, size_t len)
{
	struct object_inflater *inflater = object_inflater_new();
	uint8_t *out = xmalloc(SHRINK_ROOM(len)), *back = xmalloc(len);
	size_t size = shrink_zlib(shrink, out, body, len);

	assert_int_equal(object_inflate(inflater, back, len, out, size), 0);
	assert_memory_equal(back, body, len);
	/* Stored at worst: two bytes, five, and the sum. */
	assert_true(size <= len + 11);
	free(out);
	free(back);
	object_inflater_free(inflater);
	return size;
}

static void bodies_come_back_as_they_were(void **state)
{
	static uint8_t body[SHRINK_MAX];
	struct shrink *shrink = shrink_new();

	(void)state;
	srand(1);
	for (size_t len = 0; len <= SHRINK_MAX; len += len < 300 ? 1 : 97) {
		/* One byte; few different ones; two halves that are equal; random. */
		memset(body, (int)len, len);
		round_trip(shrink, body, len);
		for (size_t i = 0; i < len; i++) {
			body[i] = (uint8_t) "\",:abc019{\xc3\xa9"[rand() % 12];
		}
		round_trip(shrink, body, len);
		memcpy(body + len / 2, body,
		       len - len / 2 < len / 2 ? len - len / 2 : len / 2);
		round_trip(shrink, body, len);
		for (size_t i = 0; i < len; i++) {
			body[i] = (uint8_t)rand();
		}
		round_trip(shrink, body, len);
	}
	shrink_free(shrink);
}

/* Matches of every length, and literals of every value in between. */
static void matches_of_every_length_come_back(void **state)
{
	struct shrink *shrink = shrink_new();
	uint8_t body[SHRINK_MAX];

	(void)state;
	srand(2);
	for (size_t length = 3; length <= 300; length++) {
		size_t at = length;

		for (size_t i = 0; i < length; i++) {
			body[i] = (uint8_t)rand();
		}
		while (at + length + 2 <= sizeof(body)) {
			body[at] = (uint8_t)length;
			body[at + 1] = (uint8_t)(at * 7);
			memcpy(body + at + 2, body, length);
			at += length + 2;
		}
		round_trip(shrink, body, at);
	}
	shrink_free(shrink);
}

/* As a distance has its own symbol and extra bits. */
static void matches_at_every_distance_come_back(void **state)
{
	struct shrink *shrink = shrink_new();
	uint8_t body[SHRINK_MAX];

	(void)state;
	for (size_t distance = 4; distance + 4 <= sizeof(body); distance++) {
		for (size_t i = 0; i < distance; i++) {
			body[i] = i % 2 ? 'a' : (uint8_t)(i / 2);
		}
		memcpy(body, "wxyz", 4);
		memcpy(body + distance, "wxyz", 4);
		round_trip(shrink, body, distance + 4);
	}
	shrink_free(shrink);
}

static void text_and_trees_get_smaller(void **state)
{
	struct shrink *shrink = shrink_new();
	struct buf text = {0}, tree = {0};

	(void)state;
	srand(3);
	for (unsigned i = 0; i < 15; i++) {
		buf_addf(&text,
			 "{\"public_id\":\"%08x-%04x-4%03x\",\"album_id\":\"0032400%u\","
			 "\"created_at\":\"2019-04-%02uT19:38:44.311+02:00\"}",
			 (unsigned)rand(), (unsigned)rand() & 0xffff,
			 (unsigned)rand() & 0xfff, (unsigned)rand(), i + 1);
		buf_addf(&tree, "100644 %08x-%04x-4%03x.album%c", (unsigned)rand(),
			 (unsigned)rand() & 0xffff, (unsigned)rand() & 0xfff, 0);
		for (int n = 0; n < OBJECT_ID; n++) {
			buf_addch(&tree, (char)rand());
		}
	}
	assert_true(round_trip(shrink, text.data, text.len) < text.len / 2);
	assert_true(round_trip(shrink, tree.data, tree.len) < tree.len * 9 / 10);
	buf_release(&text);
	buf_release(&tree);
	shrink_free(shrink);
}

static void the_bytes_depend_on_the_body_alone(void **state)
{
	static const char body[] =
		"[{\"id\":\"same\",\"again\":\"same\"},{\"id\":\"same\"}]";
	struct shrink *used = shrink_new();
	uint8_t first[SHRINK_ROOM(sizeof(body))], later[SHRINK_ROOM(sizeof(body))];
	size_t size = shrink_zlib(used, first, body, sizeof(body));

	(void)state;
	for (int i = 0; i < 10000; i++) {
		char other[SHRINK_MAX];

		for (size_t n = 0; n < sizeof(other); n++) {
			other[n] = body[(n * 7 + (size_t)i) % sizeof(body)];
		}
		shrink_zlib(used, later, body, sizeof(body) - 1 - (size_t)i % 20);
		round_trip(used, other, (size_t)i % sizeof(other));
		assert_int_equal(shrink_zlib(used, later, body, sizeof(body)), size);
		assert_memory_equal(later, first, size);
	}
	shrink_free(used);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_come_back_as_they_were),
		cmocka_unit_test(matches_of_every_length_come_back),
		cmocka_unit_test(matches_at_every_distance_come_back),
		cmocka_unit_test(text_and_trees_get_smaller),
		cmocka_unit_test(the_bytes_depend_on_the_body_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
