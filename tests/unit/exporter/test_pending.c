/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include "exporter/site/pending.h"

#define FIRST "1111111111111111111111111111111111111111"
#define SECOND "2222222222222222222222222222222222222222"
#define NOTE "site/.albumen/pending"

static void begin(const char *hex, bool known)
{
	struct snapshot_id commit = {0};
	struct pending pending = {0};
	struct place *place = open_place();

	memcpy(commit.hex, hex, SNAPSHOT_HEX);
	succeed(pending_read(&pending, place, &why));
	succeed(pending_begin(&pending, place, &commit, known, &why));
	pending_release(&pending);
	place_free(place);
}

static bool is_done(struct place *place)
{
	struct pending pending;

	succeed(pending_read(&pending, place, &why));
	pending_release(&pending);
	return !pending.unfinished;
}

static void unfinished_commits_add_up_until_done(void **state)
{
	struct place *place = site_place();

	(void)state;
	assert_true(is_done(place));
	begin(FIRST, true);
	has(NOTE, FIRST "\n");
	assert_false(is_done(place));
	begin(SECOND, true);
	has(NOTE, FIRST "\n" SECOND "\n");
	begin(FIRST, true);
	has(NOTE, FIRST "\n" SECOND "\n");
	succeed(place_open(place, NULL, "test", &why));
	assert_false(is_done(place));
	succeed(place_pending_end(place, &why));
	assert_true(is_done(place));
	place_close(place);
	assert_true(is_done(place));
	begin(SECOND, true);
	has(NOTE, SECOND "\n");
	begin(FIRST, false);
	has(NOTE, "unknown\n" FIRST "\n");
	place_free(place);
}

static void lines_that_are_no_commit_are_empty(void **state)
{
	static const char *const lines[] = {FIRST, "", "", "", SECOND};
	struct pending pending = {0};
	struct snapshot_id commit;
	struct place *place = open_place();
	size_t at = 0;

	(void)state;
	write_file(NOTE, FIRST "\nunknown\n\n" FIRST "1\n" SECOND);
	succeed(pending_read(&pending, place, &why));
	assert_true(pending.unfinished);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		assert_true(pending_next(&pending, &at, &commit));
		assert_string_equal(commit.hex, lines[i]);
	}
	assert_false(pending_next(&pending, &at, &commit));
	pending_release(&pending);
	place_free(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unfinished_commits_add_up_until_done),
		TEST(lines_that_are_no_commit_are_empty),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
