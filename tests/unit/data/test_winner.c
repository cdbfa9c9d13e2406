/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows from a winner that changed, and the order of what is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/index_fixture.h"

static void read_clean(struct index_fixture *f, const char *path, const char *records)
{
	assert_int_equal(index_fixture_read(f, path, CLAIM_REPLACE, records, 0), 0);
	index_fixture_check(f);
}

static void a_tag_image_that_stays_where_it_is_feeds_its_image(void **state)
{
	struct index_fixture *f = *state;
	uint64_t before;

	read_clean(f, "a.json",
		   "[{\"public_id\":\"i\",\"album_id\":\"A\"},"
		   "{\"id\":\"t\",\"name\":\"n\",\"label\":\"L\"},"
		   "{\"id\":\"j\",\"image_id\":\"i\",\"tag_id\":\"t\"}]");
	before = index_fixture_sequence(f);
	read_clean(f, "b.json",
		   "[{\"id\":\"j\",\"image_id\":\"i\",\"tag_id\":\"t\",\"x\":1,"
		   "\"updated_at\":\"2020-01-01T00:00:00Z\"}]");
	assert_non_null(strstr(index_fixture_tags(f, "i"), "\"x\":1"));
	assert_int_equal(index_fixture_fed(f, before), 1);
}

static void an_id_goes_before_the_longer_one_that_it_begins(void **state)
{
	struct index_fixture *f = *state;

	read_clean(f, "a.json", "[{\"public_id\":\"ij\",\"album_id\":\"A\"}]");
	read_clean(f, "b.json", "[{\"public_id\":\"i\",\"album_id\":\"A\"}]");
	assert_string_equal(index_fixture_images(f, "A"),
			    "[{\"public_id\":\"i\",\"album_id\":\"A\"},"
			    "{\"public_id\":\"ij\",\"album_id\":\"A\"}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_tag_image_that_stays_where_it_is_feeds_its_image,
			index_fixture_up, index_fixture_down),
		cmocka_unit_test_setup_teardown(
			an_id_goes_before_the_longer_one_that_it_begins, index_fixture_up,
			index_fixture_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
