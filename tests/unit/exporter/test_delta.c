/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "exporter/git/pack/delta.h"

/* Makes the delta, applies it, and returns its length. */
static size_t round_trip(const struct buf *base, const struct buf *body)
{
	struct delta_index index = {0};
	struct buf delta = {0}, made = {0};
	size_t from, to, len;
	const uint8_t *at;

	delta_index(&index, base->data, base->len);
	assert_true(delta_make(&delta, &index, body->data, body->len, SIZE_MAX / 2));
	at = delta_sizes(&from, &to, delta.data, delta.len);
	assert_non_null(at);
	assert_int_equal(from, base->len);
	assert_int_equal(to, body->len);
	assert_true(delta_apply(&made, base->data, base->len, at,
				(const uint8_t *)delta.data + delta.len, to));
	assert_int_equal(made.len, body->len);
	if (body->len) {
		assert_memory_equal(made.data, body->data, body->len);
	}
	len = delta.len;
	delta_index_release(&index);
	buf_release(&delta);
	buf_release(&made);
	return len;
}

static void add_element(struct buf *body, unsigned n)
{
	buf_addf(body,
		 "%s{\"id\":\"%08x-%04x\",\"title\":\"an image\",\"tags\":[],\"n\":%u}",
		 body->len > 1 ? "," : "", n * 2654435761u, n, n);
}

/* An album without the elements of which `without` is a multiple (0: with all). */
static void make_album(struct buf *body, unsigned without)
{
	buf_clear(body);
	buf_addch(body, '[');
	for (unsigned n = 1; n <= 1000; n++) {
		if (!without || n % without) {
			add_element(body, n);
		}
	}
	buf_addch(body, ']');
}

static void what_goes_or_comes_costs_itself_and_no_more(void **state)
{
	struct buf all = {0}, some = {0};

	(void)state;
	make_album(&all, 0);
	make_album(&some, 1001);
	assert_int_equal(all.len, some.len);
	assert_in_range(round_trip(&all, &some), 1, 20);
	/* One element goes, or comes: two copies, and its own bytes. */
	make_album(&some, 700);
	assert_in_range(round_trip(&all, &some), 1, 24);
	assert_in_range(round_trip(&some, &all), 1, 24 + 80);
	/* Fifty do. */
	make_album(&some, 20);
	assert_in_range(round_trip(&all, &some), 1, 10 + 51 * 8);
	assert_in_range(round_trip(&some, &all), 1, 10 + 51 * (8 + 80));
	buf_release(&all);
	buf_release(&some);
}

static void any_two_bodies_make_a_delta(void **state)
{
	unsigned seed = (unsigned)getpid();
	struct buf base = {0}, body = {0};

	(void)state;
	print_message("# seed %u\n", seed);
	buf_addstr(&base, "");
	buf_addstr(&body, "");
	round_trip(&base, &body);
	for (unsigned round = 0; round < 3000; round++) {
		size_t most = round % 3 ? 200 : 5000;

		/* What was made is the next base; few letters, so that much repeats. */
		struct buf swap = base;
		base = body;
		body = swap;
		buf_clear(&body);
		while (body.len < most && rand_r(&seed) % 16) {
			size_t from = base.len ? (unsigned)rand_r(&seed) % base.len : 0;
			size_t len = (unsigned)rand_r(&seed) % 300;

			if (rand_r(&seed) % 2 && len <= base.len - from) {
				buf_add(&body, base.data + from, len);
			} else {
				for (len %= 40; len; len--) {
					buf_addch(&body, (char)(rand_r(&seed) %
								(round % 2 ? 2 : 256)));
				}
			}
		}
		round_trip(&base, &body);
	}
	buf_release(&base);
	buf_release(&body);
}

/* An instruction copies at most 16 MiB. */
static void long_copies_are_divided(void **state)
{
	struct buf base = {0}, body = {0};

	(void)state;
	while (base.len < ((size_t)17 << 20)) {
		buf_addf(&base, "line %zu\n", base.len);
	}
	buf_addstr(&body, "a new beginning, and then ");
	buf_add(&body, base.data, base.len);
	assert_in_range(round_trip(&base, &body), 30, 60);
	buf_release(&base);
	buf_release(&body);
}

static void a_delta_that_is_too_large_is_not_made(void **state)
{
	struct delta_index index = {0};
	struct buf all = {0}, some = {0}, delta = {0};

	(void)state;
	make_album(&all, 0);
	make_album(&some, 20);
	buf_addstr(&delta, "before");
	delta_index(&index, all.data, all.len);
	assert_false(delta_make(&delta, &index, some.data, some.len, 100));
	assert_string_equal(delta.data, "before");
	/* Nothing in common. */
	buf_clear(&some);
	for (unsigned n = 0; n < 100000; n++) {
		buf_addch(&some, (char)('A' + n * 7919 % 26));
	}
	assert_false(delta_make(&delta, &index, some.data, some.len, 5000));
	assert_string_equal(delta.data, "before");
	delta_index_release(&index);
	buf_release(&delta);
	buf_release(&all);
	buf_release(&some);
}

static void damaged_deltas_make_nothing(void **state)
{
	/* Copies beyond the base; inserts more than there is; ends within an instruction; is
	 * reserved; makes too much; makes too little. */
	static const char *const bad[] = {"\x91\x08\x01",
					  "\x05"
					  "abcd",
					  "\x91",
					  "",
					  "\x06"
					  "abcdef",
					  "\x01"
					  "a"};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const uint8_t *at = (const uint8_t *)bad[i];
		/* The fourth one is a NUL. */
		size_t len = i == 3 ? 1 : strlen(bad[i]);

		assert_false(delta_apply(&out, "12345678", 8, at, at + len, 5));
	}
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_or_comes_costs_itself_and_no_more),
		cmocka_unit_test(any_two_bodies_make_a_delta),
		cmocka_unit_test(long_copies_are_divided),
		cmocka_unit_test(a_delta_that_is_too_large_is_not_made),
		cmocka_unit_test(damaged_deltas_make_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
