/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/folder_fixture.h"

#include <stdbool.h>
#include <sys/stat.h>

#include "indexer/folder.h"
#include "indexer/walk.h"

/* Against the real library and the real kernel: an event is there as soon as the call
 * that caused it is back. */

struct watched {
	struct folder_fixture *f;
	struct folder *folder;
	struct buf
		told; /* "+a.json " changed, "?a.json " appeared, "!a.json " removed, "-dir/ " to be checked */
};

static void note(struct watched *w, char what, const char *path, size_t len)
{
	assert_int_equal(strlen(path), len);
	buf_addf(&w->told, "%c%s ", what, path);
}

static void report(enum folder_report kind, const char *path, size_t len, void *payload)
{
	note(payload, "+?!--u"[kind], path, len);
}

/* Watches the folder `path` and all below it, as a scan does. */
static void scan(struct watched *w, const char *path)
{
	struct walk_visitor visitor = {.enter = folder_enter, .payload = w->folder};

	assert_int_equal(walk_run(w->f->fd, path, strlen(path), &visitor, &w->f->err), 0);
}

static int setup(void **state)
{
	struct watched *w = xzalloc(sizeof(*w));

	if (folder_setup((void **)&w->f)) {
		return -1;
	}
	assert_int_equal(folder_open(&w->folder, w->f->fd, report, w, &w->f->err), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct watched *w = *state;

	folder_close(w->folder);
	folder_teardown((void **)&w->f);
	buf_release(&w->told);
	free(w);
	return 0;
}

/* Takes all events and acts upon them, those too that this brings forth. */
static int handle(struct watched *w)
{
	int rc;

	buf_clear(&w->told);
	do {
		assert_int_equal(folder_drain(w->folder, &w->f->err), 0);
		rc = folder_handle(w->folder, &w->f->err);
		assert_int_equal(folder_drain(w->folder, &w->f->err), 0);
	} while (!rc && folder_has_events(w->folder));
	return rc;
}

static void tells(struct watched *w, const char *expected)
{
	assert_int_equal(handle(w), 0);
	assert_string_equal(w->told.len ? w->told.data : "", expected);
	assert_false(folder_is_lost(w->folder));
}

/* Whether it told this, among others. */
static bool told(struct watched *w, const char *what)
{
	return w->told.len && strstr(w->told.data, what);
}

static void files_that_come_change_and_go_are_told(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "d");
	scan(w, "");
	assert_int_equal(folder_watches(w->folder), 2);
	tells(w, "");
	put(w->f, "d/a.json", "[]");
	tells(w, "?d/a.json +d/a.json ");
	put(w->f, "d/a.json", "[1]");
	assert_int_equal(handle(w), 0);
	assert_true(told(w, "+d/a.json "));
	assert_int_equal(renameat(w->f->fd, "d/a.json", w->f->fd, "b.json"), 0);
	assert_int_equal(handle(w), 0);
	assert_true(told(w, "!d/a.json "));
	assert_true(told(w, "+b.json "));
	assert_int_equal(unlinkat(w->f->fd, "b.json", 0), 0);
	tells(w, "!b.json ");
	tells(w, "");
}

static void a_file_whose_attributes_change_is_told(void **state)
{
	struct watched *w = *state;

	put(w->f, "a.json", "[]");
	scan(w, "");
	assert_int_equal(fchmodat(w->f->fd, "a.json", 0600, 0), 0);
	tells(w, "+a.json ");
}

static void files_and_folders_that_hold_no_metadata_are_not_told(void **state)
{
	struct watched *w = *state;

	scan(w, "");
	put(w->f, "a.txt", "x");
	put(w->f, ".a.json", "[]");
	put(w->f, "a.json~", "[]");
	make_dir(w->f, ".git");
	put(w->f, ".git/a.json", "[]");
	tells(w, "");
	assert_int_equal(folder_watches(w->folder), 1);
}

static void a_new_folder_is_watched_and_read_with_all_below_it(void **state)
{
	struct watched *w = *state;

	scan(w, "");
	make_dir(w->f, "n");
	make_dir(w->f, "n/m");
	put(w->f, "n/a.json", "[]");
	put(w->f, "n/m/b.json", "[]");
	assert_int_equal(handle(w), 0);
	assert_true(told(w, "+n/a.json "));
	assert_true(told(w, "+n/m/b.json "));
	assert_int_equal(folder_watches(w->folder), 3);
	put(w->f, "n/m/c.json", "[]");
	tells(w, "?n/m/c.json +n/m/c.json ");
}

static void a_folder_that_was_moved_is_left_and_read_under_its_new_name(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "a");
	make_dir(w->f, "a/s");
	put(w->f, "a/s/x.json", "[]");
	scan(w, "");
	assert_int_equal(renameat(w->f->fd, "a", w->f->fd, "b"), 0);
	assert_int_equal(handle(w), 0);
	assert_true(told(w, "-a/ "));
	assert_true(told(w, "+b/s/x.json "));
	assert_false(folder_is_lost(w->folder));
	assert_int_equal(folder_watches(w->folder), 3);
	/* From now on it has its new name. */
	put(w->f, "b/s/y.json", "[]");
	tells(w, "?b/s/y.json +b/s/y.json ");
}

static void a_folder_that_left_the_tree_is_no_longer_watched(void **state)
{
	struct watched *w = *state;
	struct folder_fixture *outside = NULL;

	assert_int_equal(folder_setup((void **)&outside), 0);
	make_dir(w->f, "a");
	make_dir(w->f, "a/s");
	scan(w, "");
	assert_int_equal(renameat(w->f->fd, "a", outside->fd, "a"), 0);
	assert_int_equal(handle(w), 0);
	assert_true(told(w, "-a/ "));
	assert_int_equal(folder_watches(w->folder), 1);
	put(outside, "a/s/x.json", "[]");
	assert_int_equal(handle(w), 0);
	assert_false(told(w, "x.json"));
	folder_teardown((void **)&outside);
}

static void a_removed_folder_is_left(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "a");
	put(w->f, "a/x.json", "[]");
	scan(w, "");
	assert_int_equal(unlinkat(w->f->fd, "a/x.json", 0), 0);
	assert_int_equal(unlinkat(w->f->fd, "a", AT_REMOVEDIR), 0);
	assert_int_equal(handle(w), 0);
	assert_true(told(w, "!a/x.json "));
	assert_true(told(w, "-a/ "));
	assert_int_equal(folder_watches(w->folder), 1);
	assert_false(folder_is_lost(w->folder));
}

static void a_folder_that_takes_the_place_of_another_is_watched(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "a");
	put(w->f, "a/old.json", "[]");
	scan(w, "");
	assert_int_equal(unlinkat(w->f->fd, "a/old.json", 0), 0);
	assert_int_equal(unlinkat(w->f->fd, "a", AT_REMOVEDIR), 0);
	make_dir(w->f, "a");
	put(w->f, "a/new.json", "[]");
	assert_int_equal(handle(w), 0);
	assert_true(told(w, "-a/ "));
	assert_true(told(w, "+a/new.json "));
	put(w->f, "a/next.json", "[]");
	assert_int_equal(handle(w), 0);
	assert_true(told(w, "+a/next.json "));
}

static void a_root_that_is_moved_is_told(void **state)
{
	struct watched *w = *state;
	struct buf moved = {0};

	scan(w, "");
	buf_addf(&moved, "%s-moved", w->f->dir.data);
	assert_int_equal(rename(w->f->dir.data, moved.data), 0);
	assert_int_equal(handle(w), 0);
	assert_true(folder_root_moved(w->folder));
	assert_int_equal(w->told.len, 0);
	assert_int_equal(rename(moved.data, w->f->dir.data), 0);
	buf_release(&moved);
}

static void
a_folder_without_permission_is_read_again_when_its_attributes_change(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "a");
	put(w->f, "a/x.json", "[]");
	make_dir(w->f, "b");
	put(w->f, "b/y.json", "[]");
	scan(w, "");
	assert_int_equal(fchmodat(w->f->fd, "a", 0700, 0), 0);
	tells(w, "");
	folder_note_denied(w->folder, "a/x.json", 8);
	assert_int_equal(fchmodat(w->f->fd, "b", 0700, 0), 0);
	tells(w, "");
	assert_int_equal(fchmodat(w->f->fd, "a", 0755, 0), 0);
	tells(w, "-a/ +a/x.json ");
	/* Once. */
	assert_int_equal(fchmodat(w->f->fd, "a", 0700, 0), 0);
	tells(w, "");
	/* What bars it may be the root as well. */
	assert_int_equal(fchmod(w->f->fd, 0755), 0);
	assert_int_equal(handle(w), 0);
	assert_true(told(w, "- "));
	assert_true(told(w, "+a/x.json "));
	assert_true(told(w, "+b/y.json "));
}

static void a_restart_forgets_watches_and_events(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "a");
	scan(w, "");
	put(w->f, "a/x.json", "[]");
	assert_int_equal(folder_drain(w->folder, &w->f->err), 0);
	assert_true(folder_has_events(w->folder));
	assert_int_equal(folder_restart(w->folder, &w->f->err), 0);
	assert_false(folder_has_events(w->folder));
	assert_int_equal(folder_watches(w->folder), 0);
	put(w->f, "a/y.json", "[]");
	tells(w, "");
	scan(w, "");
	put(w->f, "a/z.json", "[]");
	tells(w, "?a/z.json +a/z.json ");
}

static void nothing_is_polled_where_all_is_watched(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "a");
	scan(w, "");
	assert_false(folder_has_polled(w->folder));
	assert_int_equal(folder_overflows(w->folder), 0);
}

static void walk_polled(struct watched *w)
{
	struct paths folders = {0};
	const char *path;
	size_t at = 0, len;

	buf_clear(&w->told);
	folder_list_polled(w->folder, &folders);
	while (paths_next(&folders, &at, &path, &len)) {
		note(w, '=', path, len);
		folder_begin_poll(w->folder);
		scan(w, path);
		folder_end_poll(w->folder, path, len);
	}
	paths_release(&folders);
}

static void polled_wholly_it_follows_folders_that_raise_no_event(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "a");
	make_dir(w->f, "b");
	folder_poll_all(w->folder);
	scan(w, "");
	assert_true(folder_has_polled(w->folder));
	assert_int_equal(folder_watches(w->folder), 3);
	assert_int_equal(unlinkat(w->f->fd, "a", AT_REMOVEDIR), 0);
	make_dir(w->f, "c");
	assert_int_equal(folder_drain(w->folder, &w->f->err), 0);
	walk_polled(w);
	assert_string_equal(w->told.data, "= ");
	assert_int_equal(folder_watches(w->folder), 3);
	/* It stays so, also through a restart. */
	assert_int_equal(folder_restart(w->folder, &w->f->err), 0);
	scan(w, "");
	assert_true(folder_has_polled(w->folder));
	walk_polled(w);
	assert_string_equal(w->told.data, "= ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_that_come_change_and_go_are_told),
		TEST(a_file_whose_attributes_change_is_told),
		TEST(files_and_folders_that_hold_no_metadata_are_not_told),
		TEST(a_new_folder_is_watched_and_read_with_all_below_it),
		TEST(a_folder_that_was_moved_is_left_and_read_under_its_new_name),
		TEST(a_folder_that_left_the_tree_is_no_longer_watched),
		TEST(a_removed_folder_is_left),
		TEST(a_folder_that_takes_the_place_of_another_is_watched),
		TEST(a_root_that_is_moved_is_told),
		TEST(a_folder_without_permission_is_read_again_when_its_attributes_change),
		TEST(a_restart_forgets_watches_and_events),
		TEST(nothing_is_polled_where_all_is_watched),
		TEST(polled_wholly_it_follows_folders_that_raise_no_event),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
