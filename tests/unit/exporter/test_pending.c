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
	struct place *place;

	memcpy(commit.hex, hex, SNAPSHOT_HEX);
	succeed(place_open(&place, "site", "test", &why));
	succeed(pending_read(&pending, place, &why));
	succeed(pending_begin(&pending, place, &commit, known, &why));
	pending_release(&pending);
	place_close(place);
}

static void unfinished_commits_add_up_until_done(void **state)
{
	struct place *place;

	(void)state;
	assert_true(pending_is_done("site"));
	begin(FIRST, true);
	has(NOTE, FIRST "\n");
	assert_false(pending_is_done("site"));
	begin(SECOND, true);
	has(NOTE, FIRST "\n" SECOND "\n");
	succeed(place_open(&place, "site", "test", &why));
	succeed(pending_end(place, &why));
	place_close(place);
	assert_true(pending_is_done("site"));
	begin(SECOND, true);
	has(NOTE, SECOND "\n");
	begin(FIRST, false);
	has(NOTE, "unknown\n" FIRST "\n");
}

static void lines_that_are_no_commit_are_empty(void **state)
{
	static const char *const lines[] = {FIRST, "", "", "", SECOND};
	struct pending pending = {0};
	struct snapshot_id commit;
	struct place *place;
	size_t at = 0;

	(void)state;
	succeed(place_open(&place, "site", "test", &why));
	write_file(NOTE, FIRST "\nunknown\n\n" FIRST "1\n" SECOND);
	succeed(pending_read(&pending, place, &why));
	assert_true(pending.unfinished);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		assert_true(pending_next(&pending, &at, &commit));
		assert_string_equal(commit.hex, lines[i]);
	}
	assert_false(pending_next(&pending, &at, &commit));
	pending_release(&pending);
	place_close(place);
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
