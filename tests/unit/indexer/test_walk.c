/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/unit/folder_fixture.h"

#include "indexer/walk.h"

/* What a walk met: "D path" and "F path" lines, sorted as they came. */
struct met {
	struct buf text;
	size_t files, folders;
	int end_after; /* files; 0: never */
};

static int meet_folder(int dirfd, const char *path, size_t len, void *payload,
		       struct err *err)
{
	struct met *met = payload;
	struct stat st;

	(void)err;
	assert_int_equal(fstat(dirfd, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(strlen(path), len);
	buf_addf(&met->text, "[%s]", path);
	met->folders++;
	return 0;
}

static int meet_file(const struct walk_file *file, void *payload, struct err *err)
{
	struct met *met = payload;
	struct stat st;

	(void)err;
	assert_int_equal(fstatat(file->dirfd, file->name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(strlen(file->path), file->len);
	assert_string_equal(file->path + file->len - strlen(file->name), file->name);
	if (met->files < 10) {
		buf_addf(&met->text, "%s;", file->path);
	}
	met->files++;
	return met->end_after && (int)met->files == met->end_after ? ERR_STOPPED : 0;
}

static int meet_unreadable(const char *path, size_t len, int error, void *payload,
			   struct err *err)
{
	struct met *met = payload;

	(void)len;
	(void)err;
	buf_addf(&met->text, "!%s:%s;", path, strerror(error));
	return 0;
}

static int walk(struct folder_fixture *f, const char *path, struct met *met)
{
	struct walk_visitor visitor = {.enter = meet_folder,
				       .file = meet_file,
				       .unreadable = meet_unreadable,
				       .payload = met};

	return walk_run(f->fd, path, strlen(path), &visitor, &f->err);
}

static void only_names_of_metadata_are_visited(void **state)
{
	struct folder_fixture *f = *state;
	struct met met = {0};
	const char *others[] = {".a.json", "a.json~", "a.txt", "json", "a.JSON", ".json"};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		put(f, others[i], "");
	}
	put(f, "a.json", "");
	make_dir(f, ".git");
	put(f, ".git/a.json", "");
	make_dir(f, "old~");
	put(f, "old~/a.json", "");
	make_dir(f, "sub");
	put(f, "sub/a.ndjson", "");
	make_dir(f, "sub/deep.json");
	put(f, "sub/deep.json/a.jsonl", "");
	assert_int_equal(walk(f, "", &met), 0);
	assert_string_equal(
		met.text.data,
		"[]a.json;[sub]sub/a.ndjson;[sub/deep.json]sub/deep.json/a.jsonl;");
	buf_release(&met.text);
}

static void only_regular_files_are_visited(void **state)
{
	struct folder_fixture *f = *state;
	struct met met = {0};

	make_dir(f, "real");
	put(f, "real/a.json", "");
	assert_int_equal(symlinkat("real", f->fd, "link"), 0);
	assert_int_equal(symlinkat("real/a.json", f->fd, "link.json"), 0);
	assert_int_equal(mkfifoat(f->fd, "fifo.json", 0644), 0);
	assert_int_equal(walk(f, "", &met), 0);
	assert_string_equal(met.text.data, "[][real]real/a.json;");
	buf_release(&met.text);
}

static void a_walk_may_begin_below_the_root(void **state)
{
	struct folder_fixture *f = *state;
	struct met met = {0};

	make_dir(f, "a");
	make_dir(f, "a/b");
	put(f, "a/b/x.json", "");
	put(f, "a/y.json", "");
	assert_int_equal(walk(f, "a/b", &met), 0);
	assert_string_equal(met.text.data, "[a/b]a/b/x.json;");
	buf_release(&met.text);
}

static void a_folder_that_is_not_there_is_no_error(void **state)
{
	struct folder_fixture *f = *state;
	struct met met = {0};

	put(f, "file", "");
	assert_int_equal(symlinkat(".", f->fd, "link"), 0);
	assert_int_equal(walk(f, "none", &met), 0);
	assert_int_equal(walk(f, "file", &met), 0);
	assert_int_equal(walk(f, "link", &met), 0);
	assert_int_equal(met.folders, 0);
}

static void a_callback_ends_the_walk(void **state)
{
	struct folder_fixture *f = *state;
	struct met met = {.end_after = 2};

	put(f, "a.json", "");
	put(f, "b.json", "");
	put(f, "c.json", "");
	assert_int_equal(walk(f, "", &met), ERR_STOPPED);
	assert_int_equal(met.files, 2);
	buf_release(&met.text);
}

static void the_depth_costs_no_descriptors(void **state)
{
	struct folder_fixture *f = *state;
	struct met met = {0};
	int fd = dup(f->fd);

	/* 1,500 levels: 3,000 bytes of path, far more levels than descriptors. */
	for (int i = 0; i < 1500; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(openat(fd, "x.json", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	close(fd);
	assert_int_equal(walk(f, "", &met), 0);
	assert_int_equal(met.folders, 1501);
	assert_int_equal(met.files, 1);
	buf_release(&met.text);
}

static void paths_too_long_for_the_index_are_ignored(void **state)
{
	struct folder_fixture *f = *state;
	struct met met = {0};
	char name[201];
	int fd = dup(f->fd);

	memset(name, 'd', 200);
	name[200] = '\0';
	for (int i = 0; i < 25; i++) {
		int next;

		assert_int_equal(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(openat(fd, "x.json", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	close(fd);
	put(f, "a.json", "");
	assert_int_equal(walk(f, "", &met), 0);
	assert_int_equal(met.files, 1);
	assert_int_equal(met.folders, 1 + WALK_PATH_MAX / 201);
	buf_release(&met.text);
}

static void a_folder_of_many_files_is_visited_in_slices(void **state)
{
	struct folder_fixture *f = *state;
	struct met met = {0};

	for (int i = 0; i < 40000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%d.json", i);
		close(openat(f->fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	}
	assert_int_equal(walk(f, "", &met), 0);
	assert_int_equal(met.files, 40000);
	buf_release(&met.text);
}

static void a_folder_that_cannot_be_read_is_reported(void **state)
{
	struct folder_fixture *f = *state;
	struct met met = {0};
	uid_t user = geteuid();

	make_dir(f, "shut");
	assert_int_equal(fchmodat(f->fd, "shut", 0, 0), 0);
	assert_int_equal(fchmod(f->fd, 0755), 0);
	if (user == 0) {
		assert_int_equal(seteuid(65534), 0); /* root reads everything */
	}
	assert_int_equal(walk(f, "", &met), 0);
	if (user == 0) {
		assert_int_equal(seteuid(0), 0);
	}
	assert_string_equal(met.text.data, "[]!shut:Permission denied;");
	buf_release(&met.text);
}

static void no_path_is_opened_through_a_symbolic_link(void **state)
{
	struct folder_fixture *f = *state;
	struct stat st;

	make_dir(f, "real");
	put(f, "real/a.json", "");
	assert_int_equal(symlinkat("real", f->fd, "link"), 0);
	assert_int_equal(walk_stat(f->fd, "real/a.json", &st), 0);
	assert_int_equal(walk_stat(f->fd, "link/a.json", &st), -1);
	assert_true(walk_is_gone(errno));
	assert_int_equal(walk_open(f->fd, "../etc/passwd", O_RDONLY), -1);
	assert_int_equal(walk_open(f->fd, "/etc/passwd", O_RDONLY), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_names_of_metadata_are_visited),
		TEST(only_regular_files_are_visited),
		TEST(a_walk_may_begin_below_the_root),
		TEST(a_folder_that_is_not_there_is_no_error),
		TEST(a_callback_ends_the_walk),
		TEST(the_depth_costs_no_descriptors),
		TEST(paths_too_long_for_the_index_are_ignored),
		TEST(a_folder_of_many_files_is_visited_in_slices),
		TEST(a_folder_that_cannot_be_read_is_reported),
		TEST(no_path_is_opened_through_a_symbolic_link),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
