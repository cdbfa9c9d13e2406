/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/plain.h"

/* Failures of one group that are passed on. */
#define GROUP_MAX 100

static void pass_on(struct verify_report *report, const char *path, const char *problem)
{
	struct buf plain_path = {0}, plain = {0};
	struct verify_failure failure = {.commit = report->commit,
					 .number = report->number};

	plain_add(&plain_path, path, strlen(path));
	plain_add(&plain, problem, strlen(problem));
	failure.path = plain_path.len ? plain_path.data : "";
	failure.problem = plain.data;
	report->each(&failure, report->payload);
	buf_release(&plain_path);
	buf_release(&plain);
}

void verify_report_at(struct verify_report *report, const char *commit, uint64_t number)
{
	if (report->here > GROUP_MAX) {
		char more[64];

		snprintf(more, sizeof(more), "%" PRIu64 " more failure%s",
			 report->here - GROUP_MAX,
			 report->here - GROUP_MAX == 1 ? "" : "s");
		pass_on(report, "", more);
	}
	report->here = 0;
	snprintf(report->commit, sizeof(report->commit), "%s", commit ? commit : "");
	report->number = number;
}

bool verify_report_is_full(const struct verify_report *report)
{
	return report->failures >= VERIFY_REPORT_MAX;
}

void verify_report_fail(struct verify_report *report, const char *path, const char *fmt,
			...)
{
	char problem[1024];
	va_list ap;

	if (verify_report_is_full(report)) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(problem, sizeof(problem), fmt, ap);
	va_end(ap);
	report->failures++;
	if (++report->here <= GROUP_MAX) {
		pass_on(report, path, problem);
	}
	if (verify_report_is_full(report)) {
		verify_report_at(report, report->number ? report->commit : NULL,
				 report->number);
		snprintf(problem, sizeof(problem),
			 "verification ends here, after %d failures", VERIFY_REPORT_MAX);
		pass_on(report, "", problem);
	}
}
