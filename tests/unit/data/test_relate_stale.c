/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/index/query.h"

/* Each test reads a library, then makes a change, and lists the responses that are
 * stale after it. Exactly these must be written again. */

#define N(n) ",\"n\":" n
#define JOIN_N(id, image, tag, n)                                                        \
	"{\"id\":\"" id "\",\"image_id\":\"" image "\",\"tag_id\":\"" tag "\"" N(n) "}"

static uint64_t before; /* the sequence, before the change */

static void read_file(struct index_fixture *f, const char *path, const char *records)
{
	before = index_fixture_sequence(f);
	assert_int_equal(index_fixture_read(f, path, CLAIM_REPLACE, records, 0), 0);
	index_fixture_check(f);
}

static void forget(struct index_fixture *f, const char *path)
{
	before = index_fixture_sequence(f);
	index_fixture_forget(f, path);
	index_fixture_check(f);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Asserts that exactly these responses changed, as "images A, untagged A", sorted. */
static void stale(struct index_fixture *f, const char *expected)
{
	static const char *const kind[] = {
		[QUERY_TAG_IMAGES] = "tags of",
		[QUERY_UNTAGGED] = "untagged",
		[QUERY_IMAGES] = "images",
		[QUERY_TAG] = "tag",
	};
	struct query_key key = {.sequence = before};
	struct index_txn *txn = index_fixture_begin(f, false);
	struct err err = {0};
	char name[32][64], all[1024] = "";
	size_t count = 0;

	while (query_feed(txn, key.sequence, &key, &err) == 0) {
		struct record_id id;

		assert_true(count < 32);
		assert_int_equal(query_id(txn, key.number, &id, &err), 0);
		snprintf(name[count++], sizeof(name[0]), "%s %.40s", kind[key.response],
			 id.bytes);
	}
	index_abort(&txn);
	qsort(name, count, sizeof(name[0]), by_text);
	for (size_t i = 0; i < count; i++) {
		strcat(all, i ? ", " : "");
		strcat(all, name[i]);
	}
	assert_string_equal(all, expected);
}

static void the_first_image_of_an_album_makes_its_lists(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json", "[" IMAGE("i", "A", N("1")) "]");
	stale(f, "images A, tags of i, untagged A");
	assert_int_equal(index_fixture_counts(f).albums, 1);
	assert_int_equal(index_fixture_counts(f).images, 1);
	assert_int_equal(index_fixture_counts(f).untagged, 1);
	read_file(f, "b.json", "[" IMAGE("k", "A", N("1")) "]");
	stale(f, "images A, tags of k, untagged A");
	assert_int_equal(index_fixture_counts(f).albums, 1);
	assert_int_equal(index_fixture_counts(f).images, 2);
}

static void the_last_image_of_an_album_takes_its_lists_away(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json", "[" IMAGE("i", "A", N("1")) "]");
	read_file(f, "b.json",
		  "[" IMAGE("k", "A", N("1")) "," TAG("t", "L") "," JOIN_N("j", "k", "t",
									   "1") "]");
	forget(f, "a.json");
	stale(f, "images A, tags of i, untagged A");
	assert_int_equal(index_fixture_counts(f).albums, 1);
	assert_string_equal(index_fixture_untagged(f, "A"), "[]");
	/* Its list of untagged images exists but is empty; then it disappears. */
	read_file(f, "b.json", "[" TAG("t", "L") "," JOIN_N("j", "k", "t", "1") "]");
	stale(f, "images A, tag t, tags of k, untagged A");
	assert_int_equal(index_fixture_counts(f).albums, 0);
	assert_int_equal(index_fixture_counts(f).untagged, 0);
	assert_null(index_fixture_untagged(f, "A"));
	assert_null(index_fixture_images(f, "A"));
	assert_null(index_fixture_tags(f, "k"));
}

static void a_tagged_first_image_makes_an_empty_untagged_list(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json", "[" TAG("t", "L") "," JOIN_N("j", "i", "t", "1") "]");
	stale(f, "tag t");
	read_file(f, "b.json", "[" IMAGE("i", "A", N("1")) "]");
	stale(f, "images A, tag t, tags of i, untagged A");
	assert_string_equal(index_fixture_untagged(f, "A"), "[]");
	assert_int_equal(index_fixture_counts(f).untagged, 0);
	assert_int_equal(index_fixture_counts(f).live_tag_images, 1);
}

static void a_changed_untagged_image_shows_in_both_lists_of_its_album(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json",
		  "[" IMAGE("i", "A", N("1")) "," IMAGE("k", "A", N("1")) "]");
	read_file(f, "a.json",
		  "[" IMAGE("i", "A", N("2")) "," IMAGE("k", "A", N("1")) "]");
	stale(f, "images A, untagged A");
}

static void a_changed_tagged_image_shows_in_its_tag_images_and_one_list(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "b.json", "[" TAG("t", "L") "," JOIN_N("j", "i", "t", "1") "]");
	read_file(f, "a.json", "[" IMAGE("i", "A", N("1")) "]");
	read_file(f, "a.json", "[" IMAGE("i", "A", N("2")) "]");
	stale(f, "images A, tags of i");
	assert_non_null(strstr(index_fixture_tags(f, "i"), "\"n\":2"));
}

static void a_moved_image_changes_both_albums(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json",
		  "[" IMAGE("i", "A", N("1")) "," IMAGE("k", "A", N("1")) "]");
	read_file(f, "b.json", "[" IMAGE("m", "B", N("1")) "]");
	read_file(f, "a.json",
		  "[" IMAGE("i", "B", N("1")) "," IMAGE("k", "A", N("1")) "]");
	/* The tag images of i name its album, even if there are none. */
	stale(f, "images A, images B, tags of i, untagged A, untagged B");
	assert_int_equal(index_fixture_counts(f).albums, 2);
	assert_int_equal(index_fixture_counts(f).untagged, 3);
	assert_int_equal(index_fixture_counts(f).images, 3);
	assert_null(strstr(index_fixture_images(f, "A"), "\"i\""));
	assert_null(strstr(index_fixture_untagged(f, "A"), "\"i\""));
	assert_non_null(strstr(index_fixture_images(f, "B"), "\"i\""));
	assert_non_null(strstr(index_fixture_untagged(f, "B"), "\"i\""));
}

static void a_moved_tagged_image_leaves_untagged_lists_alone(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "c.json", "[" TAG("t", "L") "," JOIN_N("j", "i", "t", "1") "]");
	read_file(f, "a.json",
		  "[" IMAGE("i", "A", N("1")) "," IMAGE("k", "A", N("1")) "]");
	read_file(f, "b.json", "[" IMAGE("m", "B", N("1")) "]");
	read_file(f, "a.json",
		  "[" IMAGE("i", "B", N("1")) "," IMAGE("k", "A", N("1")) "]");
	stale(f, "images A, images B, tags of i");
	assert_int_equal(index_fixture_counts(f).untagged, 2);
}

static void the_first_and_the_last_live_tag_image_change_the_untagged_list(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json", "[" IMAGE("i", "A", N("1")) "," TAG("t", "L") "]");
	read_file(f, "b.json", "[" JOIN_N("j", "i", "t", "1") "]");
	stale(f, "tag t, tags of i, untagged A");
	assert_int_equal(index_fixture_counts(f).untagged, 0);
	assert_int_equal(index_fixture_counts(f).live_tag_images, 1);
	/* The second neither adds to it nor takes from it. */
	read_file(f, "c.json", "[" JOIN_N("j2", "i", "t", "1") "]");
	stale(f, "tag t, tags of i");
	assert_int_equal(index_fixture_counts(f).live_tag_images, 2);
	forget(f, "b.json");
	stale(f, "tag t, tags of i");
	assert_int_equal(index_fixture_counts(f).untagged, 0);
	forget(f, "c.json");
	stale(f, "tag t, tags of i, untagged A");
	assert_int_equal(index_fixture_counts(f).untagged, 1);
	assert_int_equal(index_fixture_counts(f).live_tag_images, 0);
	assert_int_equal(index_fixture_counts(f).tag_images, 0);
	assert_string_equal(index_fixture_tags(f, "i"), "[]");
}

static void a_changed_live_tag_image_shows_in_one_response(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json", "[" IMAGE("i", "A", N("1")) "," TAG("t", "L") "]");
	read_file(f, "b.json", "[" JOIN_N("j", "i", "t", "1") "]");
	read_file(f, "b.json", "[" JOIN_N("j", "i", "t", "2") "]");
	stale(f, "tags of i");
}

static void a_tag_image_that_is_not_live_shows_nowhere(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json", "[" IMAGE("i", "A", N("1")) "," TAG("t", "L") "]");
	read_file(f, "b.json", "[" JOIN_N("j", "i", "unknown", "1") "]");
	stale(f, "");
	read_file(f, "c.json", "[" JOIN_N("j2", "unknown", "t", "1") "]");
	stale(f, "");
	assert_int_equal(index_fixture_counts(f).tag_images, 2);
	assert_int_equal(index_fixture_counts(f).live_tag_images, 0);
	assert_int_equal(index_fixture_counts(f).untagged, 1);
	read_file(f, "b.json", "[" JOIN_N("j", "i", "unknown", "2") "]");
	stale(f, "");
	forget(f, "b.json");
	stale(f, "");
	assert_int_equal(index_fixture_counts(f).tag_images, 1);
}

static void a_tag_image_moves_to_another_image(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json",
		  "[" IMAGE("i", "A", N("1")) "," IMAGE("k", "B",
							N("1")) "," TAG("t", "L") "]");
	read_file(f, "b.json", "[" JOIN_N("j", "i", "t", "1") "]");
	read_file(f, "b.json", "[" JOIN_N("j", "k", "t", "1") "]");
	stale(f, "tags of i, tags of k, untagged A, untagged B");
	assert_string_equal(index_fixture_tags(f, "i"), "[]");
	assert_non_null(strstr(index_fixture_tags(f, "k"), "\"j\""));
	assert_int_equal(index_fixture_counts(f).live_tag_images, 1);
	assert_int_equal(index_fixture_counts(f).untagged, 1);
	/* To one that is not known: it dies. */
	read_file(f, "b.json", "[" JOIN_N("j", "unknown", "t", "1") "]");
	stale(f, "tag t, tags of k, untagged B");
	assert_int_equal(index_fixture_counts(f).live_tag_images, 0);
	/* And comes back to life elsewhere. */
	read_file(f, "b.json", "[" JOIN_N("j", "i", "t", "1") "]");
	stale(f, "tag t, tags of i, untagged A");
}

static void a_tag_image_moves_to_another_tag(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json",
		  "[" IMAGE("i", "A", N("1")) "," TAG("t", "L") "," TAG("u", "M") "]");
	read_file(f, "b.json", "[" JOIN_N("j", "i", "t", "1") "]");
	read_file(f, "b.json", "[" JOIN_N("j", "i", "u", "1") "]");
	stale(f, "tag t, tag u, tags of i");
	assert_non_null(strstr(index_fixture_tags(f, "i"), "\"M\""));
	/* The tag that it left is no longer in its way. */
	read_file(f, "c.json", "[" TAG("t", "Z") "]");
	stale(f, "tag t");
	read_file(f, "d.json", "[" TAG("u", "Z") "]");
	stale(f, "tag u, tags of i");
	/* To an unknown tag: it is no longer live, and its image is untagged. */
	read_file(f, "b.json", "[" JOIN_N("j", "i", "unknown", "1") "]");
	stale(f, "tag u, tags of i, untagged A");
	assert_int_equal(index_fixture_counts(f).live_tag_images, 0);
	assert_int_equal(index_fixture_counts(f).untagged, 1);
}

static void a_changed_tag_changes_the_images_that_show_it(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json",
		  "[" IMAGE("i", "A", N("1")) "," IMAGE("k", "A", N("1")) "," IMAGE(
			  "m", "A", N("1")) "," TAG("t", "L") "," TAG("u", "L") "]");
	read_file(f, "b.json",
		  "[" JOIN_N("j1", "i", "t", "1") "," JOIN_N(
			  "j2", "k", "t", "1") "," JOIN_N("j3", "m", "u",
							  "1") "," JOIN_N("j4", "unknown",
									  "t", "1") "]");
	read_file(f, "c.json", "[" TAG("t", "Z") "]");
	stale(f, "tag t, tags of i, tags of k");
	assert_non_null(strstr(index_fixture_tags(f, "i"), "\"Z\""));
}

static void a_tag_that_comes_or_goes_takes_its_tag_images_along(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json",
		  "[" IMAGE("i", "A", N("1")) "," IMAGE("k", "B", N("1")) "]");
	read_file(f, "b.json",
		  "[" JOIN_N("j1", "i", "t", "1") "," JOIN_N(
			  "j2", "k", "t", "1") "," JOIN_N("j3", "unknown", "t", "1") "]");
	read_file(f, "c.json", "[" TAG("t", "L") "]");
	stale(f, "tag t, tags of i, tags of k, untagged A, untagged B");
	assert_int_equal(index_fixture_counts(f).live_tag_images, 2);
	assert_int_equal(index_fixture_counts(f).tags, 1);
	assert_int_equal(index_fixture_counts(f).untagged, 0);
	forget(f, "c.json");
	stale(f, "tag t, tags of i, tags of k, untagged A, untagged B");
	assert_int_equal(index_fixture_counts(f).live_tag_images, 0);
	assert_int_equal(index_fixture_counts(f).tags, 0);
	assert_int_equal(index_fixture_counts(f).untagged, 2);
}

static void an_image_that_comes_or_goes_takes_its_tag_images_along(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "b.json",
		  "[" IMAGE("k", "A", N("1")) "," TAG("t", "L") "," TAG(
			  "u", "L") "," JOIN_N("j1", "i", "t",
					       "1") "," JOIN_N("j2", "i", "u",
							       "1") "," JOIN_N("j3", "i",
									       "unknown",
									       "1") "]");
	read_file(f, "a.json", "[" IMAGE("i", "A", N("1")) "]");
	stale(f, "images A, tag t, tag u, tags of i");
	assert_int_equal(index_fixture_counts(f).live_tag_images, 2);
	assert_int_equal(index_fixture_counts(f).tag_images, 3);
	assert_int_equal(index_fixture_counts(f).untagged, 1);
	forget(f, "a.json");
	stale(f, "images A, tag t, tag u, tags of i");
	assert_int_equal(index_fixture_counts(f).live_tag_images, 0);
	assert_int_equal(index_fixture_counts(f).untagged, 1);
	assert_null(index_fixture_tags(f, "i"));
}

static void what_does_not_win_changes_nothing(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json",
		  "[" IMAGE("i", "A", N("5")) "," TAG("t", "M") "," JOIN_N("j", "i", "t",
									   "5") "]");
	read_file(f, "b.json",
		  "[" IMAGE("i", "A", N("4")) "," TAG("t", "L") "," JOIN_N("j", "i", "t",
									   "4") "]");
	stale(f, "");
	forget(f, "b.json");
	stale(f, "");
}

static void a_tag_image_that_stays_where_it_is_feeds_its_image(void **state)
{
	struct index_fixture *f = *state;

	read_file(f, "a.json",
		  "[{\"public_id\":\"i\",\"album_id\":\"A\"},"
		  "{\"id\":\"t\",\"name\":\"n\",\"label\":\"L\"},"
		  "{\"id\":\"j\",\"image_id\":\"i\",\"tag_id\":\"t\"}]");
	read_file(f, "b.json",
		  "[{\"id\":\"j\",\"image_id\":\"i\",\"tag_id\":\"t\",\"x\":1,"
		  "\"updated_at\":\"2020-01-01T00:00:00Z\"}]");
	assert_non_null(strstr(index_fixture_tags(f, "i"), "\"x\":1"));
	stale(f, "tags of i");
}

static void an_id_goes_before_the_longer_one_that_it_begins(void **state)
{
	struct index_fixture *f = *state;

	index_fixture_read_clean(f, "a.json",
				 "[{\"public_id\":\"ij\",\"album_id\":\"A\"}]");
	index_fixture_read_clean(f, "b.json",
				 "[{\"public_id\":\"i\",\"album_id\":\"A\"}]");
	assert_string_equal(index_fixture_images(f, "A"),
			    "[{\"public_id\":\"i\",\"album_id\":\"A\"},"
			    "{\"public_id\":\"ij\",\"album_id\":\"A\"}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDEX_TEST(the_first_image_of_an_album_makes_its_lists),
		INDEX_TEST(the_last_image_of_an_album_takes_its_lists_away),
		INDEX_TEST(a_tagged_first_image_makes_an_empty_untagged_list),
		INDEX_TEST(a_changed_untagged_image_shows_in_both_lists_of_its_album),
		INDEX_TEST(a_changed_tagged_image_shows_in_its_tag_images_and_one_list),
		INDEX_TEST(a_moved_image_changes_both_albums),
		INDEX_TEST(a_moved_tagged_image_leaves_untagged_lists_alone),
		INDEX_TEST(
			the_first_and_the_last_live_tag_image_change_the_untagged_list),
		INDEX_TEST(a_changed_live_tag_image_shows_in_one_response),
		INDEX_TEST(a_tag_image_that_is_not_live_shows_nowhere),
		INDEX_TEST(a_tag_image_moves_to_another_image),
		INDEX_TEST(a_tag_image_moves_to_another_tag),
		INDEX_TEST(a_changed_tag_changes_the_images_that_show_it),
		INDEX_TEST(a_tag_that_comes_or_goes_takes_its_tag_images_along),
		INDEX_TEST(an_image_that_comes_or_goes_takes_its_tag_images_along),
		INDEX_TEST(what_does_not_win_changes_nothing),
		INDEX_TEST(a_tag_image_that_stays_where_it_is_feeds_its_image),
		INDEX_TEST(an_id_goes_before_the_longer_one_that_it_begins),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
