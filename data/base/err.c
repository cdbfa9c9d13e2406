/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "data/base/plain.h"

/* Fills in the message. What does not fit is cut behind a whole character. */
__attribute__((format(printf, 2, 0))) static void format(struct err *err, const char *fmt,
							 va_list ap)
{
	size_t len = sizeof(err->msg) - 1;

	if (vsnprintf(err->msg, sizeof(err->msg), fmt, ap) > (int)len) {
		err->msg[plain_cut(err->msg, len)] = '\0';
	}
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	int saved = errno;

	if (err) {
		va_list ap;

		err->code = code;
		va_start(ap, fmt);
		format(err, fmt, ap);
		va_end(ap);
	}
	errno = saved;
	return code;
}

__attribute__((format(printf, 3, 0))) static int sys(struct err *err, int absent,
						     const char *fmt, va_list ap)
{
	int saved = errno;
	int code = ERR_FAIL;

	if (saved == ENOENT) {
		code = absent;
	} else if (saved == ENOSPC || saved == EDQUOT) {
		code = ERR_FULL;
	}
	if (err) {
		size_t used;

		err->code = code;
		format(err, fmt, ap);
		used = strlen(err->msg);
		snprintf(err->msg + used, sizeof(err->msg) - used, ": %s%s",
			 strerror(saved),
			 saved == EMFILE ? "; raise that limit (ulimit -n, LimitNOFILE=)"
					 : "");
	}
	errno = saved;
	return code;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	va_list ap;
	int code;

	va_start(ap, fmt);
	code = sys(err, ERR_FAIL, fmt, ap);
	va_end(ap);
	return code;
}

int err_sys_find(struct err *err, const char *fmt, ...)
{
	va_list ap;
	int code;

	va_start(ap, fmt);
	code = sys(err, ERR_NOTFOUND, fmt, ap);
	va_end(ap);
	return code;
}

int err_exit_status(int code)
{
	switch (code) {
	case 0:
		return 0;
	case ERR_USAGE:
		return 2;
	case ERR_LOCKED:
	case ERR_FULL:
	case ERR_REPLACED:
	case ERR_UNREACHABLE:
		return 75;
	case ERR_DENIED:
		return 77;
	default:
		return 1;
	}
}
