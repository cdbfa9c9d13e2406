/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/base/threads.h"
#include "data/index/store.h"
#include "data/index/store_file.h"

static const char *const names[] = {"one", "two"};
static const struct store_spec spec = {
	.noun = "store", .repair = "delete it", .table = names, .count = 2};
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
	assert_int_equal(store_open(&f->store, f->dir, &spec, STORE_CREATE, &err), 0);
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

static void a_key_is_found_wherever_the_cursor_stands(void **state)
{
	/* The next one, one further on, one before, none between, after the last. */
	static const struct {
		const char *key;
		int rc;
	} asked[] = {{"a", 0},
		     {"b", 0},
		     {"d", 0},
		     {"a", 0},
		     {"b1", ERR_NOTFOUND},
		     {"b", 0},
		     {"bb", ERR_NOTFOUND},
		     {"e", ERR_NOTFOUND},
		     {"a", 0},
		     {"d", 0},
		     {"e", ERR_NOTFOUND},
		     {"d", 0}};
	struct store_txn *txn = begin(*state, true);
	struct store_cursor *c;

	for (const char *at = "abcd"; *at; at++) {
		store_put(txn, ONE, at, 1, at, 1);
	}
	c = store_cursor_open(txn, ONE);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		assert_int_equal(store_find(c, asked[i].key, strlen(asked[i].key)),
				 asked[i].rc);
		if (!asked[i].rc) {
			assert_memory_equal(store_cursor_value(c).data, asked[i].key, 1);
		}
	}
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

static void appending_goes_on_after_other_writes_to_the_table(void **state)
{
	static const char *const keys[] = {"a", "b", "d", "e", "f"};
	struct store_txn *txn = begin(*state, true);
	struct store_cursor *c;
	struct store_value v;
	size_t n = 0;
	int rc;

	assert_int_equal(store_append(txn, ONE, "b", 1, "", 0), 0);
	assert_int_equal(store_put(txn, ONE, "d", 1, "", 0), 0);
	assert_int_equal(store_put(txn, ONE, "a", 1, "", 0), 0);
	assert_int_equal(store_append(txn, ONE, "e", 1, "old", 3), 0);
	assert_int_equal(store_delete(txn, ONE, "e", 1), 0);
	assert_int_equal(store_append(txn, ONE, "e", 1, "", 0), 0);
	assert_int_equal(store_append(txn, TWO, "z", 1, "", 0), 0);
	assert_int_equal(store_empty(txn, TWO), 0);
	assert_int_equal(store_append(txn, TWO, "y", 1, "", 0), 0);
	commit(txn);
	txn = begin(*state, true);
	assert_int_equal(store_append(txn, ONE, "f", 1, "", 0), 0);
	c = store_cursor_open(txn, ONE);
	for (rc = store_first(c, "", 0); rc == 0; rc = store_next(c)) {
		assert_memory_equal(store_key(c).data, keys[n++], 1);
	}
	assert_int_equal(n, 5);
	store_cursor_close(c);
	assert_int_equal(store_count(txn, TWO), 1);
	/* Where it belongs, at the end or not. */
	assert_int_equal(store_put_last(txn, TWO, "z", 1, "1", 1), 0);
	assert_int_equal(store_put_last(txn, TWO, "x", 1, "2", 1), 0);
	assert_int_equal(store_put_last(txn, TWO, "z", 1, "3", 1), 0);
	assert_int_equal(store_count(txn, TWO), 3);
	assert_int_equal(store_get(txn, TWO, "z", 1, &v), 0);
	assert_memory_equal(v.data, "3", 1);
	/* Behind a key that was not appended. */
	assert_int_equal(store_put(txn, ONE, "h", 1, "", 0), 0);
	assert_true(store_append(txn, ONE, "g", 1, "", 0) < 0);
	store_abort(&txn);
}

static void a_reader_does_not_make_what_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct store *store = NULL;
	struct err err = {0};
	char dir[96];

	snprintf(dir, sizeof(dir), "%s/none", f->dir);
	assert_int_equal(store_open(&store, dir, &spec, 0, &err), ERR_NOTFOUND);
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

		if (store_open(&store, f->dir, &spec, 0, NULL) < 0 ||
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
	assert_int_equal(store_open(&f->store, f->dir, &spec, 0, NULL), 0);
	txn = begin(f, true);
	assert_int_equal(store_get(txn, ONE, "kept", 4, &v), 0);
	assert_int_equal(store_get(txn, ONE, "lost", 4, &v), ERR_NOTFOUND);
	commit(txn);
}

static off_t size_of(const struct fixture *f)
{
	char path[96];
	struct stat st;

	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static bool ends_with_a_hole(const struct fixture *f)
{
	char path[96];
	bool yes;
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	yes = lseek(fd, size_of(f) - 1, SEEK_DATA) < 0;
	close(fd);
	return yes;
}

static void cut(const struct fixture *f, off_t size)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	assert_int_equal(truncate(path, size), 0);
}

static void put_many(struct fixture *f, size_t rows)
{
	struct store_txn *txn = begin(f, true);
	char value[1000] = {0};

	for (uint32_t i = 0; i < rows; i++) {
		store_put(txn, ONE, &i, sizeof(i), value, sizeof(value));
	}
	commit(txn);
}

static void the_lock_file_has_no_holes(void **state)
{
	struct fixture *f = *state;
	char path[96];
	struct stat st;

	snprintf(path, sizeof(path), "%s/lock.mdb", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 0 && st.st_blocks * 512 >= st.st_size);
	/* The size that LMDB itself would use: it does not extend a larger file. */
	assert_int_equal(st.st_size, 32768);
}

/* LMDB does not write a page that was made and freed in one transaction. */
static void only_free_pages_may_be_missing_at_the_end(void **state)
{
	static const char large[300000];
	struct fixture *f = *state;
	struct store_txn *txn;
	struct err err = {0};
	off_t size, page = sysconf(_SC_PAGE_SIZE);
	size_t rows = 0;
	int rc = 0, pages = 0;

	/* Repeats until a commit leaves a hole at the end of the file. */
	for (uint32_t i = 0; i < 200 && !ends_with_a_hole(f); i++) {
		txn = begin(f, true);
		store_put(txn, ONE, "kept", 4, "", 0);
		for (uint32_t row = 0; row < 300; row++) {
			if (i % 2) {
				store_delete(txn, ONE, &row, sizeof(row));
			} else {
				store_put(txn, ONE, &row, sizeof(row), large, 1000);
			}
		}
		store_put(txn, TWO, "k", 1, large, sizeof(large));
		store_delete(txn, TWO, "k", 1);
		rows = store_count(txn, ONE);
		commit(txn);
	}
	assert_true(ends_with_a_hole(f));
	for (size = size_of(f); size > 2 * page; size -= page) {
		struct store *store = NULL;

		store_close(f->store);
		f->store = NULL;
		cut(f, size - page);
		rc = store_open(&store, f->dir, &spec, 0, &err);
		f->store = store;
		if (rc) {
			break;
		}
		pages++;
		txn = begin(f, false);
		assert_int_equal(store_count(txn, ONE), rows);
		store_abort(&txn);
	}
	assert_true(pages > 0);
	assert_int_equal(rc, ERR_FORMAT);
	assert_non_null(strstr(err.msg, "was cut short"));
	assert_non_null(strstr(err.msg, "delete it"));
}

static void a_file_that_is_cut_short_is_noticed_by_the_next_transaction(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn;
	struct err err = {0};

	put_many(f, 300);
	cut(f, size_of(f) / 2);
	assert_int_equal(store_begin(&txn, f->store, false, &err), ERR_FORMAT);
	assert_null(txn);
	assert_int_equal(store_begin(&txn, f->store, true, &err), ERR_FORMAT);
}

static void nothing_is_committed_to_a_file_that_was_cut_short(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn;
	struct err err = {0};
	off_t half;

	put_many(f, 300);
	half = size_of(f) / 2;
	txn = begin(f, true);
	store_put(txn, TWO, "k", 1, "v", 1);
	cut(f, half);
	assert_int_equal(store_commit(&txn, &err), ERR_FORMAT);
	assert_int_equal(size_of(f), half);
}

/* What cut_off does in a transaction of a file that was cut short. */
static void read_all(struct store_txn *txn)
{
	struct store_cursor *c = store_cursor_open(txn, ONE);

	for (int rc = store_seek(c, NULL, 0); rc == 0; rc = store_next(c)) {
	}
}

static void expect_all(struct store_txn *txn)
{
	static const size_t one = ONE;
	uint32_t keys[300];

	for (uint32_t i = 0; i < 300; i++) {
		keys[i] = i;
	}
	store_expect(txn, &one, 1, keys, sizeof(*keys), 300);
}

static void cut_off(struct fixture *f, void (*reading)(struct store_txn *txn))
{
	char line[512];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	put_many(f, 300);
	assert_int_equal(pipe(fds), 0);
	store_close(f->store);
	f->store = NULL;
	pid = fork();
	if (pid == 0) {
		struct store *store = NULL;
		struct store_txn *txn = NULL;

		dup2(fds[1], STDERR_FILENO);
		if (store_open(&store, f->dir, &spec, 0, NULL) < 0 ||
		    store_begin(&txn, store, false, NULL) < 0) {
			_exit(3);
		}
		cut(f, 8192);
		reading(txn);
		_exit(4);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	n = read(fds[0], line, sizeof(line) - 1);
	close(fds[0]);
	line[n > 0 ? n : 0] = '\0';
	assert_non_null(strstr(line, "data.mdb' was cut short while it was read"));
}

static void a_page_that_is_cut_off_while_it_is_read_ends_the_program(void **state)
{
	cut_off(*state, read_all);
}

static void a_page_that_is_cut_off_while_it_is_expected_ends_the_program(void **state)
{
	setenv("ALBUMEN_THREADS", "1", 1);
	cut_off(*state, threads_pay() ? expect_all : read_all);
}

/* Each of the threads needs a slot for a reader, of which there are 510. */
static void expecting_rows_leaves_no_reader_behind(void **state)
{
	static const size_t tables[] = {TWO, ONE};
	static const uint32_t keys[] = {1, 200, 100, 999999};
	struct store_txn *txn, *other;
	struct store_value v;

	put_many(*state, 300);
	txn = begin(*state, false);
	for (size_t i = 0; i < 200; i++) {
		store_expect(txn, tables, 2, keys, sizeof(*keys), 4);
	}
	store_expect(txn, tables, 2, keys, sizeof(*keys), 0);
	other = begin(*state, false);
	assert_int_equal(store_get(other, ONE, &keys[1], sizeof(*keys), &v), 0);
	store_expect_value(other, &v);
	store_abort(&other);
	store_abort(&txn);
}

static void a_folder_that_was_replaced_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = begin(f, true);
	struct err err = {0};
	char command[512];

	store_put(txn, ONE, "k", 1, "v", 1);
	snprintf(command, sizeof(command), "mv '%s' '%s.old' && cp -r '%s.old' '%s'",
		 f->dir, f->dir, f->dir, f->dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(store_commit(&txn, &err), ERR_REPLACED);
	assert_int_equal(store_begin(&txn, f->store, false, &err), ERR_REPLACED);
	assert_null(txn);
	assert_int_equal(store_begin(&txn, f->store, true, &err), ERR_REPLACED);
	snprintf(command, sizeof(command), "rm -r '%s.old'", f->dir);
	assert_int_equal(system(command), 0);
}

static void a_lock_file_that_was_removed_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = begin(f, true);
	struct err err = {0};
	char path[96];

	store_put(txn, ONE, "k", 1, "v", 1);
	snprintf(path, sizeof(path), "%s/lock.mdb", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store_commit(&txn, &err), ERR_REPLACED);
	assert_int_equal(store_begin(&txn, f->store, false, &err), ERR_REPLACED);
	store_close(f->store);
	assert_int_equal(store_open(&f->store, f->dir, &spec, 0, &err), 0);
	txn = begin(f, true);
	assert_int_equal(store_count(txn, ONE), 0);
	commit(txn);
}

static void an_environment_that_was_not_made_to_its_end_is_made_anew(void **state)
{
	struct fixture *f = *state;
	struct store *store = NULL;
	struct store_txn *txn;
	struct err err = {0};

	store_close(f->store);
	f->store = NULL;
	cut(f, 4096);
	assert_int_equal(store_open(&store, f->dir, &spec, STORE_CREATE, &err),
			 ERR_FORMAT);
	assert_int_equal(store_open(&store, f->dir, &spec, STORE_UNUSED, &err),
			 ERR_NOTFOUND);
	assert_int_equal(size_of(f), 4096);
	assert_int_equal(
		store_open(&f->store, f->dir, &spec, STORE_CREATE | STORE_UNUSED, &err),
		0);
	txn = begin(f, true);
	store_put(txn, ONE, "k", 1, "v", 1);
	commit(txn);
}

/* The numbers that the kernel gives, as in statfs(2) and `stat -f -c %t`. */
static void network_file_systems_are_known_by_their_number(void **state)
{
	(void)state;
	assert_string_equal(store_file_network(0x6969), "NFS");
	assert_string_equal(store_file_network(0x517b), "SMB");
	assert_string_equal(store_file_network(0xff534d42), "CIFS");
	assert_string_equal(store_file_network(0xfe534d42), "SMB");
	/* As a field of 32 bits with a sign gives it. */
	assert_string_equal(store_file_network((unsigned long)(int32_t)0xfe534d42),
			    "SMB");
	assert_string_equal(store_file_network(0x01021997), "9p");
	assert_string_equal(store_file_network(0x00c36400), "Ceph");
	assert_string_equal(store_file_network(0x5346414f), "AFS");
	assert_null(store_file_network(0xef53));     /* ext4 */
	assert_null(store_file_network(0x58465342)); /* XFS */
	assert_null(store_file_network(0x9123683e)); /* Btrfs */
	assert_null(store_file_network(0x2fc12fc1)); /* ZFS */
	assert_null(store_file_network(0x01021994)); /* tmpfs */
	assert_null(store_file_network(0x794c7630)); /* overlay */
	assert_null(store_file_network(0x65735546)); /* FUSE */
}

static void the_disk_of_a_new_folder_is_that_of_the_one_above(void **state)
{
	struct fixture *f = *state;
	char path[256];
	struct statfs fs;
	struct err err;
	bool network;

	assert_int_equal(statfs(f->dir, &fs), 0);
	network = store_file_network((unsigned long)fs.f_type) != NULL;
	snprintf(path, sizeof(path), "%s/a/b/", f->dir);
	assert_int_equal(store_file_check_disk(path, "index", &err),
			 network ? ERR_REFUSED : 0);
	assert_int_equal(store_file_check_disk("/no/such/folder", "index", &err) == 0,
			 store_file_check_disk("/", "index", &err) == 0);
	assert_int_equal(store_file_check_disk("none", "index", &err) == 0,
			 store_file_check_disk(".", "index", &err) == 0);
	snprintf(path, sizeof(path), "%s/data.mdb/x", f->dir);
	assert_int_equal(store_file_check_disk(path, "index", &err), ERR_FAIL);
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
		TEST(a_key_is_found_wherever_the_cursor_stands),
		TEST(appending_out_of_order_is_refused),
		TEST(appending_goes_on_after_other_writes_to_the_table),
		TEST(a_reader_does_not_make_what_is_not_there),
		TEST(a_committed_row_outlives_a_killed_writer),
		TEST(the_lock_file_has_no_holes),
		TEST(only_free_pages_may_be_missing_at_the_end),
		TEST(a_file_that_is_cut_short_is_noticed_by_the_next_transaction),
		TEST(nothing_is_committed_to_a_file_that_was_cut_short),
		TEST(a_page_that_is_cut_off_while_it_is_read_ends_the_program),
		TEST(a_page_that_is_cut_off_while_it_is_expected_ends_the_program),
		TEST(expecting_rows_leaves_no_reader_behind),
		TEST(a_folder_that_was_replaced_is_noticed),
		TEST(a_lock_file_that_was_removed_is_noticed),
		TEST(an_environment_that_was_not_made_to_its_end_is_made_anew),
		TEST(network_file_systems_are_known_by_their_number),
		TEST(the_disk_of_a_new_folder_is_that_of_the_one_above),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
