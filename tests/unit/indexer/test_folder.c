/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/folder_fixture.h"

#include <stdbool.h>
#include <sys/stat.h>

#include "indexer/folder.h"
#include "indexer/walk.h"

/* With the real library and kernel, which queues an event before the call that causes it
 * returns. */

struct watched {
	struct folder_fixture *f;
	struct folder *folder;
	/* "+a.json " changed, "?a.json " appeared, "!a.json " removed, "-dir/ " check or
	 * removed, "udir/ " unmounted */
	struct buf reports;
};

static void note(struct watched *w, char what, const char *path, size_t len)
{
	assert_int_equal(strlen(path), len);
	buf_addf(&w->reports, "%c%s ", what, path);
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
	buf_release(&w->reports);
	free(w);
	return 0;
}

/* Drains and handles all events, also those that handling them causes. */
static int handle(struct watched *w)
{
	int rc;

	buf_clear(&w->reports);
	do {
		assert_int_equal(folder_drain(w->folder, &w->f->err), 0);
		rc = folder_handle(w->folder, &w->f->err);
		assert_int_equal(folder_drain(w->folder, &w->f->err), 0);
	} while (!rc && folder_has_events(w->folder));
	return rc;
}

static void reports(struct watched *w, const char *expected)
{
	assert_int_equal(handle(w), 0);
	assert_string_equal(w->reports.len ? w->reports.data : "", expected);
	assert_false(folder_is_lost(w->folder));
}

/* Whether this is among the reports. */
static bool reported(struct watched *w, const char *what)
{
	return w->reports.len && strstr(w->reports.data, what);
}

static void new_changed_and_removed_files_are_reported(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "d");
	scan(w, "");
	assert_int_equal(folder_watches(w->folder), 2);
	reports(w, "");
	put(w->f, "d/a.json", "[]");
	reports(w, "?d/a.json +d/a.json ");
	put(w->f, "d/a.json", "[1]");
	assert_int_equal(handle(w), 0);
	assert_true(reported(w, "+d/a.json "));
	assert_int_equal(renameat(w->f->fd, "d/a.json", w->f->fd, "b.json"), 0);
	assert_int_equal(handle(w), 0);
	assert_true(reported(w, "!d/a.json "));
	assert_true(reported(w, "+b.json "));
	assert_int_equal(unlinkat(w->f->fd, "b.json", 0), 0);
	reports(w, "!b.json ");
	reports(w, "");
}

static void a_file_whose_attributes_change_is_reported(void **state)
{
	struct watched *w = *state;

	put(w->f, "a.json", "[]");
	scan(w, "");
	assert_int_equal(fchmodat(w->f->fd, "a.json", 0600, 0), 0);
	reports(w, "+a.json ");
}

static void names_that_hold_no_metadata_are_not_reported(void **state)
{
	struct watched *w = *state;

	scan(w, "");
	put(w->f, "a.txt", "x");
	put(w->f, ".a.json", "[]");
	put(w->f, "a.json~", "[]");
	make_dir(w->f, ".git");
	put(w->f, ".git/a.json", "[]");
	reports(w, "");
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
	assert_true(reported(w, "+n/a.json "));
	assert_true(reported(w, "+n/m/b.json "));
	assert_int_equal(folder_watches(w->folder), 3);
	put(w->f, "n/m/c.json", "[]");
	reports(w, "?n/m/c.json +n/m/c.json ");
}

static void a_moved_folder_is_read_under_its_new_name(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "a");
	make_dir(w->f, "a/s");
	put(w->f, "a/s/x.json", "[]");
	scan(w, "");
	assert_int_equal(renameat(w->f->fd, "a", w->f->fd, "b"), 0);
	assert_int_equal(handle(w), 0);
	assert_true(reported(w, "-a/ "));
	assert_true(reported(w, "+b/s/x.json "));
	assert_false(folder_is_lost(w->folder));
	assert_int_equal(folder_watches(w->folder), 3);
	/* Its events carry the new name. */
	put(w->f, "b/s/y.json", "[]");
	reports(w, "?b/s/y.json +b/s/y.json ");
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
	assert_true(reported(w, "-a/ "));
	assert_int_equal(folder_watches(w->folder), 1);
	put(outside, "a/s/x.json", "[]");
	assert_int_equal(handle(w), 0);
	assert_false(reported(w, "x.json"));
	folder_teardown((void **)&outside);
}

static void a_removed_folder_is_reported(void **state)
{
	struct watched *w = *state;

	make_dir(w->f, "a");
	put(w->f, "a/x.json", "[]");
	scan(w, "");
	assert_int_equal(unlinkat(w->f->fd, "a/x.json", 0), 0);
	assert_int_equal(unlinkat(w->f->fd, "a", AT_REMOVEDIR), 0);
	assert_int_equal(handle(w), 0);
	assert_true(reported(w, "!a/x.json "));
	assert_true(reported(w, "-a/ "));
	assert_int_equal(folder_watches(w->folder), 1);
	assert_false(folder_is_lost(w->folder));
}

static void a_folder_that_replaces_another_is_watched(void **state)
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
	assert_true(reported(w, "-a/ "));
	assert_true(reported(w, "+a/new.json "));
	put(w->f, "a/next.json", "[]");
	assert_int_equal(handle(w), 0);
	assert_true(reported(w, "+a/next.json "));
}

static void a_moved_root_is_reported(void **state)
{
	struct watched *w = *state;
	struct buf moved = {0};

	scan(w, "");
	buf_addf(&moved, "%s-moved", w->f->dir.data);
	assert_int_equal(rename(w->f->dir.data, moved.data), 0);
	assert_int_equal(handle(w), 0);
	assert_true(folder_root_moved(w->folder));
	assert_int_equal(w->reports.len, 0);
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
	reports(w, "");
	folder_note_denied(w->folder, "a/x.json", 8);
	assert_int_equal(fchmodat(w->f->fd, "b", 0700, 0), 0);
	reports(w, "");
	assert_int_equal(fchmodat(w->f->fd, "a", 0755, 0), 0);
	reports(w, "-a/ +a/x.json ");
	/* Only once. */
	assert_int_equal(fchmodat(w->f->fd, "a", 0700, 0), 0);
	reports(w, "");
	/* The root may lack permission as well. */
	assert_int_equal(fchmod(w->f->fd, 0755), 0);
	assert_int_equal(handle(w), 0);
	assert_true(reported(w, "- "));
	assert_true(reported(w, "+a/x.json "));
	assert_true(reported(w, "+b/y.json "));
}

static void a_restart_drops_watches_and_events(void **state)
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
	reports(w, "");
	scan(w, "");
	put(w->f, "a/z.json", "[]");
	reports(w, "?a/z.json +a/z.json ");
}

static void no_folder_is_polled_if_all_are_watched(void **state)
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

	buf_clear(&w->reports);
	folder_list_polled(w->folder, &folders);
	while (paths_next(&folders, &at, &path, &len)) {
		note(w, '=', path, len);
		folder_begin_poll(w->folder);
		scan(w, path);
		folder_end_poll(w->folder, path, len);
	}
	paths_release(&folders);
}

static void a_root_without_events_is_polled_with_all_below_it(void **state)
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
	assert_string_equal(w->reports.data, "= ");
	assert_int_equal(folder_watches(w->folder), 3);
	/* A restart keeps it polled. */
	assert_int_equal(folder_restart(w->folder, &w->f->err), 0);
	scan(w, "");
	assert_true(folder_has_polled(w->folder));
	walk_polled(w);
	assert_string_equal(w->reports.data, "= ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_changed_and_removed_files_are_reported),
		TEST(a_file_whose_attributes_change_is_reported),
		TEST(names_that_hold_no_metadata_are_not_reported),
		TEST(a_new_folder_is_watched_and_read_with_all_below_it),
		TEST(a_moved_folder_is_read_under_its_new_name),
		TEST(a_folder_that_left_the_tree_is_no_longer_watched),
		TEST(a_removed_folder_is_reported),
		TEST(a_folder_that_replaces_another_is_watched),
		TEST(a_moved_root_is_reported),
		TEST(a_folder_without_permission_is_read_again_when_its_attributes_change),
		TEST(a_restart_drops_watches_and_events),
		TEST(no_folder_is_polled_if_all_are_watched),
		TEST(a_root_without_events_is_polled_with_all_below_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
