/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>

#include "tests/unit/folder_fixture.h"

#include "indexer/watch.h"

/* Against the real library and the real kernel. */

static int watch_dir(struct folder_fixture *f, struct watch *watch, const char *name)
{
	int fd = openat(f->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int wd = -1;

	assert_true(fd >= 0);
	assert_int_equal(watch_add(watch, fd, &wd, &f->err), 0);
	close(fd);
	assert_true(wd > 0);
	return wd;
}

/* The next event. The kernel queues an event before the call that causes it returns. */
static struct watch_event next(struct folder_fixture *f, struct watch *watch)
{
	struct watch_event event;

	assert_int_equal(watch_next(watch, &event, &f->err), 0);
	return event;
}

static void expect(struct folder_fixture *f, struct watch *watch, enum watch_what what,
		   int wd, bool folder, const char *name)
{
	struct watch_event event = next(f, watch);

	assert_int_equal(event.what, what);
	assert_int_equal(event.wd, wd);
	assert_int_equal(event.folder, folder);
	assert_string_equal(event.name, name);
}

static void expect_nothing(struct folder_fixture *f, struct watch *watch)
{
	struct watch_event event;

	assert_int_equal(watch_next(watch, &event, &f->err), ERR_NOTFOUND);
}

static void events_report_what_happened_to_names(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;
	int wd;

	assert_int_equal(watch_open(&watch, &f->err), 0);
	wd = watch_dir(f, watch, ".");
	expect_nothing(f, watch);
	put(f, "a", "x");
	expect(f, watch, WATCH_CREATED, wd, false, "a");
	expect(f, watch, WATCH_WRITTEN, wd, false, "a");
	assert_int_equal(renameat(f->fd, "a", f->fd, "b"), 0);
	expect(f, watch, WATCH_REMOVED, wd, false, "a");
	expect(f, watch, WATCH_WRITTEN, wd, false, "b");
	assert_int_equal(linkat(f->fd, "b", f->fd, "c", 0), 0);
	expect(f, watch, WATCH_CREATED, wd, false, "c");
	assert_int_equal(fchmodat(f->fd, "b", 0600, 0), 0);
	expect(f, watch, WATCH_ATTRIBUTES, wd, false, "b");
	assert_int_equal(fchmod(f->fd, 0700), 0);
	expect(f, watch, WATCH_ATTRIBUTES, wd, true, "");
	assert_int_equal(unlinkat(f->fd, "b", 0), 0);
	expect(f, watch, WATCH_REMOVED, wd, false, "b");
	make_dir(f, "d");
	expect(f, watch, WATCH_CREATED, wd, true, "d");
	expect_nothing(f, watch);
	watch_close(watch);
}

static void a_folder_is_watched_once(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;
	int wd, other, fd;

	make_dir(f, "a");
	assert_int_equal(watch_open(&watch, &f->err), 0);
	wd = watch_dir(f, watch, "a");
	assert_int_equal(renameat(f->fd, "a", f->fd, "b"), 0);
	fd = openat(f->fd, "b", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(watch_add(watch, fd, &other, &f->err), ERR_CHANGED);
	assert_int_equal(watch_count(watch), 1);
	watch_remove(watch, wd);
	assert_int_equal(watch_add(watch, fd, &other, &f->err), 0);
	assert_int_not_equal(other, wd);
	close(fd);
	make_dir(f, "a");
	assert_int_not_equal(watch_dir(f, watch, "a"), other);
	assert_int_equal(watch_count(watch), 2);
	watch_close(watch);
}

static void a_folder_that_was_made_again_can_be_watched_again(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;

	assert_int_equal(watch_open(&watch, &f->err), 0);
	for (int i = 0; i < 100; i++) {
		int wd;

		make_dir(f, "a");
		wd = watch_dir(f, watch, "a");
		put(f, "a/x", "");
		expect(f, watch, WATCH_CREATED, wd, false, "x");
		expect(f, watch, WATCH_WRITTEN, wd, false, "x");
		assert_int_equal(unlinkat(f->fd, "a/x", 0), 0);
		expect(f, watch, WATCH_REMOVED, wd, false, "x");
		assert_int_equal(unlinkat(f->fd, "a", AT_REMOVEDIR), 0);
		assert_int_equal(next(f, watch).what, WATCH_SELF_GONE);
		expect(f, watch, WATCH_ENDED, wd, false, "");
		assert_int_equal(watch_count(watch), 0);
	}
	assert_false(watch_is_bloated(watch));
	watch_close(watch);
}

static void a_removed_watch_ends(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;
	int wd;

	assert_int_equal(watch_open(&watch, &f->err), 0);
	wd = watch_dir(f, watch, ".");
	watch_remove(watch, wd);
	assert_int_equal(watch_count(watch), 0);
	put(f, "a", "");
	expect(f, watch, WATCH_ENDED, wd, false, "");
	expect_nothing(f, watch);
	assert_int_not_equal(watch_dir(f, watch, "."), wd);
	watch_close(watch);
}

static void the_watch_of_a_removed_folder_ends(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;
	int fd, wd;

	make_dir(f, "a");
	fd = openat(f->fd, "a", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(f->fd, "a", AT_REMOVEDIR), 0);
	assert_int_equal(watch_open(&watch, &f->err), 0);
	assert_int_equal(watch_add(watch, fd, &wd, &f->err), 0);
	close(fd);
	assert_int_equal(next(f, watch).what, WATCH_SELF_GONE);
	expect(f, watch, WATCH_ENDED, wd, false, "");
	assert_int_equal(watch_count(watch), 0);
	watch_close(watch);
}

static void the_descriptor_polls_and_is_closed_on_exec(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;
	struct pollfd fd = {.events = POLLIN};

	assert_int_equal(watch_open(&watch, &f->err), 0);
	fd.fd = watch_fd(watch);
	assert_int_equal(fcntl(fd.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	watch_dir(f, watch, ".");
	assert_int_equal(poll(&fd, 1, 0), 0);
	put(f, "a", "");
	assert_int_equal(poll(&fd, 1, 0), 1);
	next(f, watch);
	next(f, watch);
	expect_nothing(f, watch);
	assert_int_equal(poll(&fd, 1, 0), 0);
	watch_close(watch);
}

static void a_restart_drops_watches_and_events(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;
	int wd;

	make_dir(f, "d");
	assert_int_equal(watch_open(&watch, &f->err), 0);
	watch_dir(f, watch, ".");
	watch_dir(f, watch, "d");
	for (int i = 0; i < 3000; i++) {
		put(f, i % 2 ? "a" : "d/b", "x");
	}
	next(f, watch); /* the library has read ahead */
	assert_int_equal(watch_restart(watch, &f->err), 0);
	assert_int_equal(watch_count(watch), 0);
	expect_nothing(f, watch);
	wd = watch_dir(f, watch, "d");
	put(f, "c", "x");
	expect_nothing(f, watch);
	put(f, "d/c", "x");
	expect(f, watch, WATCH_CREATED, wd, false, "c");
	watch_close(watch);
}

static void an_overflow_follows_all_events(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;
	struct watch_event event;
	unsigned long limit = watch_queue_limit(), events = 0;
	bool overflow = false;

	if (limit == 0 || limit > 1000000) {
		skip();
	}
	assert_int_equal(watch_open(&watch, &f->err), 0);
	watch_dir(f, watch, ".");
	for (unsigned long i = 0; i < limit; i++) {
		put(f, i % 2 ? "a" : "b", "");
	}
	while (watch_next(watch, &event, &f->err) == 0) {
		assert_false(overflow);
		overflow = event.what == WATCH_OVERFLOW;
		events++;
	}
	assert_true(overflow);
	assert_true(events > limit);
	put(f, "c", "");
	assert_int_equal(next(f, watch).what, WATCH_CREATED);
	watch_close(watch);
}

static void watches_that_the_library_keeps_are_counted(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;
	struct watch_event event;

	assert_int_equal(watch_open(&watch, &f->err), 0);
	for (int i = 0; i < 10001; i++) {
		make_dir(f, "a");
		watch_dir(f, watch, "a");
		assert_int_equal(unlinkat(f->fd, "a", AT_REMOVEDIR), 0);
		while (watch_next(watch, &event, &f->err) == 0) {
		}
	}
	assert_true(watch_is_bloated(watch));
	assert_int_equal(watch_restart(watch, &f->err), 0);
	assert_false(watch_is_bloated(watch));
	watch_close(watch);
}

/* The library complains on stderr when a watch is removed that the kernel has ended
 * already. That must not reach the log. */
static void the_library_prints_nothing(void **state)
{
	struct folder_fixture *f = *state;
	struct watch *watch = NULL;
	int saved = dup(STDERR_FILENO);
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int wd;

	assert_true(saved >= 0 && fd >= 0);
	assert_int_equal(mkdirat(f->fd, "sub", 0755), 0);
	assert_int_equal(watch_open(&watch, &f->err), 0);
	wd = watch_dir(f, watch, "sub");
	assert_int_equal(unlinkat(f->fd, "sub", AT_REMOVEDIR), 0);
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	watch_remove(watch, wd);
	watch_close(watch);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	close(saved);
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
	const struct CMUnitTest tests[] = {
		TEST(events_report_what_happened_to_names),
		TEST(a_folder_is_watched_once),
		TEST(a_folder_that_was_made_again_can_be_watched_again),
		TEST(a_removed_watch_ends),
		TEST(the_watch_of_a_removed_folder_ends),
		TEST(the_descriptor_polls_and_is_closed_on_exec),
		TEST(a_restart_drops_watches_and_events),
		TEST(an_overflow_follows_all_events),
		TEST(watches_that_the_library_keeps_are_counted),
		TEST(the_library_prints_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
