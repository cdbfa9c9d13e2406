/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_ERR_H
#define DATA_BASE_ERR_H

/*
 * err - how a function reports a failure.
 *
 * A fallible function returns 0 or a negative `enum err_code`, and takes a `struct err
 * *` as its last parameter. The function that fails writes the message once, by `return
 * err_set(err, ...)`. Its callers release what they hold and return the code; they do
 * not reword the message. The top caller prints `err->msg` and exits with
 * `err_exit_status(code)`.
 *
 *	static int load(const char *path, struct err *err)
 *	{
 *		int fd = open(path, O_RDONLY | O_CLOEXEC);
 *		if (fd < 0) {
 *			return err_sys(err, "cannot open '%s'", path);
 *		}
 *		...
 *
 * Messages are lower case, without a full stop. They name the failure first, quote the
 * subject, and say what to do if there is something to do.
 */

enum err_code {
	ERR_FAIL = -1,      /* a failure that no caller handles specially */
	ERR_NOTFOUND = -2,  /* expected: it does not exist */
	ERR_INPUT = -3,     /* the input is bad; the program and the disk are fine */
	ERR_LOCKED = -4,    /* another process holds the lock: try again later */
	ERR_FULL = -5,      /* no room on the disk (ENOSPC, EDQUOT): try again later */
	ERR_FORMAT = -6,    /* a stored format that this version does not know */
	ERR_CHANGED = -7,   /* it changed while it was processed: try again now */
	ERR_REFUSED = -8,   /* possible but dangerous; the message names the option */
	ERR_USAGE = -9,     /* the command line is wrong */
	ERR_STOPPED = -10,  /* SIGTERM or SIGINT stopped the work */
	ERR_REPLACED = -11, /* its files were removed or replaced: reopen and try again */
	ERR_LARGE = -12,    /* it is larger than the caller takes */
	ERR_DENIED = -13,   /* an object store does not allow it */
	/* an object store does not answer, or is overloaded: try again later */
	ERR_UNREACHABLE = -14,
};

struct err {
	int code;       /* 0, or the code of the last err_set */
	char msg[2048]; /* one line, no newline; "" when code is 0 */
};

/* Fills *err (which may be NULL) and returns `code`, so that a failure takes one line:
 * `return err_set(err, ERR_FAIL, "cannot ... '%s'", name);`. A message that is too long
 * is cut. errno is unchanged. */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and strerror(errno) added. ENOSPC and EDQUOT give ERR_FULL, any
 * other errno ERR_FAIL. */
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As err_sys, for functions that report a missing file to their caller: ENOENT gives
 * ERR_NOTFOUND. (Elsewhere ENOENT is an ordinary failure: somebody removed a folder
 * that the program uses.) */
int err_sys_find(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The exit status for `code` (albumen(7)): 0 for 0, 2 for ERR_USAGE, 75 for ERR_LOCKED,
 * ERR_FULL, ERR_REPLACED and ERR_UNREACHABLE, 77 for ERR_DENIED, else 1. */
int err_exit_status(int code);

#endif
