/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_TRAILERS_H
#define EXPORTER_VERIFY_VERIFY_TRAILERS_H

#include <stdint.h>

#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_state.h"

/*
 * verify_trailers - what commits say in their trailers (message.h), along the line.
 */

#define VERIFY_TRAILERS_INDEX 200 /* bytes of an index's name, at most */

struct verify_trailers {
	/* Of the snapshot before: index "": it does not say. */
	char index[VERIFY_TRAILERS_INDEX + 1];
	uint64_t epoch, sequence;
	int64_t off[5]; /* what the counts were wrong by in the snapshot before */
};
/* A zeroed one is the beginning. */

/* Checks what the snapshot `number` says of itself. */
void verify_trailers_check(struct verify_trailers *trailers, struct verify_report *report,
			   const char *message, uint64_t number);

/* Checks what it says of its tree. What is wrong by as much as it was in the
 * snapshot before is told only there. */
void verify_trailers_counts(struct verify_trailers *trailers,
			    struct verify_report *report, const char *message,
			    const struct verify_state_counts *counts);

#endif
