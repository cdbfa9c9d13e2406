/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_ERR_H
#define DATA_BASE_ERR_H

/*
 * err - how a function says that it failed, and why.
 *
 * A fallible function returns 0, or a negative `enum err_code`, and takes a
 * `struct err *` as its last parameter. The message is written once, where the
 * failure happened, by `return err_set(err, ...)`; callers release what they
 * hold and pass the code on without rewording it. The caller at the top prints
 * `err->msg` and ends with `err_exit_status(code)`.
 *
 *	static int load(const char *path, struct err *err)
 *	{
 *		int fd = open(path, O_RDONLY | O_CLOEXEC);
 *		if (fd < 0) {
 *			return err_sys(err, "cannot open '%s'", path);
 *		}
 *		...
 *
 * Messages: lower case, no full stop, the failure first, the subject quoted,
 * and what to do about it where there is something to do.
 */

enum err_code {
	ERR_FAIL = -1,     /* anything that no caller tells apart */
	ERR_NOTFOUND = -2, /* expected: there is no such thing */
	ERR_INPUT = -3,    /* the input is bad; the program and the disk are fine */
	ERR_LOCKED = -4,   /* another process holds it: try again later */
	ERR_FULL = -5,     /* no room on the disk (ENOSPC, EDQUOT): try again later */
	ERR_FORMAT = -6,   /* a stored format that this version does not know */
	ERR_CHANGED = -7,  /* it changed while it was being worked on: try again now */
	ERR_REFUSED = -8,  /* possible but dangerous; the message names the option */
	ERR_USAGE = -9,    /* the command line is wrong */
	ERR_STOPPED = -10, /* a stop was asked for (SIGTERM, SIGINT) and obeyed */
	ERR_REPLACED =
		-11, /* its files were removed or replaced: try again with the new */
};

struct err {
	int code;       /* 0, or the code of the last err_set */
	char msg[2048]; /* one line, no newline; "" when code is 0 */
};

/* Fills *err (which may be NULL) and returns `code`, so that a failure is one
 * line: `return err_set(err, ERR_FAIL, "cannot ... '%s'", name);`. A message
 * that does not fit is cut. errno is left as it was. */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and strerror(errno) added. The code follows errno: ENOSPC and
 * EDQUOT are ERR_FULL, all else is ERR_FAIL. */
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As err_sys, for a call that looks whether there is such a thing, by a function whose
 * callers are told so: ENOENT is ERR_NOTFOUND. (Anywhere else ENOENT is a failure as any
 * other: a folder was removed under the program.) */
int err_sys_find(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The exit status of a program that ends with `code` (CONTRACT, section 7):
 * 0 for 0, 2 for ERR_USAGE, 75 for ERR_LOCKED, ERR_FULL and ERR_REPLACED, else 1. */
int err_exit_status(int code);

#endif
