/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/git_fixture.h"

#include <sys/stat.h>

#include "data/base/file.h"
#include "exporter/site/holder.h"

static struct err why;

static void open_holder(struct holder *holder, const char *repo)
{
	if (holder_open(holder, repo, &why)) {
		fail_msg("%s", why.msg);
	}
}

static int setup(void **state)
{
	int rc = git_fixture_setup(state);

	assert_int_equal(mkdir("repo", 0777), 0);
	return rc;
}

static void a_repository_keeps_its_name(void **state)
{
	struct holder first, again;

	(void)state;
	open_holder(&first, "repo");
	assert_true(uuid_is(first.name, strlen(first.name)));
	holder_close(&first);
	open_holder(&again, "repo");
	assert_string_equal(again.name, first.name);
	holder_close(&again);
}

static void only_one_process_has_it(void **state)
{
	struct holder first, second;

	(void)state;
	open_holder(&first, "repo");
	assert_int_equal(holder_open(&second, "repo", &why), ERR_LOCKED);
	assert_non_null(strstr(why.msg, "'repo/" HOLDER_FILE "'"));
	holder_close(&first);
	open_holder(&second, "repo");
	holder_close(&second);
}

static void a_copy_of_a_repository_draws_another_name(void **state)
{
	struct holder first, copied;
	struct buf text = {0};

	(void)state;
	open_holder(&first, "repo");
	holder_close(&first);
	assert_int_equal(file_read(&text, "repo/" HOLDER_FILE, 1000, &why), 0);
	assert_int_equal(mkdir("copy", 0777), 0);
	assert_int_equal(file_replace("copy/" HOLDER_FILE, text.data, text.len, &why), 0);
	open_holder(&copied, "copy");
	assert_string_not_equal(copied.name, first.name);
	holder_close(&copied);
	open_holder(&copied, "repo");
	assert_string_equal(copied.name, first.name);
	holder_close(&copied);
	buf_release(&text);
}

static void a_damaged_file_is_written_anew(void **state)
{
	struct holder first, again;

	(void)state;
	assert_int_equal(file_replace("repo/" HOLDER_FILE, "0123", 4, &why), 0);
	open_holder(&first, "repo");
	holder_close(&first);
	open_holder(&again, "repo");
	assert_string_equal(again.name, first.name);
	holder_close(&again);
}

static void without_a_folder_there_is_none(void **state)
{
	struct holder holder;

	(void)state;
	assert_int_equal(holder_open(&holder, "absent", &why), ERR_FAIL);
	assert_int_equal(holder.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_repository_keeps_its_name, setup,
						git_fixture_teardown),
		cmocka_unit_test_setup_teardown(only_one_process_has_it, setup,
						git_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_copy_of_a_repository_draws_another_name,
						setup, git_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_written_anew, setup,
						git_fixture_teardown),
		cmocka_unit_test_setup_teardown(without_a_folder_there_is_none, setup,
						git_fixture_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
