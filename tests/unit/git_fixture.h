/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_GIT_FIXTURE_H
#define TESTS_UNIT_GIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/base/buf.h"

/*
 * git_fixture - a temporary folder, which becomes the working directory, and the system's git,
 * which checks what we write.
 */

static inline int git_fixture_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct buf dir = {0};

	buf_addf(&dir, "%s/albumen-git.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir.data));
	assert_int_equal(chdir(dir.data), 0);
	setenv("HOME", dir.data, 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("GIT_AUTHOR_NAME", "A", 1);
	setenv("GIT_AUTHOR_EMAIL", "a@example.org", 1);
	setenv("GIT_COMMITTER_NAME", "A", 1);
	setenv("GIT_COMMITTER_EMAIL", "a@example.org", 1);
	setenv("GIT_AUTHOR_DATE", "1700000000 +0000", 1);
	setenv("GIT_COMMITTER_DATE", "1700000000 +0000", 1);
	*state = dir.data;
	return 0;
}

/* Runs a shell command; *out is its output with stderr and without the last newline. Returns
 * the exit status. */
static inline int git_fixture_run(struct buf *out, const char *command)
{
	struct buf line = {0};
	char block[4096];
	FILE *pipe;
	size_t n;
	int status;

	buf_clear(out);
	buf_grow(out, 0);
	out->data[0] = '\0';
	buf_addf(&line, "{ %s\n} 2>&1", command);
	pipe = popen(line.data, "r"); /* NOLINT(cert-env33-c) */
	assert_non_null(pipe);
	while ((n = fread(block, 1, sizeof(block), pipe)) > 0) {
		buf_add(out, block, n);
	}
	status = pclose(pipe);
	if (out->len && out->data[out->len - 1] == '\n') {
		buf_setlen(out, out->len - 1);
	}
	buf_release(&line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The command must succeed and print this. */
static inline void git_fixture_says(const char *command, const char *expected)
{
	struct buf out = {0};
	int status = git_fixture_run(&out, command);

	if (status != 0 || strcmp(out.data, expected) != 0) {
		print_error("`%s` ended with %d and said:\n%s\n", command, status,
			    out.data);
	}
	assert_int_equal(status, 0);
	assert_string_equal(out.data, expected);
	buf_release(&out);
}

static inline int git_fixture_teardown(void **state)
{
	struct buf line = {0}, out = {0};
	char *dir = *state;

	assert_int_equal(chdir("/"), 0);
	buf_addf(&line, "rm -rf '%s'", dir);
	assert_int_equal(git_fixture_run(&out, line.data), 0);
	buf_release(&line);
	buf_release(&out);
	free(dir);
	return 0;
}

/* How many names in the folder begin with `prefix`. */
static inline int git_fixture_count(const char *path, const char *prefix)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		count += entry->d_name[0] != '.' &&
			 strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	}
	closedir(dir);
	return count;
}

#endif
