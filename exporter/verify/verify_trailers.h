/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_TRAILERS_H
#define EXPORTER_VERIFY_VERIFY_TRAILERS_H

#include <stdint.h>

#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_rows.h"

/*
 * verify_trailers - checks the trailers of commits (message.h), along the line.
 */

#define VERIFY_TRAILERS_INDEX 200 /* bytes of an index's uuid, at most */

struct verify_trailers {
	/* Of the snapshot before. index is "" if it has none. */
	char index[VERIFY_TRAILERS_INDEX + 1];
	uint64_t epoch, sequence;
	int64_t off[5]; /* by how much its counts were wrong */
};
/* A zeroed one comes before the first snapshot. */

/* Checks all trailers of the snapshot `number` but its counts. */
void verify_trailers_check(struct verify_trailers *trailers, struct verify_report *report,
			   const char *message, uint64_t number);

/* Compares the counts in its trailers with those of its tree. A count that is wrong by as
 * much as in the snapshot before is reported there only. */
void verify_trailers_counts(struct verify_trailers *trailers,
			    struct verify_report *report, const char *message,
			    const struct verify_rows_counts *counts);

#endif
