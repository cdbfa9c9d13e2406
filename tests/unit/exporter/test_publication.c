/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exporter/site/publication.h"

#define ME "01234567-89ab-4cde-8f01-23456789abcd"
#define OTHER "fedcba98-7654-4321-8fed-cba987654321"
#define COMMIT "1111111111111111111111111111111111111111"
#define NOW 1795950000 /* 2026-11-29T11:00:00Z */

static struct err why;

static int read_text(struct publication *out, const char *text)
{
	return publication_read(out, text, strlen(text),
				"s3://b/p/.albumen/publication.json", &why);
}

static void what_is_written_is_read_again(void **state)
{
	static const char text[] =
		"{\"v\":1,\"holder\":\"" ME "\",\"expires\":\"2026-11-29T11:02:00Z\","
		"\"pending\":[\"unknown\",\"" COMMIT "\"],\"conditional\":true}\n";
	struct publication p = {.conditional = true}, again;
	struct buf out = {0};

	(void)state;
	publication_take(&p, ME, NOW);
	buf_addstr(&p.pending, "unknown\n" COMMIT "\n");
	publication_write(&out, &p);
	assert_string_equal(out.data, text);
	assert_int_equal(read_text(&again, text), 0);
	assert_string_equal(again.holder, ME);
	assert_int_equal(again.expires_s, NOW + PUBLICATION_LEASE_S);
	assert_string_equal(again.pending.data, "unknown\n" COMMIT "\n");
	assert_true(again.conditional);
	publication_release(&again);
	publication_release(&p);
	buf_release(&out);
}

static void nobody_is_null_and_the_last_end_stays(void **state)
{
	static const char text[] =
		"{\"v\":1,\"holder\":null,\"expires\":\"2026-11-29T11:02:00Z\","
		"\"pending\":[]}\n";
	struct publication p = {0};
	struct buf out = {0};

	(void)state;
	publication_take(&p, ME, NOW);
	publication_give_back(&p);
	publication_write(&out, &p);
	assert_string_equal(out.data, text);
	assert_int_equal(read_text(&p, text), 0);
	assert_string_equal(p.holder, "");
	assert_int_equal(p.pending.len, 0);
	assert_false(p.conditional);
	buf_release(&out);
}

static void a_text_of_others_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"{\"v\":1}",
		"{\"v\":1,\"holder\":null,\"expires\":null}",
		"{\"v\":1,\"holder\":\"me\",\"expires\":\"2026-11-29T11:02:00Z\","
		"\"pending\":[]}",
		"{\"v\":1,\"holder\":\"" ME "\",\"expires\":\"soon\",\"pending\":[]}",
		"{\"v\":1,\"holder\":\"" ME "\",\"pending\":[]}",
		"{\"v\":1,\"holder\":null,\"pending\":[1]}",
		"{\"v\":1,\"holder\":null,\"pending\":[\"a\\nb\"]}",
		"{\"v\":\"1\",\"holder\":null,\"pending\":[]}",
	};
	struct publication p;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(read_text(&p, wrong[i]), ERR_INPUT);
		assert_int_equal(p.pending.len, 0);
	}
	assert_int_equal(read_text(&p, "{\"v\":2,\"pending\":{}}"), ERR_FORMAT);
	assert_non_null(strstr(why.msg, "a later version"));
	assert_int_equal(read_text(&p, "{\"v\":10}"), ERR_FORMAT);
}

static struct publication held_by(const char *holder)
{
	struct publication p = {.expires_s = NOW};

	memcpy(p.holder, holder, strlen(holder) + 1);
	return p;
}

static void a_lease_is_its_holders_until_it_has_run_out_for_long_enough(void **state)
{
	struct publication p = held_by("");
	int64_t end = NOW + PUBLICATION_SLACK_S;

	(void)state;
	assert_int_equal(publication_turn(&p, ME, 0, NOW - 100), PUBLICATION_FREE);
	p = held_by(ME);
	assert_int_equal(publication_turn(&p, ME, 0, NOW - 100), PUBLICATION_MINE);
	p = held_by(OTHER);
	assert_int_equal(publication_turn(&p, ME, 0, NOW - 100), PUBLICATION_LIVE);
	assert_int_equal(publication_turn(&p, ME, 0, NOW + 1), PUBLICATION_LIVE);
	assert_int_equal(publication_turn(&p, ME, 0, end), PUBLICATION_LIVE);
	assert_int_equal(publication_turn(&p, ME, 0, end + 1), PUBLICATION_EXPIRED);
	assert_int_equal(publication_free_s(&p, 0), end);
}

static void no_lease_is_longer_than_one_that_began_when_it_was_written(void **state)
{
	struct publication p = held_by(OTHER);
	int64_t written = NOW - 1000;

	(void)state;
	p.expires_s = NOW + 1000000;
	assert_int_equal(publication_turn(&p, ME, written, NOW), PUBLICATION_EXPIRED);
	assert_int_equal(publication_turn(&p, ME, NOW, NOW), PUBLICATION_LIVE);
	/* An honest one is not made shorter. */
	p.expires_s = written + PUBLICATION_LEASE_S;
	assert_int_equal(publication_free_s(&p, written),
			 written + PUBLICATION_LEASE_S + PUBLICATION_SLACK_S);
}

static void what_cannot_be_read_may_be_a_lease_from_then_on(void **state)
{
	struct publication p;

	(void)state;
	publication_unreadable(&p, NOW);
	assert_int_equal(publication_turn(&p, ME, NOW, NOW + 1), PUBLICATION_LIVE);
	assert_int_equal(publication_turn(&p, ME, NOW, NOW + 186), PUBLICATION_EXPIRED);
	assert_string_equal(p.pending.data, "unknown\n");
	publication_release(&p);
}

static void the_clock_of_the_store_is_never_said_to_be_too_early(void **state)
{
	struct publication_clock clock = {.date_s = NOW, .sent_ms = 5000};

	(void)state;
	assert_int_equal(publication_clock_latest(&clock, 5000), NOW + 1);
	assert_int_equal(publication_clock_latest(&clock, 5001), NOW + 2);
	assert_int_equal(publication_clock_latest(&clock, 65000), NOW + 61);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(nobody_is_null_and_the_last_end_stays),
		cmocka_unit_test(a_text_of_others_is_refused),
		cmocka_unit_test(
			a_lease_is_its_holders_until_it_has_run_out_for_long_enough),
		cmocka_unit_test(
			no_lease_is_longer_than_one_that_began_when_it_was_written),
		cmocka_unit_test(what_cannot_be_read_may_be_a_lease_from_then_on),
		cmocka_unit_test(the_clock_of_the_store_is_never_said_to_be_too_early),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
