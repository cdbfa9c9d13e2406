/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "exporter/site/place.h"

/* Compares the files of the site, each with its content; .albumen/tmp must be empty, and
 * `pending` must say "done". */
static void site_is(const char *expected)
{
	git_fixture_says("cd site && find . -path ./.albumen -prune -o -type f ! -name "
			 "snapshot.json -print | LC_ALL=C sort | while read -r f; do "
			 "echo \"$f $(cat $f)\"; done; find .albumen/tmp -mindepth 1; "
			 "grep -svx done .albumen/pending || :",
			 expected);
}

static const struct file one[] = {
	{TAGS, "a", "[1]"},
	{TAGS, "b", "[2]"},
	{IMAGES, "x/y", "[3]"},
	{UNTAG, "x/y", "[]"},
	{0},
};
static const char one_is[] = "./api/v1/albums/x%2Fy/images.json [3]\n"
			     "./api/v1/albums/x%2Fy/images/untag.json []\n"
			     "./api/v1/tag_images/a.json [1]\n"
			     "./api/v1/tag_images/b.json [2]";
static const struct file two[] = {
	{TAGS, "a", "[9]"},
	{TAGS, "c", "[4]"},
	{IMAGES, "z", "[5]"},
	{UNTAG, "z", "[6]"},
	{0},
};
static const char two_is[] = "./api/v1/albums/z/images.json [5]\n"
			     "./api/v1/albums/z/images/untag.json [6]\n"
			     "./api/v1/tag_images/a.json [9]\n"
			     "./api/v1/tag_images/c.json [4]";

static void new_site_has_all_files_and_names_its_snapshot(void **state)
{
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info info = commit_with(repo, one, NULL,
						"snapshot\n\n"
						"Albumen-Images: 2\nAlbumen-Albums: 1\n"
						"Albumen-Tag-Images: none\n");
	struct site_result result = publish(repo, &info, 0);
	struct buf want = {0};

	(void)state;
	assert_int_equal(result.written, 4);
	assert_int_equal(result.removed, 0);
	assert_true(result.touched);
	site_is(one_is);
	buf_addf(
		&want,
		"{\"version\":1,\"commit\":\"%s\",\"tree\":\"%s\","
		"\"time\":\"2023-11-14T22:13:20Z\",\"counts\":{\"images\":2,\"albums\":1,"
		"\"untagged\":null,\"tag_images\":null},\"oversize\":0,"
		"\"collections\":false,\"audit_page\":null}\n",
		info.commit.hex, info.tree.hex);
	has("site/snapshot.json", want.data);
	buf_release(&want);
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void same_snapshot_again_touches_nothing(void **state)
{
	static const char command[] = "find site -printf '%p %i %C@ %T@\\n' | sort";
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info info = commit(repo, one);
	struct buf before = {0};
	struct site_result result;

	(void)state;
	publish(repo, &info, 0);
	git_fixture_run(&before, command);
	result = publish(repo, &info, 0);
	assert_false(result.touched);
	assert_int_equal(result.written + result.removed, 0);
	git_fixture_says(command, before.data);
	buf_release(&before);
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void only_the_difference_is_written(void **state)
{
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info first = commit(repo, one);
	struct snapshot_info second = commit(repo, two);
	struct site_result result;

	(void)state;
	publish(repo, &first, 0);
	/* A file that does not differ between the snapshots is not looked at. */
	write_file("site/api/v1/tag_images/other.json", "mine");
	result = publish(repo, &second, 0);
	assert_int_equal(result.written, 4);
	assert_int_equal(result.removed, 3);
	has("site/api/v1/tag_images/other.json", "mine");
	unlink("site/api/v1/tag_images/other.json");
	site_is(two_is);
	assert_false(there("site/api/v1/albums/x%2Fy"));
	publish(repo, &first, 0);
	site_is(one_is);
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void emptied_site_keeps_its_folders(void **state)
{
	static const struct file none[] = {{0}};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info first = commit(repo, one);
	struct snapshot_info second = commit(repo, none);

	(void)state;
	publish(repo, &first, 0);
	publish(repo, &second, 0);
	git_fixture_says("cd site && find api | sort",
			 "api\napi/v1\napi/v1/albums\napi/v1/tag_images");
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void replaced_file_is_a_second_younger(void **state)
{
	static const struct file other[] = {{TAGS, "a", "[7]"}, {0}};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info info[2] = {commit(repo, one), commit(repo, other)};
	struct stat before, after;

	(void)state;
	publish(repo, &info[0], 0);
	for (int i = 1; i < 5; i++) {
		stat("site/api/v1/tag_images/a.json", &before);
		publish(repo, &info[i % 2], 0);
		stat("site/api/v1/tag_images/a.json", &after);
		assert_true(after.st_mtim.tv_sec > before.st_mtim.tv_sec + 1 ||
			    (after.st_mtim.tv_sec == before.st_mtim.tv_sec + 1 &&
			     after.st_mtim.tv_nsec >= before.st_mtim.tv_nsec));
	}
	snapshot_info_release(&info[0]);
	snapshot_info_release(&info[1]);
	snapshot_close(repo);
}

static void site_of_unknown_state_is_compared(void **state)
{
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info info = commit(repo, one);
	struct stat before, after;
	struct site_result result;

	(void)state;
	publish(repo, &info, 0);
	stat("site/api/v1/tag_images/a.json", &before);
	assert_int_equal(unlink("site/snapshot.json"), 0);
	write_file("site/index.html", "mine");
	write_file("site/api/v1/other.json", "mine");
	write_file("site/api/v1/tag_images/b.json", "[8]");
	write_file("site/api/v1/tag_images/stray.json", "[8]");
	assert_int_equal(unlink("site/api/v1/albums/x%2Fy/images.json"), 0);
	assert_int_equal(mkdir("site/api/v1/albums/x%2Fy/images.json", 0777), 0);
	write_file("site/api/v1/albums/x%2Fy/images.json/deep", "");
	assert_int_equal(mkdir("site/api/v1/albums/gone", 0777), 0);
	assert_int_equal(mkdir("site/api/v1/albums/gone/images", 0777), 0);
	write_file("site/api/v1/albums/gone/images/untag.json", "[]");
	assert_int_equal(symlink("/", "site/api/v1/albums/link"), 0);
	result = publish(repo, &info, 0);
	assert_int_equal(result.written, 2);
	assert_int_equal(result.removed, 3);
	stat("site/api/v1/tag_images/a.json", &after);
	assert_int_equal(before.st_ino, after.st_ino);
	has("site/index.html", "mine");
	has("site/api/v1/other.json", "mine");
	unlink("site/index.html");
	unlink("site/api/v1/other.json");
	site_is(one_is);
	assert_false(there("site/api/v1/albums/gone"));
	assert_false(there("site/api/v1/albums/link"));
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void site_of_another_repository_is_refused_or_compared(void **state)
{
	struct site_result result;
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_repo *other = open_repo("other");
	struct snapshot_info mine = commit(repo, one);
	struct snapshot_info theirs = commit(other, two);

	(void)state;
	publish(other, &theirs, 0);
	assert_int_equal(try_publish(repo, &mine, 0, &result), ERR_REFUSED);
	site_is(two_is);
	publish(repo, &mine, SITE_FOREIGN);
	site_is(one_is);
	write_file("site/snapshot.json", "{\"commit\":\"main\",\"tree\":\"x\"}");
	publish(repo, &mine, 0);
	site_is(one_is);
	snapshot_info_release(&mine);
	snapshot_info_release(&theirs);
	snapshot_close(repo);
	snapshot_close(other);
}

/* Makes the site as if a publish of `to` had been killed after it wrote one file. */
static void interrupt(const struct snapshot_info *to, const char *path, const char *body)
{
	struct buf note = {0};

	buf_addf(&note, "%s\n", to->commit.hex);
	write_file("site/.albumen/pending", note.data);
	write_file("site/.albumen/tmp/file", "half a fi");
	write_file(path, body);
	buf_release(&note);
}

static void interrupted_publish_is_repaired_by_the_next(void **state)
{
	static const struct file three[] = {{TAGS, "a", "[1]"}, {TAGS, "d", "[7]"}, {0}};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info first = commit(repo, one);
	struct snapshot_info second = commit(repo, two);
	struct snapshot_info third = commit(repo, three);

	(void)state;
	/* The same snapshot again. */
	publish(repo, &first, 0);
	interrupt(&second, "site/api/v1/tag_images/c.json", "[4]");
	publish(repo, &second, 0);
	site_is(two_is);
	/* Back to the snapshot before. */
	interrupt(&first, "site/api/v1/tag_images/a.json", "[1]");
	publish(repo, &second, 0);
	site_is(two_is);
	/* A third snapshot, which has `a` as in the first; the site has `a` of the second. */
	publish(repo, &first, 0);
	interrupt(&second, "site/api/v1/tag_images/a.json", "[9]");
	write_file("site/api/v1/tag_images/c.json", "[4]");
	publish(repo, &third, 0);
	site_is("./api/v1/tag_images/a.json [1]\n./api/v1/tag_images/d.json [7]");
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_info_release(&third);
	snapshot_close(repo);
}

static void unknown_pending_commit_has_every_file_compared(void **state)
{
	static const char *const note[] = {"unknown\n",
					   "",
					   "done\n",
					   "don",
					   "0123456789012345678901234567890123456789\n",
					   "\n",
					   "main"};
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info info = commit(repo, one);

	(void)state;
	for (size_t i = 0; i < sizeof(note) / sizeof(*note); i++) {
		publish(repo, &info, 0);
		write_file("site/.albumen/pending", note[i]);
		/* If nothing is pending, files are not looked at. */
		if (*note[i] && strcmp(note[i], "done\n") != 0) {
			write_file("site/api/v1/tag_images/stray.json", "[4]");
		}
		publish(repo, &info, 0);
		site_is(one_is);
	}
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void second_publish_fails_with_the_name_of_the_first(void **state)
{
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info info = commit(repo, one);
	struct site_result result;
	struct place *place = site_place();

	(void)state;
	succeed(place_open(place, NULL, "the first", &why));
	assert_int_equal(try_publish(repo, &info, 0, &result), ERR_LOCKED);
	assert_non_null(strstr(why.msg, "the first"));
	place_free(place);
	publish(repo, &info, 0);
	site_is(one_is);
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void files_that_are_no_row_are_not_published(void **state)
{
	static const char *const path[] = {"README", "api/v1/tag_images/aa/bb/x.txt",
					   "api/v1/tag_images/aa/bb/%2f.json",
					   "audit/pending", "snapshot.json"};
	struct snapshot_repo *repo = open_repo("repo");

	(void)state;
	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		struct snapshot_info info = commit_with(repo, one, path[i], "s\n");

		publish(repo, &info, 0);
		site_is(one_is);
		snapshot_info_release(&info);
	}
	snapshot_close(repo);
}

static void links_are_not_followed(void **state)
{
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info first = commit(repo, one);
	struct snapshot_info second = commit(repo, two);
	struct site_result result;

	(void)state;
	assert_int_equal(mkdir("elsewhere", 0777), 0);
	publish(repo, &first, 0);
	/* A link in place of a file, or of an album's folder, is replaced. */
	unlink("site/api/v1/tag_images/a.json");
	assert_int_equal(
		symlink("../../../../elsewhere/a", "site/api/v1/tag_images/a.json"), 0);
	assert_int_equal(symlink("../../../../elsewhere", "site/api/v1/albums/z"), 0);
	publish(repo, &second, 0);
	site_is(two_is);
	/* A link in place of a folder of the site is an error. */
	git_fixture_says("mv site/api/v1/tag_images elsewhere/t && "
			 "ln -s ../../../elsewhere/t site/api/v1/tag_images",
			 "");
	assert_true(try_publish(repo, &first, 0, &result) < 0);
	assert_non_null(strstr(why.msg, "site/api/v1/tag_images"));
	git_fixture_says("ls elsewhere elsewhere/t", "elsewhere:\nt\n\nelsewhere/t:\n"
						     "a.json\nc.json");
	snapshot_info_release(&first);
	snapshot_info_release(&second);
	snapshot_close(repo);
}

static void file_that_cannot_be_written_leaves_the_old_one(void **state)
{
	struct rlimit old, none = {4096, 4096};
	char big[8192];
	struct place *place;
	struct rlimit limit;

	(void)state;
	memset(big, 'x', sizeof(big));
	getrlimit(RLIMIT_FSIZE, &old);
	none.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	place = open_place();
	succeed(place_put(place, "api/v1/tag_images/a.json", "[1]", 3, &why));
	succeed(place_flush(place, &why));
	limit = none;
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(
		place_put(place, "api/v1/tag_images/a.json", big, sizeof(big), &why),
		ERR_FAIL);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_non_null(strstr(why.msg, "site/api/v1/tag_images/a.json"));
	site_is("./api/v1/tag_images/a.json [1]");
	succeed(place_put(place, "api/v1/tag_images/a.json", "[2]", 3, &why));
	succeed(place_flush(place, &why));
	site_is("./api/v1/tag_images/a.json [2]");
	place_free(place);
}

static void few_files_are_put_in_order_and_before_removals(void **state)
{
	enum { FILES = 150 }; /* more than wait at once */
	struct place *place;
	uint64_t removed = 0;

	(void)state;
	place = open_place();
	for (int i = 0; i < FILES; i++) {
		char path[64], body[16];

		snprintf(path, sizeof(path), "api/v1/tag_images/%d.json", i % 100);
		snprintf(body, sizeof(body), "[%d]", i);
		succeed(place_put(place, path, body, strlen(body), &why));
	}
	for (int i = 2; i < 100; i++) {
		char path[64];

		snprintf(path, sizeof(path), "api/v1/tag_images/%d.json", i);
		succeed(place_remove(place, path, &removed, &why));
	}
	assert_int_equal(removed, 98);
	succeed(place_put(place, "api/v1/tag_images/0.json", "[0]", 3, &why));
	place_free(place); /* without place_flush: the last file is dropped */
	site_is("./api/v1/tag_images/0.json [100]\n./api/v1/tag_images/1.json [101]");
}

static void many_files_are_put_and_removed(void **state)
{
	enum { MANY = 300 };
	static struct file many[MANY + 1], fewer[MANY / 2 + 1];
	static char ids[MANY][8];
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info info[2];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "i%d", i);
		many[i] = (struct file){i % 3 ? IMAGES : TAGS, ids[i], "[1]"};
		fewer[i / 2] = (struct file){i % 3 ? IMAGES : TAGS, ids[i], "[2]"};
	}
	info[0] = commit(repo, many);
	info[1] = commit(repo, fewer);
	publish(repo, &info[0], 0);
	for (int i = 1; i < 4; i++) {
		publish(repo, &info[i % 2], 0);
		git_fixture_says("find site/api -type f | wc -l; find site/api -empty",
				 i % 2 ? "150" : "300");
	}
	snapshot_info_release(&info[0]);
	snapshot_info_release(&info[1]);
	snapshot_close(repo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_site_has_all_files_and_names_its_snapshot),
		TEST(same_snapshot_again_touches_nothing),
		TEST(only_the_difference_is_written),
		TEST(emptied_site_keeps_its_folders),
		TEST(replaced_file_is_a_second_younger),
		TEST(site_of_unknown_state_is_compared),
		TEST(site_of_another_repository_is_refused_or_compared),
		TEST(interrupted_publish_is_repaired_by_the_next),
		TEST(unknown_pending_commit_has_every_file_compared),
		TEST(second_publish_fails_with_the_name_of_the_first),
		TEST(files_that_are_no_row_are_not_published),
		TEST(links_are_not_followed),
		TEST(file_that_cannot_be_written_leaves_the_old_one),
		TEST(few_files_are_put_in_order_and_before_removals),
		TEST(many_files_are_put_and_removed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
