/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/file.h"
#include "data/base/hex.h"
#include "data/base/log.h"
#include "data/base/pace.h"

/* data/base: buf, err, file, log and pace. */

struct fixture {
	struct buf dir;  /* a folder of the test's own */
	struct buf path; /* at(): a path in it */
	struct buf text;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = xzalloc(sizeof(*f));
	const char *base = getenv("TMPDIR");

	buf_addf(&f->dir, "%s/albumen-test-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(f->dir.data)) {
		return -1;
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {(char *)(uintptr_t) "rm", (char *)(uintptr_t) "-rf", f->dir.data,
			NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	buf_release(&f->dir);
	buf_release(&f->path);
	buf_release(&f->text);
	free(f);
	return 0;
}

static const char *at(struct fixture *f, const char *name)
{
	buf_clear(&f->path);
	buf_addf(&f->path, "%s/%s", f->dir.data, name);
	return f->path.data;
}

/* --- buf ---------------------------------------------------------------------- */

static void a_buffer_grows_and_stays_a_string(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_setlen(&buf, 0);
	for (int i = 0; i < 1000; i++) {
		buf_addf(&buf, "%d,", i);
		assert_int_equal(strlen(buf.data), buf.len);
		assert_true(buf.len < buf.cap);
	}
	assert_int_equal(buf.len, 2 * 10 + 3 * 90 + 4 * 900);
	buf_setlen(&buf, 4);
	assert_string_equal(buf.data, "0,1,");
	buf_add(&buf, "a\0b", 3);
	assert_int_equal(buf.len, 7);
	assert_memory_equal(buf.data, "0,1,a\0b", 8);
	buf_clear(&buf);
	assert_string_equal(buf.data, "");
	buf_add(&buf, NULL, 0);
	buf_addstr(&buf, "x");
	buf_addch(&buf, 'y');
	assert_string_equal(buf.data, "xy");
	buf_release(&buf);
	assert_null(buf.data);
	buf_release(&buf);
	buf_release(NULL);
}

static void numbers_are_big_endian_and_sort(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_addu32(&buf, 0x01020304);
	buf_addu64(&buf, UINT64_C(0x05060708090a0b0c));
	assert_int_equal(buf.len, 12);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(buf.data[i], i + 1);
	}
	assert_int_equal(be32_get(buf.data), 0x01020304);
	assert_true(be64_get(buf.data + 4) == UINT64_C(0x05060708090a0b0c));
	be32_put(buf.data + 1, UINT32_MAX - 1);
	assert_int_equal(be32_get(buf.data + 1), UINT32_MAX - 1);
	be64_put(buf.data + 3, UINT64_MAX);
	assert_true(be64_get(buf.data + 3) == UINT64_MAX);
	buf_release(&buf);
}

static void hex_is_written_in_lower_case_and_read_back(void **state)
{
	const uint8_t bytes[] = {0x00, 0x1f, 0xa9, 0xff};
	uint8_t back[sizeof(bytes)];
	char text[2 * sizeof(bytes) + 1];

	(void)state;
	hex_write(text, bytes, sizeof(bytes));
	assert_string_equal(text, "001fa9ff");
	assert_true(hex_read(back, sizeof(back), text));
	assert_memory_equal(back, bytes, sizeof(bytes));
	assert_false(hex_read(back, sizeof(back), "001FA9FF"));
	assert_false(hex_read(back, sizeof(back), "001fa9f"));
	assert_false(hex_read(back, sizeof(back), "001fa9fg"));
	assert_false(hex_read(back, sizeof(back), "001fa9/:"));
}

static void an_escape_may_use_either_case(void **state)
{
	(void)state;
	assert_int_equal(hex_number("0", 1), 0);
	assert_int_equal(hex_number("F", 1), 15);
	assert_int_equal(hex_number("g", 1), -1);
	assert_int_equal(hex_number("@", 1), -1);
	assert_int_equal(hex_number("2f", 2), 0x2f);
	assert_int_equal(hex_number("00Fe", 4), 0xfe);
	assert_int_equal(hex_number("0", 2), -1);
}

static void copies_end_in_a_nul(void **state)
{
	char *copy = xmemdup0("a\0bc", 3);

	(void)state;
	assert_memory_equal(copy, "a\0b", 4);
	free(copy);
	copy = xmemdup0(NULL, 0);
	assert_string_equal(copy, "");
	free(copy);
	copy = xstrdup("text");
	copy = xreallocarray(copy, 10, 10);
	assert_string_equal(copy, "text");
	free(copy);
}

/* --- err ---------------------------------------------------------------------- */

static void an_error_has_a_code_a_message_and_a_status(void **state)
{
	static const int statuses[][2] = {
		{0, 0},
		{ERR_FAIL, 1},
		{ERR_NOTFOUND, 1},
		{ERR_INPUT, 1},
		{ERR_LOCKED, 75},
		{ERR_FULL, 75},
		{ERR_FORMAT, 1},
		{ERR_CHANGED, 1},
		{ERR_REFUSED, 1},
		{ERR_USAGE, 2},
		{ERR_STOPPED, 1},
		{ERR_DENIED, 77},
		{ERR_UNREACHABLE, 75},
	};
	struct fixture *f = *state;

	errno = EINTR;
	assert_int_equal(err_set(&f->err, ERR_INPUT, "bad '%s' %d", "x", 7), ERR_INPUT);
	assert_int_equal(f->err.code, ERR_INPUT);
	assert_string_equal(f->err.msg, "bad 'x' 7");
	assert_int_equal(err_set(NULL, ERR_FAIL, "nobody asks"), ERR_FAIL);
	assert_int_equal(errno, EINTR);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		assert_int_equal(err_exit_status(statuses[i][0]), statuses[i][1]);
	}
}

static void a_system_error_says_errno(void **state)
{
	struct fixture *f = *state;

	errno = ENOENT;
	/* Only err_sys_find reports a missing file as ERR_NOTFOUND. */
	assert_int_equal(err_sys(&f->err, "cannot open '%s'", "x"), ERR_FAIL);
	assert_string_equal(f->err.msg, "cannot open 'x': No such file or directory");
	assert_int_equal(f->err.code, ERR_FAIL);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(err_sys_find(&f->err, "cannot open '%s'", "x"), ERR_NOTFOUND);
	assert_string_equal(f->err.msg, "cannot open 'x': No such file or directory");
	assert_int_equal(f->err.code, ERR_NOTFOUND);
	assert_int_equal(errno, ENOENT);
	errno = EACCES;
	assert_int_equal(err_sys_find(&f->err, "x"), ERR_FAIL);
	errno = EMFILE;
	assert_int_equal(err_sys(&f->err, "x"), ERR_FAIL);
	assert_non_null(strstr(f->err.msg, "Too many open files; raise that limit"));
	errno = ENOSPC;
	assert_int_equal(err_sys(&f->err, "x"), ERR_FULL);
	errno = EDQUOT;
	assert_int_equal(err_sys(NULL, "x"), ERR_FULL);
	errno = EACCES;
	assert_int_equal(err_sys(&f->err, "x"), ERR_FAIL);
}

static void a_message_too_long_is_cut(void **state)
{
	struct fixture *f = *state;
	char text[3 * sizeof(f->err.msg)];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&f->err, ERR_FAIL, "%s", text);
	assert_int_equal(strlen(f->err.msg), sizeof(f->err.msg) - 1);
	errno = EACCES;
	err_sys(&f->err, "%s", text);
	assert_int_equal(strlen(f->err.msg), sizeof(f->err.msg) - 1);
	/* Behind a whole character. */
	memcpy(text + sizeof(f->err.msg) - 2, "\u20ac", 3);
	err_set(&f->err, ERR_FAIL, "%s", text);
	assert_int_equal(strlen(f->err.msg), sizeof(f->err.msg) - 2);
}

/* --- file --------------------------------------------------------------------- */

static void a_replaced_file_is_read_back(void **state)
{
	struct fixture *f = *state;
	mode_t mask = umask(027);
	struct stat st;

	assert_int_equal(file_replace(at(f, "x"), "first", 5, &f->err), 0);
	assert_int_equal(file_replace(at(f, "x"), "a\0b", 3, &f->err), 0);
	umask(mask);
	assert_int_equal(stat(f->path.data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	buf_addstr(&f->text, "kept ");
	assert_int_equal(file_read(&f->text, at(f, "x"), 3, &f->err), 0);
	assert_int_equal(f->text.len, 8);
	assert_memory_equal(f->text.data, "kept a\0b", 9);
	assert_int_equal(file_replace(at(f, "x"), "", 0, &f->err), 0);
	buf_clear(&f->text);
	assert_int_equal(file_read(&f->text, at(f, "x"), 0, &f->err), 0);
	assert_int_equal(f->text.len, 0);
	/* Nothing is left beside it. */
	assert_int_equal(unlink(f->path.data), 0);
	assert_int_equal(rmdir(f->dir.data), 0);
}

/* Whoever may write to the folder can put something where the new file is to be made. */
static void a_swap_writes_into_nothing_that_was_there(void **state)
{
	struct fixture *f = *state;
	char *new = xstrdup(at(f, "x" FILE_SWAP_SUFFIX));

	assert_int_equal(file_replace(at(f, "kept"), "kept", 4, &f->err), 0);
	for (int i = 0; i < 3; i++) {
		/* A pipe that nobody reads must not hang. */
		assert_int_equal(i == 0   ? mkfifo(new, 0600)
				 : i == 1 ? link(at(f, "kept"), new)
					  : symlink(at(f, "kept"), new),
				 0);
		assert_int_equal(file_swap(at(f, "x"), "new", 3, &f->err), 0);
		buf_clear(&f->text);
		assert_int_equal(file_read(&f->text, at(f, "x"), 9, &f->err), 0);
		assert_string_equal(f->text.data, "new");
		buf_clear(&f->text);
		assert_int_equal(file_read(&f->text, at(f, "kept"), 9, &f->err), 0);
		assert_string_equal(f->text.data, "kept");
		assert_int_equal(access(new, F_OK), -1);
	}
	free(new);
}

static void a_file_over_the_limit_is_bad_input(void **state)
{
	struct fixture *f = *state;
	struct buf big = {0};

	for (int i = 0; i < 200000; i++) {
		buf_addch(&big, (char)('a' + i % 26));
	}
	assert_int_equal(file_replace(at(f, "x"), big.data, big.len, &f->err), 0);
	assert_int_equal(file_read(&f->text, at(f, "x"), big.len - 1, &f->err),
			 ERR_INPUT);
	assert_non_null(strstr(f->err.msg, "limit of 199999 bytes"));
	buf_clear(&f->text);
	assert_int_equal(file_read(&f->text, at(f, "x"), big.len, &f->err), 0);
	assert_int_equal(f->text.len, big.len);
	assert_memory_equal(f->text.data, big.data, big.len);
	buf_release(&big);
}

static void a_pipe_is_read_to_its_end(void **state)
{
	struct fixture *f = *state;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(file_write_fd(ends[1], "through", 7, "pipe", &f->err), 0);
	close(ends[1]);
	assert_int_equal(file_read_fd(&f->text, ends[0], 100, "pipe", &f->err), 0);
	assert_string_equal(f->text.data, "through");
	close(ends[0]);
}

static void only_regular_files_are_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(file_read(&f->text, at(f, "none"), 9, &f->err), ERR_NOTFOUND);
	assert_int_equal(file_read(&f->text, f->dir.data, 9, &f->err), ERR_FAIL);
	/* A FIFO that nobody writes to must not hang. */
	assert_int_equal(mkfifo(at(f, "fifo"), 0600), 0);
	assert_int_equal(file_read(&f->text, f->path.data, 9, &f->err), ERR_FAIL);
	assert_int_equal(symlink("/etc/passwd", at(f, "link")), 0);
	assert_int_equal(file_read(&f->text, f->path.data, 9, &f->err), ERR_FAIL);
	assert_int_equal(f->text.len, 0);
}

static void a_full_disk_is_told(void **state)
{
	struct fixture *f = *state;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(file_write_fd(fd, "x", 1, "the file", &f->err), ERR_FULL);
	assert_string_equal(f->err.msg,
			    "cannot write 'the file': No space left on device");
	close(fd);
	assert_int_equal(file_replace(at(f, "no/such"), "", 0, &f->err), ERR_FAIL);
}

static void folders_are_made_with_what_is_above(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(file_mkdirs(at(f, "a/b//c"), &f->err), 0);
	assert_int_equal(stat(f->path.data, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(file_mkdirs(at(f, "a/b/"), &f->err), 0);
	assert_int_equal(file_mkdirs("/", &f->err), 0);
	assert_int_equal(file_flush_folder(at(f, "a"), &f->err), 0);
	assert_int_equal(file_flush_folder(at(f, "none"), &f->err), ERR_FAIL);
	assert_int_equal(file_replace(at(f, "a/file"), "", 0, &f->err), 0);
	assert_int_equal(file_mkdirs(f->path.data, &f->err), ERR_FAIL);
	assert_int_equal(file_mkdirs(at(f, "a/file/b"), &f->err), ERR_FAIL);
	assert_int_equal(file_mkdirs("", &f->err), ERR_FAIL);
}

static void inside_is_what_is_so_on_disk(void **state)
{
	struct fixture *f = *state;
	struct buf outer = {0};

	buf_addf(&outer, "%s/a", f->dir.data);
	assert_int_equal(file_mkdirs(at(f, "a/b"), &f->err), 0);
	assert_int_equal(file_mkdirs(at(f, "ab"), &f->err), 0);
	assert_int_equal(symlink("a/b", at(f, "link")), 0);
	assert_true(file_is_inside(outer.data, outer.data));
	assert_true(file_is_inside(at(f, "a/b"), outer.data));
	assert_true(file_is_inside(at(f, "a/b/not/yet"), outer.data));
	assert_true(file_is_inside(at(f, "link"), outer.data));
	assert_true(file_is_inside(at(f, "link/not/yet"), outer.data));
	assert_true(file_is_inside(at(f, "ab/../a/b"), outer.data));
	assert_true(file_is_inside(outer.data, "/"));
	assert_false(file_is_inside(at(f, "ab"), outer.data));
	assert_false(file_is_inside(at(f, "ab/not/yet"), outer.data));
	assert_false(file_is_inside(f->dir.data, outer.data));
	assert_false(file_is_inside(outer.data, at(f, "none")));
	buf_release(&outer);
}

static void a_lock_has_one_holder_who_is_named(void **state)
{
	struct fixture *f = *state;
	char pid[32];
	int first = -1, second = -1;

	assert_int_equal(file_lock(&first, at(f, "lock"), "test a", &f->err), 0);
	assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(file_lock(&second, at(f, "lock"), "test b", &f->err),
			 ERR_LOCKED);
	assert_int_equal(second, -1);
	snprintf(pid, sizeof(pid), "test a (process %ld)", (long)getpid());
	assert_non_null(strstr(f->err.msg, pid));
	close(first);
	assert_int_equal(file_lock(&second, at(f, "lock"), "b", &f->err), 0);
	/* The shorter name leaves nothing of the longer. */
	snprintf(pid, sizeof(pid), "b (process %ld)\n", (long)getpid());
	assert_int_equal(file_read(&f->text, at(f, "lock"), 100, &f->err), 0);
	assert_string_equal(f->text.data, pid);
	close(second);
	assert_int_equal(file_lock(&first, at(f, "none/lock"), "c", &f->err), ERR_FAIL);
	assert_int_equal(first, -1);
}

static void a_lock_that_was_removed_is_noticed(void **state)
{
	struct fixture *f = *state;
	int first = -1, second = -1;

	assert_int_equal(file_lock(&first, at(f, "lock"), "a", &f->err), 0);
	assert_int_equal(file_lock_check(first, f->path.data, &f->err), 0);
	assert_int_equal(unlink(f->path.data), 0);
	assert_int_equal(file_lock_check(first, f->path.data, &f->err), ERR_REPLACED);
	assert_int_equal(file_lock(&second, f->path.data, "b", &f->err), 0);
	assert_int_equal(file_lock_check(first, f->path.data, &f->err), ERR_REPLACED);
	assert_int_equal(file_lock_check(second, f->path.data, &f->err), 0);
	close(first);
	close(second);
}

static unsigned umask_calls;

/* Replaces the function of the C library, which changes the umask of all threads. */
mode_t umask(mode_t mask)
{
	umask_calls++;
	return (mode_t)syscall(SYS_umask, mask);
}

static void a_replaced_file_leaves_the_umask_of_the_process(void **state)
{
	struct fixture *f = *state;
	mode_t mask = umask(0);
	unsigned before = umask_calls;
	struct stat st;

	assert_int_equal(file_replace(at(f, "x"), "x", 1, &f->err), 0);
	assert_int_equal(umask_calls, before);
	umask(mask);
	assert_int_equal(stat(f->path.data, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
}

static void a_killed_holder_holds_no_lock(void **state)
{
	struct fixture *f = *state;
	int ends[2], fd = -1, status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	at(f, "lock");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		if (file_lock(&fd, f->path.data, "child", &f->err) < 0 ||
		    write(ends[1], "x", 1) != 1) {
			_exit(1);
		}
		pause();
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	assert_int_equal(file_lock(&fd, f->path.data, "parent", &f->err), ERR_LOCKED);
	assert_non_null(strstr(f->err.msg, "child (process "));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(file_lock(&fd, f->path.data, "parent", &f->err), 0);
	close(fd);
}

/* --- log ---------------------------------------------------------------------- */

/* What `log` and the like write to stderr. */
static const char *logged(struct fixture *f, void (*write_log)(void))
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);

	assert_non_null(file);
	assert_true(saved >= 0);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	write_log();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(file);
	buf_clear(&f->text);
	assert_int_equal(file_read_fd(&f->text, fileno(file), 1 << 20, "log", &f->err),
			 0);
	fclose(file);
	return f->text.data;
}

static void log_all_levels(void)
{
	log_error("an error: %s", "x");
	log_warning("a warning");
	log_info("information");
	log_debug("details");
}

static void lines_have_program_and_level(void **state)
{
	struct fixture *f = *state;

	log_init("test", LOG_DEBUG);
	assert_string_equal(logged(f, log_all_levels), "test: error: an error: x\n"
						       "test: warning: a warning\n"
						       "test: info: information\n"
						       "test: debug: details\n");
	log_init("test", LOG_WARNING);
	assert_string_equal(logged(f, log_all_levels), "test: error: an error: x\n"
						       "test: warning: a warning\n");
}

static void log_hostile_name(void)
{
	errno = EINTR;
	log_error("skipped '%s'", "a\nroot: error: \x1b[31m\x7f\xc3\xa9");
	log_error("skipped '%s'", "\xc2\x9b"
				  "2J\xe2\x80\xae"
				  "\xff\\x0a");
	assert_int_equal(errno, EINTR);
}

static void a_name_cannot_forge_a_line(void **state)
{
	log_init("test", LOG_INFO);
	assert_string_equal(
		logged(*state, log_hostile_name),
		"test: error: skipped 'a\\x0aroot: error: \\x1b[31m\\x7f\xc3\xa9'\n"
		"test: error: skipped '\\xc2\\x9b2J\\xe2\\x80\\xae\\xff\\\\x0a'\n");
}

static void log_long_text(void)
{
	char text[20000];

	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	memset(text, 'x', sizeof(text) - 1);
	log_error("%s", text);
	for (size_t i = 0; i + 3 < sizeof(text); i += 3) {
		memcpy(text + i, "\u20ac", 3);
	}
	log_error("x%s", text);
}

static void a_line_too_long_is_cut(void **state)
{
	const char *text, *end;

	log_init("test", LOG_INFO);
	text = logged(*state, log_long_text);
	end = strchr(text, '\n');
	assert_non_null(end);
	assert_memory_equal(end - 8, "\\x0a\\x0a", 8);
	assert_memory_equal(end + 1, "test: error: xxx", 16);
	/* Behind a whole character. */
	end = strchr(end + 1, '\n');
	end = strchr(end + 1, '\n');
	assert_non_null(end);
	assert_memory_equal(end - 6, "\u20ac\u20ac", 6);
	assert_int_equal(end[1], '\0');
}

static void log_worst(void)
{
	char text[20000];

	memset(text, '\xff', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	log_error("\"\\\n");
}

static void a_line_of_json_is_whole(void **state)
{
	static const char behind_time[] =
		"Z\",\"level\":\"error\",\"program\":\"test\",\"message\":\""
		"\\\"\\\\\\\\\\\\x0a\"}\n";
	const char *text, *end;

	log_init("test", LOG_INFO);
	log_set_json(true);
	text = logged(*state, log_worst);
	log_set_json(false);
	assert_memory_equal(text, "{\"time\":\"20", 11);
	end = strchr(text, '\n');
	assert_non_null(end);
	assert_memory_equal(end - 12, "\\\\xff\\\\xff\"}", 12);
	end = strchr(end + 1, 'Z');
	assert_non_null(end);
	assert_string_equal(end, behind_time);
}

static void log_progress(void)
{
	struct log_progress progress;

	log_progress_start(&progress, "testing", 10);
	for (int i = 0; i < 10; i++) {
		log_progress_step(&progress, 1);
	}
	assert_int_equal(progress.done, 10);
	log_progress_end(&progress);
}

static void progress_is_for_terminals(void **state)
{
	assert_string_equal(logged(*state, log_progress), "");
}

static void a_report_is_due_at_first_and_then_soon_after_a_change(void **state)
{
	struct pace pace = {0};

	(void)state;
	assert_true(pace_is_due(&pace));
	assert_int_equal(pace_wait_ms(&pace, 7), 0);
	pace_done(&pace);
	assert_int_equal(pace.due_ms - pace.done_ms, PACE_MOST_MS);
	assert_int_equal(pace_wait_ms(&pace, 7), 7);
	pace_changed(&pace);
	assert_int_equal(pace.due_ms - pace.done_ms, PACE_LEAST_MS);
	pace_changed(&pace);
	assert_int_equal(pace.due_ms - pace.done_ms, PACE_LEAST_MS);
	pace_done(&pace);
	assert_int_equal(pace.due_ms - pace.done_ms, PACE_MOST_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows_and_stays_a_string),
		cmocka_unit_test(numbers_are_big_endian_and_sort),
		cmocka_unit_test(copies_end_in_a_nul),
		cmocka_unit_test(hex_is_written_in_lower_case_and_read_back),
		cmocka_unit_test(an_escape_may_use_either_case),
		TEST(an_error_has_a_code_a_message_and_a_status),
		TEST(a_system_error_says_errno),
		TEST(a_message_too_long_is_cut),
		TEST(a_replaced_file_is_read_back),
		TEST(a_swap_writes_into_nothing_that_was_there),
		TEST(a_file_over_the_limit_is_bad_input),
		TEST(a_pipe_is_read_to_its_end),
		TEST(only_regular_files_are_read),
		TEST(a_full_disk_is_told),
		TEST(folders_are_made_with_what_is_above),
		TEST(inside_is_what_is_so_on_disk),
		TEST(a_lock_has_one_holder_who_is_named),
		TEST(a_lock_that_was_removed_is_noticed),
		TEST(a_replaced_file_leaves_the_umask_of_the_process),
		TEST(a_killed_holder_holds_no_lock),
		TEST(lines_have_program_and_level),
		TEST(a_name_cannot_forge_a_line),
		TEST(a_line_too_long_is_cut),
		TEST(a_line_of_json_is_whole),
		TEST(progress_is_for_terminals),
		cmocka_unit_test(a_report_is_due_at_first_and_then_soon_after_a_change),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
