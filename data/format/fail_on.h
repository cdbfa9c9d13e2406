/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_FAIL_ON_H
#define DATA_FORMAT_FAIL_ON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * fail_on - what `status` of both programs finds wrong, and which of it makes its exit status 1:
 * what `--fail-on LIST` names.
 *
 *	rc = fail_on_read(&fail_on, "rejects,lag=5m", err);
 *	fail_on_add(&fail_on, FAIL_ON_REJECTS, "3 records are rejected");
 *	if (lag_s > fail_on.lag_s) { fail_on_add(&fail_on, FAIL_ON_LAG, ...); }
 *	fail_on_print(&out, &fail_on, json);
 *	status = fail_on.fails ? 1 : 0;
 *	fail_on_release(&fail_on);
 */

enum fail_on_what {
	FAIL_ON_REJECTS,  /* input is missing in what is exported */
	FAIL_ON_UNSIGNED, /* the last snapshot is signed by nobody, or by nobody who may */
	FAIL_ON_DAMAGED,  /* what is stored is not as it was left */
	FAIL_ON_FAILED,   /* work was not finished, and must be done again */
	FAIL_ON_LAG,      /* what is shown is older than that */
	FAIL_ON_COUNT,
};

#define FAIL_ON_DEFAULT "rejects,unsigned,damaged,failed,lag=60s"

/* A zeroed one has an empty list. */
struct fail_on {
	unsigned what; /* the list: a set of 1 << enum fail_on_what */
	/* More than that is a lag, whether or not the list has it. */
	int64_t lag_s;
	bool fails; /* something of the list was added */
	struct fail_on_found {
		enum fail_on_what what;
		char *reason;
	} * found;
	size_t count, cap;
};

/* Reads a list: words with commas between them, `lag` with an age (data/format/age.h); "none" is
 * the empty list; NULL is FAIL_ON_DEFAULT. ERR_USAGE. */
int fail_on_read(struct fail_on *out, const char *list, struct err *err);

/* Adds what was found. The reason is one line. */
void fail_on_add(struct fail_on *fail_on, enum fail_on_what what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends all that was found: as the member `problems`, an array of {"what","reason","fails"}, or
 * as lines for people. */
void fail_on_print(struct buf *out, const struct fail_on *fail_on, bool json);
void fail_on_release(struct fail_on *fail_on);

#endif
