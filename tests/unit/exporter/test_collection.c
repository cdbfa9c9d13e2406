/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include "exporter/collection/collection.h"

static const struct file tagged[] = {
	{TAGS, "i",
	 "[{\"id\":\"b\",\"created_at\":\"2020-01-01T01:00:00+01:00\"},"
	 "{\"id\":\"d\",\"created_at\":\"2020-01-01T00:00:01Z\",\"x\":[1,2]}]"},
	{TAGS, "j",
	 "[{\"id\":\"c\",\"created_at\":null},{\"created_at\":"
	 "\"2020-01-01T00:00:00Z\",\"id\":\"a\"}]"},
	{TAGS, "k", "[]"},
	{TAGS, "l", "[]"},
	{IMAGES, "x", "[{\"id\":\"k\"}]"},
	{0},
};
static const char collected[] =
	"[{\"id\":\"c\",\"created_at\":null},"
	"{\"created_at\":\"2020-01-01T00:00:00Z\",\"id\":\"a\"},"
	"{\"id\":\"b\",\"created_at\":\"2020-01-01T01:00:00+01:00\"},"
	"{\"id\":\"d\",\"created_at\":\"2020-01-01T00:00:01Z\",\"x\":[1,2]}]";

static void collection_is_all_tag_images_in_order(void **state)
{
	static const struct file none[] = {{0}};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info first = commit(repo, tagged);
	struct snapshot_info second = commit(repo, none);

	(void)state;
	publish(repo, &first, SITE_COLLECTIONS);
	has("site/"
	    "api/v1/tag_images.json",
	    collected);
	publish(repo, &second, SITE_COLLECTIONS);
	has("site/"
	    "api/v1/tag_images.json",
	    "[]");
	publish(repo, &first, SITE_COLLECTIONS);
	has("site/"
	    "api/v1/tag_images.json",
	    collected);
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void tags_are_in_order(void **state)
{
	static const struct file files[] = {
		{QUERY_TAG, "x",
		 "{\"tag\":{\"id\":\"x\",\"name\":\"X\"},\"tag_images\":2}"},
		{QUERY_TAG, "w",
		 "{\"tag\":{\"created_at\":\"2020-01-01T00:00:00Z\",\"id\":\"w\"},"
		 "\"tag_images\":0}"},
		{QUERY_TAG, "v",
		 "{\"tag\":{\"id\":\"v\",\"name\":\"X\"},\"tag_images\":0}"},
		{0},
	};
	static const struct file fewer[] = {
		{QUERY_TAG, "v",
		 "{\"tag\":{\"id\":\"v\",\"name\":\"X\"},\"tag_images\":0}"},
		{0},
	};
	static const struct file bad[] = {
		{QUERY_TAG, "v", "{\"tag\":{\"name\":\"X\"},\"tag_images\":0}"},
		{0},
	};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info first = commit(repo, files);
	struct snapshot_info second = commit(repo, fewer);
	struct snapshot_info third = commit(repo, bad);
	struct site_result result;

	(void)state;
	publish(repo, &first, SITE_COLLECTIONS);
	has("site/api/v1/tags.json",
	    "[{\"id\":\"v\",\"name\":\"X\"},{\"id\":\"x\",\"name\":\"X\"},"
	    "{\"created_at\":\"2020-01-01T00:00:00Z\",\"id\":\"w\"}]");
	publish(repo, &second, SITE_COLLECTIONS);
	has("site/api/v1/tags.json", "[{\"id\":\"v\",\"name\":\"X\"}]");
	assert_int_equal(
		site_publish("site", repo, &third, SITE_COLLECTIONS, &result, &why),
		ERR_INPUT);
	assert_non_null(strstr(why.msg, "audit/tags/"));
	publish(repo, &second, 0);
	assert_false(there("site/api/v1/tags.json"));
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_info_release(&third);
	snapshot_close(repo);
}

static void collection_comes_and_goes_with_the_flag(void **state)
{
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info info = commit(repo, tagged);

	(void)state;
	publish(repo, &info, 0);
	assert_false(there("site/"
			   "api/v1/tag_images.json"));
	assert_true(publish(repo, &info, SITE_COLLECTIONS).touched);
	has("site/"
	    "api/v1/tag_images.json",
	    collected);
	assert_false(publish(repo, &info, SITE_COLLECTIONS).touched);
	assert_true(publish(repo, &info, 0).touched);
	assert_false(there("site/"
			   "api/v1/tag_images.json"));
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void collection_is_kept_where_no_tag_image_changed(void **state)
{
	static const struct file albums[] = {{IMAGES, "x", "[]"}, {0}};
	static const struct file more[] = {
		{IMAGES, "x", "[1]"}, {IMAGES, "y", "[]"}, {0}};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info first = commit(repo, albums);
	struct snapshot_info second = commit(repo, more);
	struct stat before, after;

	(void)state;
	publish(repo, &first, SITE_COLLECTIONS);
	assert_int_equal(stat("site/"
			      "api/v1/tag_images.json",
			      &before),
			 0);
	publish(repo, &second, SITE_COLLECTIONS);
	assert_int_equal(stat("site/"
			      "api/v1/tag_images.json",
			      &after),
			 0);
	assert_int_equal(before.st_ino, after.st_ino);
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void collection_refuses_what_is_not_ours(void **state)
{
	static const char *const body[] = {"",
					   "[",
					   "{}",
					   "[1]",
					   "[{}]",
					   "[ ]",
					   "[]\n",
					   "[{\"id\":1}]",
					   "[{\"id\":\"a\",\"created_at\":\"soon\"}]"};
	struct snapshot_repo *repo = open_repo("repo");

	(void)state;
	for (size_t i = 0; i < sizeof(body) / sizeof(*body); i++) {
		struct file files[] = {{TAGS, "a", body[i]}, {0}};
		struct snapshot_info info = commit(repo, files);
		struct site_result result;

		assert_int_equal(site_publish("site", repo, &info, SITE_COLLECTIONS,
					      &result, &why),
				 ERR_INPUT);
		assert_non_null(strstr(why.msg, "tag_images"));
		snapshot_info_release(&info);
	}
	snapshot_close(repo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(collection_is_all_tag_images_in_order),
		TEST(tags_are_in_order),
		TEST(collection_comes_and_goes_with_the_flag),
		TEST(collection_is_kept_where_no_tag_image_changed),
		TEST(collection_refuses_what_is_not_ours),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
