/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include <fcntl.h>
#include <time.h>

#include "exporter/site/place.h"

#define ALBUM_FILE "api/v1/albums/a/images.json"

static struct place *place;

static int setup(void **state)
{
	git_fixture_setup(state);
	place = open_place();
	return 0;
}

static int teardown(void **state)
{
	place_free(place);
	place = NULL;
	return git_fixture_teardown(state);
}

static void put(const char *path, const char *body)
{
	succeed(place_put(place, path, body, strlen(body), &why));
}

static void flush_all(void)
{
	succeed(place_flush(place, &why));
}

static bool has_bytes(const char *path, const char *body)
{
	bool same = true;

	succeed(place_has(&same, place, path, body, strlen(body), &why));
	return same;
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static uint64_t remove_file(const char *path)
{
	uint64_t removed = 0;

	succeed(place_remove(place, path, &removed, &why));
	return removed;
}

/* Few files (flushed one by one) and many files give the same result. */
static void files_are_put_and_replaced_whole(void **state)
{
	(void)state;
	for (int many = 0; many < 2; many++) {
		place_set_many(place, many);
		put("top.json", "[1]");
		put("api/v1/tag_images/i.json", "[]");
		put(ALBUM_FILE, "long, long before");
		flush_all();
		has("site/top.json", "[1]");
		has("site/api/v1/tag_images/i.json", "[]");
		has("site/" ALBUM_FILE, "long, long before");
		put(ALBUM_FILE, "short");
		flush_all();
		has("site/" ALBUM_FILE, "short");
		put("api/v1/tag_images/i.json", "");
		flush_all();
		has("site/api/v1/tag_images/i.json", "");
	}
	assert_int_equal(git_fixture_count("site/.albumen/tmp", ""), 0);
}

static void more_than_wait_at_once_are_put(void **state)
{
	char path[64], body[64];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "api/v1/tag_images/i%d.json", i);
		snprintf(body, sizeof(body), "[%d]", i);
		put(path, body);
	}
	flush_all();
	assert_int_equal(git_fixture_count("site/api/v1/tag_images", ""), 300);
	has("site/api/v1/tag_images/i0.json", "[0]");
	has("site/api/v1/tag_images/i64.json", "[64]");
	has("site/api/v1/tag_images/i299.json", "[299]");
}

static void the_last_put_or_removal_of_a_path_counts(void **state)
{
	(void)state;
	put("api/v1/tag_images/i.json", "[1]");
	put("api/v1/tag_images/i.json", "[2]");
	flush_all();
	has("site/api/v1/tag_images/i.json", "[2]");
	put("api/v1/tag_images/i.json", "[3]");
	assert_int_equal(remove_file("api/v1/tag_images/i.json"), 1);
	flush_all();
	assert_false(there("site/api/v1/tag_images/i.json"));
}

static void a_file_may_be_written_in_pieces(void **state)
{
	(void)state;
	succeed(place_begin(place, "api/v1/tags.json", &why));
	place_write(place, "[", 1);
	place_write(place, "", 0);
	place_write(place, "1,2]", 4);
	assert_false(there("site/api/v1/tags.json"));
	succeed(place_end(place, &why));
	flush_all();
	has("site/api/v1/tags.json", "[1,2]");
}

static void a_file_that_replaces_another_is_a_second_younger(void **state)
{
	(void)state;
	for (int many = 0; many < 2; many++) {
		const struct timespec ahead[2] = {{.tv_sec = 4000000000},
						  {.tv_sec = 4000000000, .tv_nsec = 5}};
		struct timespec late[2] = {{.tv_sec = 4000000000}};
		struct stat before, after;

		place_set_many(place, many);
		put("f.json", "[1]");
		flush_all();
		before = stat_of("site/f.json");
		put("f.json", "[2]");
		flush_all();
		after = stat_of("site/f.json");
		assert_true(after.st_mtim.tv_sec > before.st_mtim.tv_sec);
		/* Also if the old time is in the second before, but less than a second ago. */
		clock_gettime(CLOCK_REALTIME, &late[1]);
		late[1].tv_sec--;
		late[1].tv_nsec = 999999999;
		assert_int_equal(utimensat(AT_FDCWD, "site/f.json", late, 0), 0);
		put("f.json", "[4]");
		flush_all();
		after = stat_of("site/f.json");
		assert_true(after.st_mtim.tv_sec > late[1].tv_sec + 1 ||
			    after.st_mtim.tv_nsec == late[1].tv_nsec);
		/* Also if the old file's time is ahead of the clock. */
		assert_int_equal(utimensat(AT_FDCWD, "site/f.json", ahead, 0), 0);
		put("f.json", "[3]");
		flush_all();
		after = stat_of("site/f.json");
		assert_true(after.st_mtim.tv_sec > ahead[1].tv_sec);
		assert_int_equal(remove_file("f.json"), 1);
	}
}

static void has_compares_every_byte(void **state)
{
	struct buf large = {0};

	(void)state;
	assert_false(has_bytes("api/v1/x.json", "[]"));
	put("api/v1/x.json", "[1]");
	flush_all();
	assert_true(has_bytes("api/v1/x.json", "[1]"));
	assert_false(has_bytes("api/v1/x.json", "[2]"));
	assert_false(has_bytes("api/v1/x.json", "[1"));
	assert_false(has_bytes("api/v1/x.json", "[1]]"));
	assert_false(has_bytes("api/v1/x.json", ""));
	assert_false(has_bytes("api/v1", "[1]"));
	for (int i = 0; i < 200000; i++) {
		buf_addch(&large, 'a');
	}
	put("l.json", large.data);
	flush_all();
	assert_true(has_bytes("l.json", large.data));
	large.data[199999] = 'b';
	assert_false(has_bytes("l.json", large.data));
	buf_release(&large);
	/* A link is not a file of the site, whatever it points to. */
	assert_int_equal(symlink("x.json", "site/api/v1/link.json"), 0);
	assert_false(has_bytes("api/v1/link.json", "[1]"));
}

static void removing_files_removes_the_empty_folders_of_an_album(void **state)
{
	(void)state;
	put(ALBUM_FILE, "[]");
	put("api/v1/albums/a/images/untag.json", "[]");
	put("api/v1/tag_images/i.json", "[]");
	flush_all();
	assert_int_equal(remove_file("api/v1/albums/a/images/untag.json"), 1);
	assert_false(there("site/api/v1/albums/a/images"));
	has("site/" ALBUM_FILE, "[]");
	assert_int_equal(remove_file(ALBUM_FILE), 1);
	assert_false(there("site/api/v1/albums/a"));
	/* The folders of the site stay. */
	assert_true(there("site/api/v1/albums"));
	assert_int_equal(remove_file("api/v1/tag_images/i.json"), 1);
	assert_true(there("site/api/v1/tag_images"));
	/* A file that does not exist is not counted. */
	assert_int_equal(remove_file(ALBUM_FILE), 0);
	assert_int_equal(remove_file("api/v1/tag_images/i.json"), 0);
	put(ALBUM_FILE, "[1]");
	flush_all();
	has("site/" ALBUM_FILE, "[1]");
}

static void links_are_not_followed(void **state)
{
	(void)state;
	put("api/v1/albums/b/images.json", "[]");
	flush_all();
	assert_int_equal(mkdir("outside", 0755), 0);
	write_file("outside/images.json", "theirs");
	/* A link in place of an album's folder is replaced. */
	assert_int_equal(symlink("../../../../outside", "site/api/v1/albums/a"), 0);
	assert_int_equal(remove_file(ALBUM_FILE), 0);
	has("outside/images.json", "theirs");
	put(ALBUM_FILE, "[]");
	flush_all();
	has("outside/images.json", "theirs");
	has("site/" ALBUM_FILE, "[]");
	assert_true(S_ISDIR(stat_of("site/api/v1/albums/a").st_mode));
	/* A link in place of a file is replaced, not the file that it points to. */
	assert_int_equal(
		symlink("../../../outside/images.json", "site/api/v1/albums/f.json"), 0);
	put("api/v1/albums/f.json", "[]");
	flush_all();
	has("outside/images.json", "theirs");
	assert_true(S_ISREG(stat_of("site/api/v1/albums/f.json").st_mode));
	/* A link in place of a folder of the site is an error. */
	assert_int_equal(symlink("../../../outside", "site/api/v1/tag_images"), 0);
	assert_true(place_put(place, "api/v1/tag_images/i.json", "[]", 2, &why) < 0);
	assert_false(there("outside/i.json"));
}

static bool keep_even(const char *path, void *payload)
{
	(void)payload;
	return strstr(path, "even") != NULL;
}

static void pruning_removes_all_files_that_are_not_kept(void **state)
{
	uint64_t removed = 0;

	(void)state;
	put("api/v1/albums/a/even.json", "1");
	put("api/v1/albums/a/odd.json", "1");
	put("api/v1/albums/b/odd.json", "1");
	put("api/v1/tag_images/odd.json", "1");
	assert_int_equal(mkdir("outside", 0755), 0);
	write_file("outside/odd.json", "theirs");
	flush_all();
	assert_int_equal(symlink("../../../../outside", "site/api/v1/albums/link"), 0);
	succeed(place_prune(place, "api/v1/albums", keep_even, NULL, &removed, &why));
	assert_int_equal(removed, 3);
	has("site/api/v1/albums/a/even.json", "1");
	assert_false(there("site/api/v1/albums/a/odd.json"));
	assert_false(there("site/api/v1/albums/b"));
	assert_false(there("site/api/v1/albums/link"));
	has("site/api/v1/tag_images/odd.json", "1");
	has("outside/odd.json", "theirs");
	succeed(place_prune(place, "api/v2", keep_even, NULL, &removed, &why));
	assert_int_equal(removed, 3);
}

static void a_new_site_appears_at_once(void **state)
{
	(void)state;
	place_set_many(place, true);
	succeed(place_build_begin(place, &why));
	put("api/v1/tag_images/i.json", "[]");
	put(ALBUM_FILE, "[1]");
	put("audit/index.html", "x");
	assert_false(there("site/api"));
	assert_false(there("site/audit"));
	succeed(place_build_end(place, &why));
	flush_all();
	has("site/api/v1/tag_images/i.json", "[]");
	has("site/" ALBUM_FILE, "[1]");
	has("site/audit/index.html", "x");
	assert_int_equal(git_fixture_count("site/.albumen/tmp", ""), 0);
	put(ALBUM_FILE, "[2]");
	flush_all();
	has("site/" ALBUM_FILE, "[2]");
}

static void unfinished_files_are_removed(void **state)
{
	(void)state;
	put("late.json", "[]");
	succeed(place_begin(place, "half.json", &why));
	place_write(place, "[", 1);
	place_close(place);
	assert_int_equal(git_fixture_count("site/.albumen/tmp", ""), 0);
	assert_false(there("site/half.json"));
	/* The next writer removes what a killed one left. */
	write_file("site/.albumen/tmp/file7", "left");
	assert_int_equal(mkdir("site/.albumen/tmp/build", 0755), 0);
	write_file("site/.albumen/tmp/build/x", "left");
	succeed(place_open(place, NULL, "test", &why));
	assert_int_equal(git_fixture_count("site/.albumen/tmp", ""), 0);
}

static void a_second_writer_fails(void **state)
{
	struct place *other = site_place();

	(void)state;
	assert_int_equal(place_open(other, NULL, "other", &why), ERR_LOCKED);
	place_free(other);
	place_close(place);
	succeed(place_open(place, NULL, "test", &why));
}

static void files_are_read_open_or_not(void **state)
{
	struct buf text = {0};

	(void)state;
	put("f.json", "[1]");
	flush_all();
	for (int open = 1; open >= 0; open--) {
		buf_clear(&text);
		succeed(place_read(&text, place, "f.json", 3, &why));
		assert_string_equal(text.data, "[1]");
		assert_int_equal(place_read(&text, place, "f.json", 2, &why),
				 ERR_NOTFOUND);
		assert_int_equal(place_read(&text, place, "g.json", 3, &why),
				 ERR_NOTFOUND);
		assert_true(place_has_file(place, "f.json"));
		assert_false(place_has_file(place, "g.json"));
		place_close(place);
	}
	buf_release(&text);
}

/* Lines that may be lost are written in place, those that may not are not. */
static void unfinished_lines_are_read_as_they_were_written(void **state)
{
	static const char *const lines[] = {"longer text", "text", "other"};
	struct buf text = {0};
	bool unfinished = true;

	(void)state;
	succeed(place_pending_read(&text, &unfinished, place, &why));
	assert_false(unfinished);
	for (int i = 0; i < 3; i++) {
		succeed(place_pending_begin(place, lines[i], strlen(lines[i]), i == 2,
					    &why));
		buf_clear(&text);
		succeed(place_pending_read(&text, &unfinished, place, &why));
		assert_true(unfinished);
		assert_string_equal(text.data, lines[i]);
	}
	succeed(place_pending_end(place, &why));
	succeed(place_pending_read(&text, &unfinished, place, &why));
	assert_false(unfinished);
	buf_release(&text);
}

static void a_note_that_is_none_is_unfinished_and_refused_with_the_lock(void **state)
{
	struct buf text = {0};
	bool unfinished = false;

	(void)state;
	assert_int_equal(mkdir("site/.albumen/pending", 0755), 0);
	assert_int_equal(place_pending_read(&text, &unfinished, place, &why), ERR_FAIL);
	assert_non_null(strstr(why.msg, "site/.albumen/pending"));
	place_close(place);
	unfinished = false;
	succeed(place_pending_read(&text, &unfinished, place, &why));
	assert_true(unfinished);
	assert_int_equal(text.len, 0);
}

static void a_folder_with_something_else_in_it_is_no_site(void **state)
{
	struct buf name = {0};
	bool is = false;

	(void)state;
	succeed(place_is_site(&is, place, &why));
	assert_true(is);
	place_close(place);
	assert_int_equal(unlink("site/.albumen/lock"), 0);
	succeed(place_is_site(&is, place, &why));
	assert_false(is);
	assert_int_equal(rmdir("site/.albumen/tmp"), 0);
	succeed(place_find_entry(&name, place, &why));
	assert_int_equal(name.len, 0);
	write_file("site/mine.txt", "x");
	succeed(place_find_entry(&name, place, &why));
	assert_string_equal(name.data, "mine.txt");
	buf_release(&name);
}

static void a_file_beside_the_site_needs_no_lock(void **state)
{
	struct place *other = site_place();

	(void)state;
	succeed(place_put_beside(other, "health.json", "{}", 2, &why));
	has("site/health.json", "{}");
	place_free(other);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_are_put_and_replaced_whole),
		TEST(more_than_wait_at_once_are_put),
		TEST(the_last_put_or_removal_of_a_path_counts),
		TEST(a_file_may_be_written_in_pieces),
		TEST(a_file_that_replaces_another_is_a_second_younger),
		TEST(has_compares_every_byte),
		TEST(removing_files_removes_the_empty_folders_of_an_album),
		TEST(links_are_not_followed),
		TEST(pruning_removes_all_files_that_are_not_kept),
		TEST(a_new_site_appears_at_once),
		TEST(unfinished_files_are_removed),
		TEST(a_second_writer_fails),
		TEST(files_are_read_open_or_not),
		TEST(unfinished_lines_are_read_as_they_were_written),
		TEST(a_note_that_is_none_is_unfinished_and_refused_with_the_lock),
		TEST(a_folder_with_something_else_in_it_is_no_site),
		TEST(a_file_beside_the_site_needs_no_lock),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
