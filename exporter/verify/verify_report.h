/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_REPORT_H
#define EXPORTER_VERIFY_VERIFY_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * verify_report - where verification reports failures. A failure is not an error of the
 * program: it is counted and passed on, and the work continues.
 */

/* What is wrong, and where. */
struct verify_failure {
	const char *commit; /* 40 digits; "" if it is about no snapshot */
	uint64_t number;    /* of the snapshot in its line; 0: not known */
	const char *path;   /* in the snapshot, or of a file of the repository; or "" */
	const char *problem;
};
typedef void verify_failure_fn(const struct verify_failure *failure, void *payload);

struct verify_report {
	verify_failure_fn *each;
	void *payload;
	uint64_t failures;
	/* Private: see verify_report_at. */
	uint64_t here;
	char commit[41];
	uint64_t number;
};

/* From now on failures are of this snapshot; NULL: of none. Each call ends a group, of
 * which only the first hundred failures are passed on, and then how many more. */
void verify_report_at(struct verify_report *report, const char *commit, uint64_t number);

/*
 * Of the whole verification, this many failures are counted. Then no more are, and what has
 * a loop over things that may fail ends it: what strangers make can be faulty in more
 * places than can ever be gone through.
 */
#define VERIFY_REPORT_MAX 1000
bool verify_report_is_full(const struct verify_report *report);

/* Reports a failure at `path` ("": of the snapshot, or the repository, itself). */
void verify_report_fail(struct verify_report *report, const char *path, const char *fmt,
			...) __attribute__((format(printf, 3, 4)));

#endif
