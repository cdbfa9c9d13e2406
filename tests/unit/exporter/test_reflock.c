/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"

#include "exporter/git/reflock.h"
#include "exporter/git/repo_folder.h"

static void a_lock_is_made_and_removed(void **state)
{
	char *lock;

	(void)state;
	git_fixture_says("mkdir -p r/refs && touch r/albumen-exporter.lock", "");
	/* The folders above the lock are made. */
	assert_int_equal(reflock_lock(&lock, "r", "refs/tags/a/b", &err), 0);
	assert_string_equal(lock, "r/refs/tags/a/b.lock");
	git_fixture_says("[ r/albumen-exporter.lock -ef r/refs/tags/a/b.lock ]", "");
	reflock_unlock(&lock);
	assert_null(lock);
	reflock_unlock(&lock);
	git_fixture_says("find r -type f", "r/albumen-exporter.lock");
}

static void a_lock_of_another_program_stays(void **state)
{
	char *lock;

	(void)state;
	git_fixture_says("mkdir -p r/refs/heads r/objects/pack && "
			 "touch r/albumen-exporter.lock r/refs/heads/main.lock",
			 "");
	assert_int_equal(reflock_lock(&lock, "r", "refs/heads/main", &err), ERR_LOCKED);
	assert_null(lock);
	assert_non_null(strstr(err.msg, "rm 'r/refs/heads/main.lock'"));
	git_fixture_says("ln r/albumen-exporter.lock r/refs/heads/x.lock; "
			 "ln r/albumen-exporter.lock r/objects/pack/pack-1.keep",
			 "");
	assert_int_equal(reflock_sweep("r", &err), 0);
	git_fixture_says("find r -type f | sort",
			 "r/albumen-exporter.lock\nr/refs/heads/main.lock");
}

static void an_empty_folder_is_replaced(void **state)
{
	(void)state;
	git_fixture_says("mkdir -p r/refs/tags/a r/refs/tags/b/c && echo 1 >r/new", "");
	assert_int_equal(repo_folder_rename("r", "new", "refs/tags/a", &err), 0);
	git_fixture_says("cat r/refs/tags/a && echo 2 >r/new", "1");
	assert_int_equal(repo_folder_rename("r", "new", "refs/tags/b", &err), ERR_FAIL);
	git_fixture_says("cat r/new", "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, snapshot_fixture_setup,                    \
					git_fixture_teardown)
		TEST(a_lock_is_made_and_removed),
		TEST(a_lock_of_another_program_stays),
		TEST(an_empty_folder_is_replaced),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
