/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_PACE_H
#define DATA_BASE_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * pace - when a program that runs for long reports its state again, to the files that others
 * watch it by: soon after a change, but at most once in PACE_LEAST_MS, and at the latest
 * PACE_MOST_MS after the last report, so that an old file shows that the program hangs or is
 * gone. A zeroed `struct pace` is due at once.
 *
 *	if (changed) {
 *		pace_changed(&pace);
 *	}
 *	if (pace_is_due(&pace)) {
 *		report();
 *		pace_done(&pace);
 *	}
 *	poll(fds, n, pace_wait_ms(&pace, timeout_ms));
 */

#define PACE_LEAST_MS 1000
#define PACE_MINUTE_S 60 /* what is promised: a report at least this often */
#define PACE_MOST_MS ((PACE_MINUTE_S - 5) * 1000) /* with some room to do it in */

struct pace {
	int64_t done_ms, due_ms; /* clock_now_ms */
};

void pace_changed(struct pace *pace);
bool pace_is_due(const struct pace *pace);
void pace_done(struct pace *pace);
/* `timeout_ms`, or less: a wait must not go beyond the next report. */
int64_t pace_wait_ms(const struct pace *pace, int64_t timeout_ms);

#endif
