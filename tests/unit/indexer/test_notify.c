/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>

#include "tests/unit/folder_fixture.h"

#include "indexer/notify.h"

/* Against the real library and the real kernel. */

static int notify_dir(struct folder_fixture *f, struct notify *notify, const char *name)
{
	int fd = openat(f->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int wd = -1;

	assert_true(fd >= 0);
	assert_int_equal(notify_add(notify, fd, &wd, &f->err), 0);
	close(fd);
	assert_true(wd > 0);
	return wd;
}

/* The next event. The kernel queues an event before the call that causes it returns. */
static struct notify_event next(struct folder_fixture *f, struct notify *notify)
{
	struct notify_event event;

	assert_int_equal(notify_next(notify, &event, &f->err), 0);
	return event;
}

static void expect(struct folder_fixture *f, struct notify *notify, enum notify_what what,
		   int wd, bool folder, const char *name)
{
	struct notify_event event = next(f, notify);

	assert_int_equal(event.what, what);
	assert_int_equal(event.wd, wd);
	assert_int_equal(event.folder, folder);
	assert_string_equal(event.name, name);
}

static void expect_nothing(struct folder_fixture *f, struct notify *notify)
{
	struct notify_event event;

	assert_int_equal(notify_next(notify, &event, &f->err), ERR_NOTFOUND);
}

static void events_report_what_happened_to_names(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;
	int wd;

	assert_int_equal(notify_open(&notify, &f->err), 0);
	wd = notify_dir(f, notify, ".");
	expect_nothing(f, notify);
	put(f, "a", "x");
	expect(f, notify, NOTIFY_CREATED, wd, false, "a");
	expect(f, notify, NOTIFY_WRITTEN, wd, false, "a");
	assert_int_equal(renameat(f->fd, "a", f->fd, "b"), 0);
	expect(f, notify, NOTIFY_REMOVED, wd, false, "a");
	expect(f, notify, NOTIFY_WRITTEN, wd, false, "b");
	assert_int_equal(linkat(f->fd, "b", f->fd, "c", 0), 0);
	expect(f, notify, NOTIFY_CREATED, wd, false, "c");
	assert_int_equal(fchmodat(f->fd, "b", 0600, 0), 0);
	expect(f, notify, NOTIFY_ATTRIBUTES, wd, false, "b");
	assert_int_equal(fchmod(f->fd, 0700), 0);
	expect(f, notify, NOTIFY_ATTRIBUTES, wd, true, "");
	assert_int_equal(unlinkat(f->fd, "b", 0), 0);
	expect(f, notify, NOTIFY_REMOVED, wd, false, "b");
	make_dir(f, "d");
	expect(f, notify, NOTIFY_CREATED, wd, true, "d");
	expect_nothing(f, notify);
	notify_close(notify);
}

static void a_folder_is_watched_once(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;
	int wd, other, fd;

	make_dir(f, "a");
	assert_int_equal(notify_open(&notify, &f->err), 0);
	wd = notify_dir(f, notify, "a");
	assert_int_equal(renameat(f->fd, "a", f->fd, "b"), 0);
	fd = openat(f->fd, "b", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(notify_add(notify, fd, &other, &f->err), ERR_CHANGED);
	assert_int_equal(notify_count(notify), 1);
	notify_remove(notify, wd);
	assert_int_equal(notify_add(notify, fd, &other, &f->err), 0);
	assert_int_not_equal(other, wd);
	close(fd);
	make_dir(f, "a");
	assert_int_not_equal(notify_dir(f, notify, "a"), other);
	assert_int_equal(notify_count(notify), 2);
	notify_close(notify);
}

static void a_folder_that_was_made_again_can_be_watched_again(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;

	assert_int_equal(notify_open(&notify, &f->err), 0);
	for (int i = 0; i < 100; i++) {
		int wd;

		make_dir(f, "a");
		wd = notify_dir(f, notify, "a");
		put(f, "a/x", "");
		expect(f, notify, NOTIFY_CREATED, wd, false, "x");
		expect(f, notify, NOTIFY_WRITTEN, wd, false, "x");
		assert_int_equal(unlinkat(f->fd, "a/x", 0), 0);
		expect(f, notify, NOTIFY_REMOVED, wd, false, "x");
		assert_int_equal(unlinkat(f->fd, "a", AT_REMOVEDIR), 0);
		assert_int_equal(next(f, notify).what, NOTIFY_SELF_GONE);
		expect(f, notify, NOTIFY_ENDED, wd, false, "");
		assert_int_equal(notify_count(notify), 0);
	}
	assert_false(notify_is_bloated(notify));
	notify_close(notify);
}

static void a_removed_watch_ends(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;
	int wd;

	assert_int_equal(notify_open(&notify, &f->err), 0);
	wd = notify_dir(f, notify, ".");
	notify_remove(notify, wd);
	assert_int_equal(notify_count(notify), 0);
	put(f, "a", "");
	expect(f, notify, NOTIFY_ENDED, wd, false, "");
	expect_nothing(f, notify);
	assert_int_not_equal(notify_dir(f, notify, "."), wd);
	notify_close(notify);
}

static void the_watch_of_a_removed_folder_ends(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;
	int fd, wd;

	make_dir(f, "a");
	fd = openat(f->fd, "a", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(f->fd, "a", AT_REMOVEDIR), 0);
	assert_int_equal(notify_open(&notify, &f->err), 0);
	assert_int_equal(notify_add(notify, fd, &wd, &f->err), 0);
	close(fd);
	assert_int_equal(next(f, notify).what, NOTIFY_SELF_GONE);
	expect(f, notify, NOTIFY_ENDED, wd, false, "");
	assert_int_equal(notify_count(notify), 0);
	notify_close(notify);
}

static void the_descriptor_polls_and_is_closed_on_exec(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;
	struct pollfd fd = {.events = POLLIN};

	assert_int_equal(notify_open(&notify, &f->err), 0);
	fd.fd = notify_fd(notify);
	assert_int_equal(fcntl(fd.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	notify_dir(f, notify, ".");
	assert_int_equal(poll(&fd, 1, 0), 0);
	put(f, "a", "");
	assert_int_equal(poll(&fd, 1, 0), 1);
	next(f, notify);
	next(f, notify);
	expect_nothing(f, notify);
	assert_int_equal(poll(&fd, 1, 0), 0);
	notify_close(notify);
}

static void a_restart_drops_watches_and_events(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;
	int wd;

	make_dir(f, "d");
	assert_int_equal(notify_open(&notify, &f->err), 0);
	notify_dir(f, notify, ".");
	notify_dir(f, notify, "d");
	for (int i = 0; i < 3000; i++) {
		put(f, i % 2 ? "a" : "d/b", "x");
	}
	next(f, notify); /* the library has read ahead */
	assert_int_equal(notify_restart(notify, &f->err), 0);
	assert_int_equal(notify_count(notify), 0);
	expect_nothing(f, notify);
	wd = notify_dir(f, notify, "d");
	put(f, "c", "x");
	expect_nothing(f, notify);
	put(f, "d/c", "x");
	expect(f, notify, NOTIFY_CREATED, wd, false, "c");
	notify_close(notify);
}

static void an_overflow_follows_all_events(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;
	struct notify_event event;
	unsigned long limit = notify_queue_limit(), events = 0;
	bool overflow = false;

	if (limit == 0 || limit > 1000000) {
		skip();
	}
	assert_int_equal(notify_open(&notify, &f->err), 0);
	notify_dir(f, notify, ".");
	for (unsigned long i = 0; i < limit; i++) {
		put(f, i % 2 ? "a" : "b", "");
	}
	while (notify_next(notify, &event, &f->err) == 0) {
		assert_false(overflow);
		overflow = event.what == NOTIFY_OVERFLOW;
		events++;
	}
	assert_true(overflow);
	assert_true(events > limit);
	put(f, "c", "");
	assert_int_equal(next(f, notify).what, NOTIFY_CREATED);
	notify_close(notify);
}

static void watches_that_the_library_keeps_are_counted(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;
	struct notify_event event;

	assert_int_equal(notify_open(&notify, &f->err), 0);
	for (int i = 0; i < 10001; i++) {
		make_dir(f, "a");
		notify_dir(f, notify, "a");
		assert_int_equal(unlinkat(f->fd, "a", AT_REMOVEDIR), 0);
		while (notify_next(notify, &event, &f->err) == 0) {
		}
	}
	assert_true(notify_is_bloated(notify));
	assert_int_equal(notify_restart(notify, &f->err), 0);
	assert_false(notify_is_bloated(notify));
	notify_close(notify);
}

/* The library complains on stderr when a watch is removed that the kernel has ended
 * already. That must not reach the log. */
static void the_library_prints_nothing(void **state)
{
	struct folder_fixture *f = *state;
	struct notify *notify = NULL;
	int saved = dup(STDERR_FILENO);
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int wd;

	assert_true(saved >= 0 && fd >= 0);
	assert_int_equal(mkdirat(f->fd, "sub", 0755), 0);
	assert_int_equal(notify_open(&notify, &f->err), 0);
	wd = notify_dir(f, notify, "sub");
	assert_int_equal(unlinkat(f->fd, "sub", AT_REMOVEDIR), 0);
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	notify_remove(notify, wd);
	notify_close(notify);
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
