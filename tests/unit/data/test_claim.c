/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#define LATER ",\"updated_at\":\"2020-01-01T00:00:00Z\""

static void an_image_is_untagged_until_a_live_tag_image_joins_it(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_read_clean(f, "a.json", "[" IMAGE("i", "A", "") "]");
	assert_string_equal(index_fixture_tags(f, "i"), "[]");
	assert_string_equal(index_fixture_untagged(f, "A"), "[" IMAGE("i", "A", "") "]");
	/* the tag is not known yet */
	index_fixture_read_clean(f, "b.json", "[" JOIN("j", "i", "t") "]");
	assert_string_equal(index_fixture_tags(f, "i"), "[]");
	assert_string_equal(index_fixture_untagged(f, "A"), "[" IMAGE("i", "A", "") "]");
	index_fixture_read_clean(f, "c.json", "[" TAG("t", "L") "]");
	assert_string_equal(index_fixture_tags(f, "i"),
			    "[{\"id\":\"j\",\"image\":" IMAGE(
				    "i", "A", "") ",\"tag\":" TAG("t", "L") "}]");
	assert_string_equal(index_fixture_untagged(f, "A"), "[]");
	assert_string_equal(index_fixture_images(f, "A"), "[" IMAGE("i", "A", "") "]");
	index_fixture_forget(f, "c.json");
	index_fixture_check(f);
	assert_string_equal(index_fixture_tags(f, "i"), "[]");
	assert_string_equal(index_fixture_untagged(f, "A"), "[" IMAGE("i", "A", "") "]");
}

static void embedded_records_are_claims_and_winners_take_their_place(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_read_clean(
		f, "a.json", "[" EMBED("j", IMAGE("i", "A", ""), TAG("t", "old")) "]");
	assert_string_equal(index_fixture_tags(f, "i"),
			    "[" EMBED("j", IMAGE("i", "A", ""), TAG("t", "old")) "]");
	assert_string_equal(index_fixture_untagged(f, "A"), "[]");
	index_fixture_read_clean(f, "b.json",
				 "[{\"id\":\"t\",\"name\":\"n\",\"label\":\"new\","
				 "\"created_at\":\"2020-01-01T00:00:00Z\"}]");
	assert_non_null(strstr(index_fixture_tags(f, "i"), "\"label\":\"new\""));
	index_fixture_forget(f, "b.json");
	index_fixture_check(f);
	assert_non_null(strstr(index_fixture_tags(f, "i"), "\"label\":\"old\""));
	index_fixture_forget(f, "a.json");
	index_fixture_check(f);
	assert_null(index_fixture_tags(f, "i"));
	assert_null(index_fixture_images(f, "A"));
}

static void the_later_instant_wins_whatever_its_offset(void **state)
{
	struct index_fixture *f = *state;

	/* 12:30+02:00 is 10:30Z, before 11:00Z, though its text is greater. */
	index_fixture_read_clean(
		f, "a.json",
		"[" IMAGE("i", "A", ",\"updated_at\":\"2020-01-01T12:30:00+02:00\"") "]");
	index_fixture_read_clean(
		f, "b.json",
		"[" IMAGE("i", "B", ",\"updated_at\":\"2020-01-01T11:00:00Z\"") "]");
	assert_null(index_fixture_images(f, "A"));
	assert_non_null(index_fixture_images(f, "B"));
	index_fixture_forget(f, "b.json");
	index_fixture_check(f);
	assert_non_null(index_fixture_images(f, "A"));
	assert_null(index_fixture_images(f, "B"));
}

static void equal_stamps_are_decided_by_the_canonical_text(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_read_clean(f, "b.json", "[" IMAGE("i", "A", ",\"n\":2") "]");
	index_fixture_read_clean(f, "a.json", "[" IMAGE("i", "A", ",\"n\":10") "]");
	assert_non_null(strstr(index_fixture_images(f, "A"), "\"n\":2"));
	index_fixture_read_clean(f, "c.json", "[" IMAGE("i", "A", ",\"n\":3") "]");
	assert_non_null(strstr(index_fixture_images(f, "A"), "\"n\":3"));
	index_fixture_forget(f, "c.json");
	index_fixture_forget(f, "b.json");
	index_fixture_check(f);
	assert_non_null(strstr(index_fixture_images(f, "A"), "\"n\":10"));
}

/* The embedded objects decide, although they are not stored in the tag image. */
static void a_tag_image_is_compared_by_its_whole_text(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_read_clean(
		f, "a.json",
		"[{\"id\":\"j\",\"image\":" IMAGE("i", "A", ",\"n\":1") ",\"tag\":" TAG(
			"t", "L") ",\"user\":\"zz\"}]");
	index_fixture_read_clean(
		f, "b.json",
		"[{\"id\":\"j\",\"image\":" IMAGE("i", "A", ",\"n\":2") ",\"tag\":" TAG(
			"t", "L") ",\"user\":\"aa\"}]");
	assert_non_null(strstr(index_fixture_tags(f, "i"), "\"user\":\"aa\""));
	index_fixture_forget(f, "b.json");
	index_fixture_check(f);
	assert_non_null(strstr(index_fixture_tags(f, "i"), "\"user\":\"zz\""));
}

#define AT(time) ",\"created_at\":\"2020-01-01T" time "\""

static void lists_are_sorted_by_instant_and_id(void **state)
{
	struct index_fixture *f = *state;
	const char *list;

	index_fixture_read_clean(
		f, "a.json",
		"[" IMAGE("c", "A", AT("01:00:00+01:00")) "," IMAGE(
			"b", "A", AT("00:00:00Z")) "," IMAGE("z", "A", "") "]");
	index_fixture_read_clean(f, "b.json",
				 "[" IMAGE("a", "A", AT("00:00:00.000000001Z")) "]");
	list = index_fixture_images(f, "A");
	assert_true(strstr(list, "\"z\"") < strstr(list, "\"b\""));
	assert_true(strstr(list, "\"b\"") < strstr(list, "\"c\""));
	assert_true(strstr(list, "\"c\"") < strstr(list, "\"a\""));
}

static void a_reading_with_rejects_withdraws_nothing(void **state)
{
	struct index_fixture *f = *state;
	struct index_counts counts;
	struct index_txn *txn = NULL;

	index_fixture_read_clean(f, "a.json",
				 "[" IMAGE("i", "A", "") "," IMAGE("k", "A", "") "]");
	assert_int_equal(index_fixture_read(f, "a.json", CLAIM_MERGE,
					    "[" IMAGE("l", "A", "") "]", 2),
			 0);
	index_fixture_check(f);
	assert_non_null(index_fixture_tags(f, "i"));
	assert_non_null(index_fixture_tags(f, "l"));
	txn = index_fixture_begin(f, false);
	index_counts(txn, &counts);
	index_abort(&txn);
	assert_int_equal(counts.rejects, 2);
	assert_int_equal(counts.rejected_files, 1);
	index_fixture_read_clean(f, "a.json", "[" IMAGE("l", "A", "") "]");
	assert_null(index_fixture_tags(f, "i"));
	assert_non_null(index_fixture_tags(f, "l"));
}

static void merging_a_lowered_claim_asks_for_another_reading(void **state)
{
	struct index_fixture *f = *state;
	const char *late =
		"[" IMAGE("i", "A", ",\"updated_at\":\"2021-01-01T00:00:00Z\"") "]";
	const char *early =
		"[" IMAGE("i", "A", ",\"updated_at\":\"2020-01-01T00:00:00Z\"") "]";

	index_fixture_read_clean(f, "a.json", late);
	assert_int_equal(index_fixture_read(f, "a.json", CLAIM_MERGE, early, 1), 0);
	assert_non_null(strstr(index_fixture_images(f, "A"), "2021"));
	assert_int_equal(index_fixture_read(f, "a.json", CLAIM_MERGE, early, 0),
			 ERR_CHANGED);
	index_fixture_check(f);
	assert_non_null(strstr(index_fixture_images(f, "A"), "2021"));
	index_fixture_read_clean(f, "a.json", early);
	assert_non_null(strstr(index_fixture_images(f, "A"), "2020"));
}

static void of_one_file_the_greatest_claim_counts(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_read_clean(
		f, "a.json",
		"[" IMAGE("i", "A", ",\"n\":5") "," IMAGE("i", "A", ",\"n\":7") "," IMAGE(
			"i", "A", ",\"n\":6") "]");
	assert_non_null(strstr(index_fixture_images(f, "A"), "\"n\":7"));
	index_fixture_read_clean(f, "a.json", "[" IMAGE("i", "A", ",\"n\":5") "]");
	assert_non_null(strstr(index_fixture_images(f, "A"), "\"n\":5"));
}

static void reading_the_same_again_feeds_nothing(void **state)
{
	struct index_fixture *f = *state;
	const char *records = "[" EMBED("j", IMAGE("i", "A", ""), TAG("t", "L")) "]";
	uint64_t before;

	index_fixture_read_clean(f, "a.json", records);
	before = index_fixture_sequence(f);
	index_fixture_read_clean(f, "a.json", records);
	assert_int_equal(index_fixture_sequence(f), before);
	index_fixture_read_clean(f, "copy.json", records);
	assert_int_equal(index_fixture_sequence(f), before);
	index_fixture_forget(f, "a.json");
	index_fixture_check(f);
	assert_int_equal(index_fixture_sequence(f), before);
}

static void a_change_feeds_what_depends_on_it_and_no_more(void **state)
{
	struct index_fixture *f = *state;
	uint64_t before;

	index_fixture_read_clean(
		f, "a.json",
		"[" IMAGE("i", "A", "") "," IMAGE("k", "A", "") "," IMAGE(
			"l", "B", "") "," TAG("t", "L") "," TAG("u",
								"L") "," JOIN("j", "i",
									      "t") "]");
	before = index_fixture_sequence(f);
	/* a tag that nothing shows: itself alone */
	index_fixture_read_clean(f, "b.json", "[" TAG("v", "L") "]");
	assert_int_equal(index_fixture_fed(f, before), 1);
	/* a tag that one image shows: the tag, and the response of the image */
	before = index_fixture_sequence(f);
	index_fixture_read_clean(f, "c.json", "[" TAG("t", "Z") "]");
	assert_int_equal(index_fixture_fed(f, before), 2);
	/* another tag image: the response of the image, and the count of the tag */
	before = index_fixture_sequence(f);
	index_fixture_read_clean(f, "f.json", "[" JOIN("j2", "i", "t") "]");
	assert_int_equal(index_fixture_fed(f, before), 2);
	/* an image in no tag image: its album's two lists */
	before = index_fixture_sequence(f);
	index_fixture_read_clean(f, "d.json", "[" IMAGE("k", "A", LATER) "]");
	assert_int_equal(index_fixture_fed(f, before), 2);
	/* a tagged image: its own response and the full list of its album */
	before = index_fixture_sequence(f);
	index_fixture_read_clean(f, "e.json", "[" IMAGE("i", "A", LATER) "]");
	assert_int_equal(index_fixture_fed(f, before), 2);
}

static void a_response_has_one_feed_entry(void **state)
{
	struct index_fixture *f = *state;

	for (int i = 0; i < 10; i++) {
		index_fixture_read_clean(f, "a.json",
					 i % 2 ? "[" IMAGE("i", "A", ",\"n\":1") "]"
					       : "[" IMAGE("i", "A", ",\"n\":2") "]");
	}
	assert_int_equal(index_fixture_fed(f, 0), 3);
}

static void entries_of_responses_that_are_gone_are_forgotten_in_time(void **state)
{
	struct index_fixture *f = *state;
	struct index_txn *txn = NULL;
	struct buf records = {0};

	for (int i = 0; i < 11000; i++) {
		buf_addf(&records, "%s" IMAGE("i%d", "A", ""), i ? "," : "[", i);
	}
	buf_addstr(&records, "]");
	assert_int_equal(index_fixture_read(f, "a.json", CLAIM_REPLACE, records.data, 0),
			 0);
	buf_release(&records);
	index_fixture_forget(f, "a.json");
	/* exporters must see that they are gone */
	assert_int_equal(index_fixture_fed(f, 0), 11002);
	index_fixture_read_clean(f, "b.json", "[" IMAGE("i5", "B", "") "]");
	assert_int_equal(index_fixture_fed(f, 0), 3);
	txn = index_fixture_begin(f, false);
	assert_true(index_feed_floor(txn) > 0);
	index_abort(&txn);
	index_fixture_check(f);
}

static void a_moved_image_leaves_its_album(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_read_clean(
		f, "a.json",
		"[" IMAGE("i", "A", "") "," TAG("t", "L") "," JOIN("j", "i", "t") "]");
	index_fixture_read_clean(
		f, "a.json",
		"[" IMAGE("i", "B", "") "," TAG("t", "L") "," JOIN("j", "i", "t") "]");
	assert_null(index_fixture_images(f, "A"));
	assert_null(index_fixture_untagged(f, "A"));
	assert_string_equal(index_fixture_untagged(f, "B"), "[]");
}

static void a_tag_image_moves_between_images(void **state)
{
	struct index_fixture *f = *state;
	const char *base =
		"[" IMAGE("i", "A", "") "," IMAGE("k", "A", "") "," TAG("t", "L") "]";

	index_fixture_read_clean(f, "a.json", base);
	index_fixture_read_clean(f, "b.json", "[" JOIN("j", "i", "t") "]");
	index_fixture_read_clean(f, "b.json", "[" JOIN("j", "k", "t") "]");
	assert_string_equal(index_fixture_tags(f, "i"), "[]");
	assert_string_not_equal(index_fixture_tags(f, "k"), "[]");
	assert_string_equal(index_fixture_untagged(f, "A"), "[" IMAGE("i", "A", "") "]");
}

static int count_file(const char *path, size_t len, const struct claim_file *file,
		      void *payload)
{
	(void)path;
	(void)len;
	(void)file;
	++*(int *)payload;
	return 0;
}

static void long_paths_are_told_apart(void **state)
{
	struct index_fixture *f = *state;
	char path[2][1001];
	struct claim_file file;
	struct index_txn *txn = NULL;
	struct err err = {0};
	int n = 0;

	for (int i = 0; i < 2; i++) {
		memset(path[i], 'd', 1000);
		path[i][500] = '/';
		path[i][999] = (char)('0' + i);
		path[i][1000] = '\0';
		index_fixture_read_clean(f, path[i], "[]");
	}
	index_fixture_read_clean(f, "other", "[]");
	txn = index_fixture_begin(f, false);
	assert_int_equal(claim_file_get(txn, path[1], 1000, &file), 0);
	path[1][998] = 'e';
	assert_int_equal(claim_file_get(txn, path[1], 1000, &file), ERR_NOTFOUND);
	assert_int_equal(claim_file_each(txn, path[0], 501, count_file, &n, &err), 0);
	assert_int_equal(n, 2);
	index_abort(&txn);
}

static void a_dropped_reading_keeps_the_claims_and_is_read_again(void **state)
{
	struct index_fixture *f = *state;
	struct claim_reading *reading = NULL;
	struct index_txn *txn = NULL;
	struct claim_file file;
	struct err err = {0};

	index_fixture_read_clean(f, "a.json", "[" IMAGE("i", "A", "") "]");
	txn = index_fixture_begin(f, true);
	assert_int_equal(claim_begin(&reading, txn, "a.json", 6, CLAIM_MERGE, &err), 0);
	claim_pause(reading);
	assert_int_equal(index_commit(&txn, &err), 0);
	claim_drop(&reading);
	txn = index_fixture_begin(f, false);
	assert_int_equal(claim_file_get(txn, "a.json", 6, &file), 0);
	assert_int_equal(file.size, -1);
	index_abort(&txn);
	assert_non_null(index_fixture_tags(f, "i"));
	index_fixture_check(f);
}

static void an_image_is_lost_with_the_last_file_that_states_it(void **state)
{
	struct index_fixture *f = *state;
	struct claim_reading *reading = NULL;
	struct claim_file file = {.size = 1};
	struct index_txn *txn = NULL;
	struct buf lost = {0};
	struct err err = {0};

	index_fixture_read_clean(
		f, "a.json",
		"[" IMAGE("i", "A", "") "," IMAGE("k", "A", "") "," IMAGE(
			"l", "A", "") "," TAG("t", "") "]");
	index_fixture_read_clean(f, "b.json", "[" IMAGE("i", "A", "") "]");
	txn = index_fixture_begin(f, true);
	assert_int_equal(claim_begin(&reading, txn, "a.json", 6, CLAIM_REPLACE, &err), 0);
	index_fixture_add(reading, "[" IMAGE("l", "A", "") "]");
	assert_int_equal(claim_end(&reading, &file, &lost, &err), 0);
	assert_int_equal(lost.len, 8);
	assert_int_equal(claim_count_unknown(txn, lost.data, 1), 1);
	/* Another file states it now. */
	assert_int_equal(claim_begin(&reading, txn, "c.json", 6, CLAIM_REPLACE, &err), 0);
	index_fixture_add(reading, "[" IMAGE("k", "A", "") "]");
	assert_int_equal(claim_end(&reading, &file, &lost, &err), 0);
	assert_int_equal(lost.len, 8);
	assert_int_equal(claim_count_unknown(txn, lost.data, 1), 0);
	assert_int_equal(index_commit(&txn, &err), 0);
	index_fixture_check(f);
	buf_release(&lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDEX_TEST(an_image_is_untagged_until_a_live_tag_image_joins_it),
		INDEX_TEST(embedded_records_are_claims_and_winners_take_their_place),
		INDEX_TEST(the_later_instant_wins_whatever_its_offset),
		INDEX_TEST(equal_stamps_are_decided_by_the_canonical_text),
		INDEX_TEST(a_tag_image_is_compared_by_its_whole_text),
		INDEX_TEST(lists_are_sorted_by_instant_and_id),
		INDEX_TEST(a_reading_with_rejects_withdraws_nothing),
		INDEX_TEST(merging_a_lowered_claim_asks_for_another_reading),
		INDEX_TEST(of_one_file_the_greatest_claim_counts),
		INDEX_TEST(reading_the_same_again_feeds_nothing),
		INDEX_TEST(a_change_feeds_what_depends_on_it_and_no_more),
		INDEX_TEST(a_response_has_one_feed_entry),
		INDEX_TEST(entries_of_responses_that_are_gone_are_forgotten_in_time),
		INDEX_TEST(a_moved_image_leaves_its_album),
		INDEX_TEST(a_tag_image_moves_between_images),
		INDEX_TEST(long_paths_are_told_apart),
		INDEX_TEST(a_dropped_reading_keeps_the_claims_and_is_read_again),
		INDEX_TEST(an_image_is_lost_with_the_last_file_that_states_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
