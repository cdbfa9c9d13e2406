/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "data/base/hex.h"
#include "exporter/site/listing.h"

#define MD5_OF_A "0cc175b9c0f1b6a831c399e269772661"
#define MD5_OF_NOTHING "d41d8cd98f00b204e9800998ecf8427e"

static struct listing listing;

static int teardown(void **state)
{
	(void)state;
	listing_release(&listing);
	return 0;
}

static enum listing_match compare(const char *path, uint64_t size, const char *hex)
{
	uint8_t md5[LISTING_MD5];

	assert_true(hex_read(md5, sizeof(md5), hex));
	return listing_compare(&listing, path, size, md5);
}

static void a_key_is_the_same_by_size_and_md5(void **state)
{
	(void)state;
	listing_add(&listing, "api/v1/tags.json", MD5_OF_A, 1);
	assert_int_equal(compare("api/v1/tags.json", 1, MD5_OF_A), LISTING_SAME);
	assert_int_equal(compare("api/v1/tags.json", 0, MD5_OF_NOTHING), LISTING_DIFFERS);
	assert_int_equal(compare("api/v1/tags", 1, MD5_OF_A), LISTING_ABSENT);
}

static void an_etag_that_is_another_or_none_decides_nothing(void **state)
{
	(void)state;
	listing_add(&listing, "parts", MD5_OF_A "-2", 1);
	listing_add(&listing, "encrypted", MD5_OF_NOTHING, 1);
	listing_add(&listing, "without", "", 1);
	assert_int_equal(compare("parts", 1, MD5_OF_A), LISTING_UNSURE);
	assert_int_equal(compare("encrypted", 1, MD5_OF_A), LISTING_UNSURE);
	assert_int_equal(compare("without", 1, MD5_OF_A), LISTING_UNSURE);
	assert_int_equal(compare("parts", 2, MD5_OF_A), LISTING_DIFFERS);
}

static void keys_that_are_added_later_are_found(void **state)
{
	char path[32];

	(void)state;
	assert_int_equal(compare("0", 1, MD5_OF_A), LISTING_ABSENT);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "%u", i);
		listing_add(&listing, path, MD5_OF_A, i);
		if (i % 1000 == 0) {
			assert_int_equal(compare(path, i, MD5_OF_A), LISTING_SAME);
		}
	}
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "%u", i);
		assert_int_equal(compare(path, i, MD5_OF_A), LISTING_SAME);
	}
	assert_int_equal(compare("3000", 1, MD5_OF_A), LISTING_ABSENT);
}

static void it_is_exhausted_when_each_key_was_asked_for(void **state)
{
	(void)state;
	assert_true(listing_is_exhausted(&listing));
	listing_add(&listing, "one", MD5_OF_A, 1);
	listing_add(&listing, "two", MD5_OF_A, 1);
	compare("one", 1, MD5_OF_A);
	compare("three", 1, MD5_OF_A);
	assert_false(listing_is_exhausted(&listing));
	compare("two", 2, MD5_OF_A);
	assert_true(listing_is_exhausted(&listing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_key_is_the_same_by_size_and_md5, teardown),
		cmocka_unit_test_teardown(an_etag_that_is_another_or_none_decides_nothing,
					  teardown),
		cmocka_unit_test_teardown(it_is_exhausted_when_each_key_was_asked_for,
					  teardown),
		cmocka_unit_test_teardown(keys_that_are_added_later_are_found, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
