/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/base/err.h"
#include "exporter/evidence/declared.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccc"

#define BEFORE "Albumen-Pruned-Before: 2024-01-01T00:00:00Z\n"
#define FIRST "Albumen-First: 7 " A "\n"
#define HELD_2 "Albumen-Held: 2 " B "\n"
#define HELD_5 "Albumen-Held: 5 " C "\n"
#define NUMBER "Albumen-Snapshot: 7\n"
#define DIGEST "Albumen-Tree-SHA256: 00\n"
#define WAS "Albumen-Was: " B "\n"

#define FROM "Albumen-Erased-From: 3\n"
#define OLD "Albumen-Erased-Old: " A "\n"
#define NEW "Albumen-Erased-New: " B "\n"
#define COUNTS "Albumen-Erased-Snapshots: 5\nAlbumen-Erased-Answers: 0\n"
#define ERASED_HELD "Albumen-Erased-Held: 2 " C "\n"

static const char *pruned(const char *trailers)
{
	struct declared_pruned out;
	struct buf message = {0};
	const char *problem;

	buf_addf(&message, "The history begins here.\n\n%s", trailers);
	problem = declared_pruned_read(&out, message.data);
	declared_pruned_release(&out);
	buf_release(&message);
	return problem;
}

static const char *erased(const char *trailers)
{
	struct declared_erased out;
	struct buf message = {0};
	const char *problem;

	buf_addf(&message, "Some records were erased.\n\nReason\n\n%s", trailers);
	problem = declared_erased_read(&out, message.data);
	declared_erased_release(&out);
	buf_release(&message);
	return problem;
}

static void what_is_written_is_read(void **state)
{
	static const char text[] = BEFORE FIRST HELD_2 HELD_5;
	static const char more[] = FROM OLD NEW COUNTS ERASED_HELD;
	struct declared_pruned one;
	struct declared_erased other;
	struct buf out = {0};

	(void)state;
	assert_null(
		declared_pruned_read(&one, "A\n\n" BEFORE FIRST HELD_2 HELD_5 NUMBER));
	declared_pruned_write(&out, &one);
	assert_string_equal(out.data, text);
	assert_int_equal(one.before_s, 1704067200);
	assert_int_equal(one.held.at[1].number, 5);
	declared_pruned_release(&one);
	buf_clear(&out);
	assert_null(declared_erased_read(&other,
					 "A\n\n" FROM OLD NEW COUNTS ERASED_HELD NUMBER));
	declared_erased_write(&out, &other);
	assert_string_equal(out.data, more);
	declared_erased_release(&other);
	buf_release(&out);
}

static void a_beginning_is_read_strictly(void **state)
{
	static const char *const bad[] = {
		"",
		FIRST NUMBER,
		BEFORE NUMBER,
		BEFORE FIRST FIRST NUMBER,
		FIRST BEFORE NUMBER,
		BEFORE HELD_2 FIRST NUMBER,
		BEFORE FIRST HELD_5 HELD_2 NUMBER,
		BEFORE FIRST HELD_2 HELD_2 NUMBER,
		BEFORE FIRST NUMBER HELD_2,
		BEFORE FIRST NUMBER "Another: x\n",
		BEFORE FIRST NUMBER WAS DIGEST,
		BEFORE FIRST "Albumen-Held: 7 " B "\n",
		BEFORE "Albumen-First: 07 " A "\n",
		BEFORE "Albumen-First: 0 " A "\n",
		BEFORE "Albumen-First: 7  " A "\n",
		BEFORE "Albumen-First: 7 " A "a\n",
		BEFORE "Albumen-First: 7\n",
		BEFORE "Albumen-First: 7 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
		"Albumen-Pruned-Before: 2024-01-01\n" FIRST,
		"Albumen-Pruned-Before: 2024-01-01T00:00:00+00:00\n" FIRST,
	};

	(void)state;
	assert_null(pruned(BEFORE FIRST));
	assert_null(pruned(BEFORE FIRST HELD_2 HELD_5 NUMBER DIGEST WAS));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_non_null(pruned(bad[i]));
	}
}

static void an_erasure_is_read_strictly(void **state)
{
	static const char *const bad[] = {
		"",
		OLD NEW COUNTS NUMBER,
		FROM NEW COUNTS NUMBER,
		FROM OLD COUNTS NUMBER,
		FROM OLD NEW NUMBER,
		FROM NEW OLD COUNTS NUMBER,
		FROM OLD NEW COUNTS ERASED_HELD ERASED_HELD NUMBER,
		FROM OLD NEW COUNTS NUMBER ERASED_HELD,
		"Albumen-Erased-From: 0\n" OLD NEW COUNTS,
		FROM OLD NEW "Albumen-Erased-Snapshots: -1\nAlbumen-Erased-Answers: 0\n",
	};

	(void)state;
	assert_null(erased(FROM OLD NEW COUNTS ERASED_HELD NUMBER DIGEST WAS));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_non_null(erased(bad[i]));
	}
}

static void what_a_snapshot_was_is_its_last_trailer(void **state)
{
	uint8_t id[OBJECT_ID];
	char hex[OBJECT_HEX + 1];

	(void)state;
	assert_int_equal(declared_was(id, "A\n\n" NUMBER WAS), 0);
	object_hex(hex, id);
	assert_string_equal(hex, B);
	assert_int_equal(declared_was(id, "A\n\n" NUMBER), ERR_NOTFOUND);
	assert_int_equal(declared_was(id, WAS "\n" NUMBER), ERR_NOTFOUND);
	assert_int_equal(declared_was(id, "A\n\n" WAS NUMBER), ERR_INPUT);
	assert_int_equal(declared_was(id, "A\n\n" NUMBER WAS WAS), ERR_INPUT);
	assert_int_equal(declared_was(id, "A\n\nAlbumen-Was: x\n"), ERR_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_beginning_is_read_strictly),
		cmocka_unit_test(an_erasure_is_read_strictly),
		cmocka_unit_test(what_a_snapshot_was_is_its_last_trailer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
