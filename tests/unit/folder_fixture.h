/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_FOLDER_FIXTURE_H
#define TESTS_UNIT_FOLDER_FIXTURE_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/* A folder of the test's own, and what is needed to fill it. */
struct folder_fixture {
	struct buf dir;
	int fd; /* of that folder */
	struct err err;
};

static inline int folder_setup(void **state)
{
	struct folder_fixture *f = xzalloc(sizeof(*f));
	const char *base = getenv("TMPDIR");

	buf_addf(&f->dir, "%s/albumen-test-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(f->dir.data)) {
		return -1;
	}
	f->fd = open(f->dir.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return f->fd < 0 ? -1 : 0;
}

static inline int folder_teardown(void **state)
{
	struct folder_fixture *f = *state;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", f->dir.data, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	close(f->fd);
	buf_release(&f->dir);
	free(f);
	return 0;
}

static inline void put_bytes(struct folder_fixture *f, const char *name,
			     const char *bytes, size_t len)
{
	int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	while (len) {
		ssize_t n = write(fd, bytes, len);

		assert_true(n > 0);
		bytes += n;
		len -= (size_t)n;
	}
	assert_int_equal(close(fd), 0);
}

static inline void put(struct folder_fixture *f, const char *name, const char *text)
{
	put_bytes(f, name, text, strlen(text));
}

static inline void make_dir(struct folder_fixture *f, const char *name)
{
	assert_int_equal(mkdirat(f->fd, name, 0755), 0);
}

#endif
