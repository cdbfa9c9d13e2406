/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/store.h"

static const char *const names[] = {"one", "two"};
enum { ONE, TWO };

struct fixture {
	char dir[64];
	struct store *store;
};

static int up(void **state)
{
	struct fixture *f = xzalloc(sizeof(*f));
	const char *tmp = getenv("TMPDIR");
	struct err err = {0};

	snprintf(f->dir, sizeof(f->dir), "%s/albumen-store-XXXXXX",
		 tmp && strlen(tmp) < 32 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(store_open(&f->store, f->dir, names, 2, STORE_CREATE, &err), 0);
	*state = f;
	return 0;
}

static int down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	store_close(f->store);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static struct store_txn *begin(struct fixture *f, bool write)
{
	struct store_txn *txn = NULL;
	struct err err = {0};

	assert_int_equal(store_begin(&txn, f->store, write, &err), 0);
	return txn;
}

static void commit(struct store_txn *txn)
{
	struct err err = {0};

	assert_int_equal(store_commit(&txn, &err), 0);
	assert_null(txn);
}

static void what_was_put_is_got_from_its_table_alone(void **state)
{
	struct store_txn *txn = begin(*state, true);
	struct store_value v;

	assert_int_equal(store_put(txn, ONE, "k", 1, "value", 5), 0);
	commit(txn);
	txn = begin(*state, false);
	assert_int_equal(store_get(txn, ONE, "k", 1, &v), 0);
	assert_int_equal(v.len, 5);
	assert_memory_equal(v.data, "value", 5);
	assert_int_equal(store_get(txn, TWO, "k", 1, &v), ERR_NOTFOUND);
	assert_int_equal(store_count(txn, ONE), 1);
	store_abort(&txn);
}

static void put_then_delete_leaves_no_entry(void **state)
{
	struct store_txn *txn = begin(*state, true);
	struct store_value v;

	store_put(txn, ONE, "k", 1, "", 0);
	assert_int_equal(store_delete(txn, ONE, "k", 1), 0);
	assert_int_equal(store_delete(txn, ONE, "k", 1), ERR_NOTFOUND);
	assert_int_equal(store_get(txn, ONE, "k", 1, &v), ERR_NOTFOUND);
	commit(txn);
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
	struct store_txn *txn = begin(*state, true);
	struct store_value v;

	store_put(txn, ONE, "k", 1, "v", 1);
	store_abort(&txn);
	assert_null(txn);
	txn = begin(*state, false);
	assert_int_equal(store_get(txn, ONE, "k", 1, &v), ERR_NOTFOUND);
	store_abort(&txn);
}

static void the_first_failure_sticks_and_fails_the_commit(void **state)
{
	struct store_txn *txn = begin(*state, true);
	char long_key[STORE_KEY_MAX + 1] = {0};
	struct err err = {0};

	assert_int_equal(store_put(txn, ONE, "k", 1, "v", 1), 0);
	assert_true(store_put(txn, ONE, long_key, sizeof(long_key), "v", 1) < 0);
	assert_true(store_put(txn, ONE, "l", 1, "v", 1) < 0);
	assert_true(store_status(txn, &err) < 0);
	assert_string_not_equal(err.msg, "");
	assert_true(store_commit(&txn, &err) < 0);
	assert_null(txn);
	txn = begin(*state, false);
	assert_int_equal(store_count(txn, ONE), 0);
	store_abort(&txn);
}

static void a_caller_can_fail_a_transaction(void **state)
{
	struct store_txn *txn = begin(*state, true);
	struct err reason = {0}, err = {0};

	err_set(&reason, ERR_FORMAT, "damaged");
	store_fail(txn, &reason);
	assert_int_equal(store_commit(&txn, &err), ERR_FORMAT);
	assert_string_equal(err.msg, "damaged");
}

static void cursors_walk_prefixes_both_ways(void **state)
{
	static const char *const keys[] = {"a", "b1", "b2", "b\xff", "c"};
	struct store_txn *txn = begin(*state, true);
	struct store_cursor *c;
	int n = 0;

	for (size_t i = 0; i < 5; i++) {
		store_put(txn, ONE, keys[i], strlen(keys[i]), "", 0);
	}
	c = store_cursor_open(txn, ONE);
	for (int rc = store_seek(c, "b", 1); rc == 0 && store_has_prefix(c, "b", 1);
	     rc = store_next(c)) {
		n++;
	}
	assert_int_equal(n, 3);
	assert_int_equal(store_seek_last(c, "b", 1), 0);
	assert_memory_equal(store_key(c).data, "b\xff", 2);
	assert_int_equal(store_seek_last(c, "b\xff", 2), 0);
	assert_int_equal(store_previous(c), 0);
	assert_memory_equal(store_key(c).data, "b2", 2);
	assert_int_equal(store_seek_last(c, "c", 1), 0);
	assert_int_equal(store_seek_last(c, "d", 1), ERR_NOTFOUND);
	assert_int_equal(store_seek_last(c, "", 0), 0);
	assert_memory_equal(store_key(c).data, "c", 1);
	store_cursor_close(c);
	commit(txn);
}

static void appending_out_of_order_is_refused(void **state)
{
	struct store_txn *txn = begin(*state, true);

	assert_int_equal(store_append(txn, ONE, "b", 1, "", 0), 0);
	assert_true(store_append(txn, ONE, "a", 1, "", 0) < 0);
	store_abort(&txn);
}

static void a_reader_does_not_make_what_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct store *store = NULL;
	struct err err = {0};
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/none", f->dir);
	assert_int_equal(store_open(&store, dir, names, 2, 0, &err), ERR_NOTFOUND);
	assert_null(store);
	assert_int_not_equal(access(dir, F_OK), 0);
}

static void a_committed_row_outlives_a_killed_writer(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn;
	struct store_value v;
	int status;
	pid_t pid;

	store_close(f->store);
	f->store = NULL;
	pid = fork();
	if (pid == 0) {
		struct store *store = NULL;

		if (store_open(&store, f->dir, names, 2, 0, NULL) < 0 ||
		    store_begin(&txn, store, true, NULL) < 0) {
			_exit(1);
		}
		store_put(txn, ONE, "kept", 4, "v", 1);
		store_commit(&txn, NULL);
		store_begin(&txn, store, true, NULL);
		store_put(txn, ONE, "lost", 4, "v", 1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(store_open(&f->store, f->dir, names, 2, 0, NULL), 0);
	txn = begin(f, true);
	assert_int_equal(store_get(txn, ONE, "kept", 4, &v), 0);
	assert_int_equal(store_get(txn, ONE, "lost", 4, &v), ERR_NOTFOUND);
	commit(txn);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_put_is_got_from_its_table_alone),
		TEST(put_then_delete_leaves_no_entry),
		TEST(an_aborted_transaction_leaves_nothing),
		TEST(the_first_failure_sticks_and_fails_the_commit),
		TEST(a_caller_can_fail_a_transaction),
		TEST(cursors_walk_prefixes_both_ways),
		TEST(appending_out_of_order_is_refused),
		TEST(a_reader_does_not_make_what_is_not_there),
		TEST(a_committed_row_outlives_a_killed_writer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
