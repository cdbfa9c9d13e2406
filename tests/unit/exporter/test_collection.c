/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include "exporter/collection/collection.h"

#define OF_T "\"tag\":{\"id\":\"t\"}}"

static const struct file tagged[] = {
	{TAGS, "i",
	 "[{\"id\":\"b\",\"created_at\":\"2020-01-01T01:00:00+01:00\"," OF_T ","
	 "{\"id\":\"d\",\"created_at\":\"2020-01-01T00:00:01Z\",\"x\":[1,2]," OF_T "]"},
	{TAGS, "j",
	 "[{\"id\":\"c\",\"created_at\":null," OF_T ",{\"created_at\":"
	 "\"2020-01-01T00:00:00Z\",\"id\":\"a\"," OF_T "]"},
	{TAGS, "k", "[]"},
	{TAGS, "l", "[]"},
	{IMAGES, "x", "[{\"id\":\"k\"}]"},
	{0},
};
static const char collected[] =
	"[{\"id\":\"c\",\"created_at\":null," OF_T ","
	"{\"created_at\":\"2020-01-01T00:00:00Z\",\"id\":\"a\"," OF_T ","
	"{\"id\":\"b\",\"created_at\":\"2020-01-01T01:00:00+01:00\"," OF_T ","
	"{\"id\":\"d\",\"created_at\":\"2020-01-01T00:00:01Z\",\"x\":[1,2]," OF_T "]";

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
	assert_int_equal(try_publish(repo, &third, SITE_COLLECTIONS, &result), ERR_INPUT);
	assert_non_null(strstr(why.msg, "audit/tags/"));
	assert_non_null(strstr(why.msg, "a tag without an id"));
	publish(repo, &second, 0);
	assert_false(there("site/api/v1/tags.json"));
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_info_release(&third);
	snapshot_close(repo);
}

#define TAGGED(id, tag) "{\"id\":\"" id "\",\"tag\":{\"id\":\"" tag "\"}}"
#define A_TAG(id)                                                                        \
	{                                                                                \
		QUERY_TAG, id, "{\"tag\":{\"id\":\"" id "\"},\"tag_images\":0}"          \
	}

/* A body of more bytes than are kept in memory to be compared. */
static void put_large(struct file *file, char *large)
{
	size_t len = 0;

	large[len++] = '[';
	for (int i = 0; i < 30000; i++) {
		len += (size_t)sprintf(large + len, "%s" TAGGED("%06d", "x"),
				       i ? "," : "", i);
	}
	large[len++] = ']';
	large[len] = '\0';
	*file = (struct file){TAGS, "large", large};
}

static void each_tag_has_its_tag_images(void **state)
{
	char *large = malloc(2 << 20);
	struct file files[] = {
		A_TAG("x"),
		A_TAG("x.y"),
		A_TAG("y"),
		{TAGS, "i", "[" TAGGED("b", "x.y") "," TAGGED("a", "x") "]"},
		{TAGS, "j", "[" TAGGED("c", "x") "," TAGGED("a", "x.y") "]"},
		{0},
	};
	static const struct file fewer[] = {
		A_TAG("x"),
		A_TAG("z"),
		{TAGS, "i", "[" TAGGED("a", "x") "]"},
		{TAGS, "j", "[" TAGGED("c", "x") "]"},
		{0},
	};
	static const struct file bad[] = {{TAGS, "i", "[{\"id\":\"a\"}]"}, {0}};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info first = commit(repo, files), second = commit(repo, fewer);
	struct snapshot_info third = commit(repo, bad), fourth;
	struct site_result result;
	struct stat before, after;

	(void)state;
	assert_non_null(large);
	put_large(&files[3], large);
	fourth = commit(repo, files);
	publish(repo, &first, SITE_COLLECTIONS);
	has("site/api/v1/tags/x/tag_images.json",
	    "[" TAGGED("a", "x") "," TAGGED("c", "x") "]");
	has("site/api/v1/tags/x%2Ey/tag_images.json",
	    "[" TAGGED("a", "x.y") "," TAGGED("b", "x.y") "]");
	has("site/api/v1/tags/y/tag_images.json", "[]");
	assert_int_equal(stat("site/api/v1/tags/x/tag_images.json", &before), 0);
	publish(repo, &second, SITE_COLLECTIONS);
	assert_int_equal(stat("site/api/v1/tags/x/tag_images.json", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	has("site/api/v1/tags/z/tag_images.json", "[]");
	assert_false(there("site/api/v1/tags/y"));
	assert_false(there("site/api/v1/tags/x%2Ey"));
	publish(repo, &fourth, SITE_COLLECTIONS);
	large[strlen(large) - 1] = '\0';
	assert_int_equal(stat("site/api/v1/tags/x/tag_images.json", &after), 0);
	assert_int_equal(after.st_size, strlen(large) + strlen("," TAGGED("c", "x") "]"));
	assert_int_equal(try_publish(repo, &third, SITE_COLLECTIONS, &result), ERR_INPUT);
	assert_non_null(strstr(why.msg, "without a tag"));
	publish(repo, &first, 0);
	assert_false(there("site/api/v1/tags"));
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_info_release(&third);
	snapshot_info_release(&fourth);
	snapshot_close(repo);
	free(large);
}

#define TEN(x) x x x x x x x x x x
#define LONG_ID TEN(TEN("abc")) /* more bytes than an id may have */

static void tags_with_ids_that_are_none_are_refused(void **state)
{
	static const char *const id[] = {LONG_ID, TEN(TEN("/")), "\\u0001"};
	struct snapshot_repo *repo = open_repo("repo");
	struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(id) / sizeof(*id); i++) {
		struct file files[] = {{QUERY_TAG, "t", NULL}, {0}};
		struct snapshot_info info;
		struct site_result result;

		buf_clear(&text);
		if (i % 2) {
			files[0].kind = TAGS;
		}
		buf_addf(&text,
			 i % 2 ? "[{\"id\":\"a\",\"tag\":{\"id\":\"%s\"}}]"
			       : "{\"tag\":{\"id\":\"%s\"},\"tag_images\":0}",
			 id[i / 2]);
		files[0].body = text.data;
		info = commit(repo, files);
		assert_int_equal(try_publish(repo, &info, SITE_COLLECTIONS, &result),
				 ERR_INPUT);
		assert_non_null(strstr(why.msg, "id"));
		snapshot_info_release(&info);
	}
	buf_release(&text);
	snapshot_close(repo);
}

static void a_site_without_collections_keeps_what_others_put_there(void **state)
{
	static const struct file files[] = {{TAGS, "i", "[]"}, {0}};
	static const struct file more[] = {{TAGS, "i", "[]"}, {TAGS, "j", "[]"}, {0}};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info first = commit(repo, files), second = commit(repo, more);

	(void)state;
	publish(repo, &first, 0);
	assert_int_equal(mkdir("site/api/v1/tags", 0777), 0);
	write_file("site/api/v1/tags/mine", "x");
	publish(repo, &second, 0);
	has("site/api/v1/tags/mine", "x");
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

/* Version 0.1.0 wrote api/v1/tag_images.json alone. */
static void a_site_of_an_older_version_gets_the_new_collections(void **state)
{
	static const struct file files[] = {
		A_TAG("x"), {TAGS, "i", "[" TAGGED("a", "x") "]"}, {0}};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info info = commit(repo, files);
	struct site_result result;

	(void)state;
	publish(repo, &info, SITE_COLLECTIONS);
	assert_int_equal(unlink("site/api/v1/tags.json"), 0);
	assert_int_equal(unlink("site/api/v1/tags/x/tag_images.json"), 0);
	assert_int_equal(rmdir("site/api/v1/tags/x"), 0);
	assert_int_equal(rmdir("site/api/v1/tags"), 0);
	result = publish(repo, &info, SITE_COLLECTIONS);
	assert_true(result.touched);
	assert_false(result.damaged);
	has("site/api/v1/tags.json", "[{\"id\":\"x\"}]");
	has("site/api/v1/tags/x/tag_images.json", "[" TAGGED("a", "x") "]");
	assert_false(publish(repo, &info, SITE_COLLECTIONS).touched);
	assert_int_equal(unlink("site/api/v1/tags.json"), 0);
	assert_true(publish(repo, &info, SITE_COLLECTIONS).damaged);
	snapshot_info_release(&info);
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

		assert_int_equal(try_publish(repo, &info, SITE_COLLECTIONS, &result),
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
		TEST(each_tag_has_its_tag_images),
		TEST(tags_with_ids_that_are_none_are_refused),
		TEST(a_site_without_collections_keeps_what_others_put_there),
		TEST(a_site_of_an_older_version_gets_the_new_collections),
		TEST(collection_comes_and_goes_with_the_flag),
		TEST(collection_is_kept_where_no_tag_image_changed),
		TEST(collection_refuses_what_is_not_ours),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
