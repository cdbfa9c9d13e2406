/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_WHEN_H
#define EXPORTER_LOOKBACK_WHEN_H

#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * when - WHEN of the command line: which snapshot is meant. Instants are Unix
 * seconds. It is one of
 *
 *	2026-11-22T05:34:26+01:00	an RFC 3339 instant
 *	2026-11-22 04:34[:26]		the same in UTC
 *	2026-11-22			the last second of that day, UTC
 *	now				the last snapshot, whatever the clock says
 *	yesterday, N UNIT ago		UNIT: second minute hour day week month year, also
 *					with an s; months and years by the calendar, UTC
 *	anything else			a revision as git names it: an id or the
 *					beginning of one, a tag, HEAD~3
 *
 * and what could be both an instant and a revision is an instant. An instant means
 * the snapshot that was the last one then. The clock is SOURCE_DATE_EPOCH where that is
 * set, as for the time of a snapshot.
 */

/*
 * Finds the snapshot; NULL is the last one. *instant is the instant that was named,
 * or the commit's time for a revision, or the clock for NULL and `now` (the
 * commit's time where that is later): what ages are counted to.
 * The caller releases *out (snapshot_info_release). ERR_NOTFOUND: none is so early,
 * there is no such revision, or no snapshot at all.
 */
int when_resolve(struct snapshot_repo *repo, const char *when, struct snapshot_info *out,
		 int64_t *instant, struct err *err);

/* Reads an AGE: a whole number and one of s, m, h, d, w ("30d"). ERR_USAGE. */
int when_age(const char *text, int64_t *seconds, struct err *err);

/* The clock, or SOURCE_DATE_EPOCH. ERR_USAGE: that is not a number. */
int when_now(int64_t *now, struct err *err);

/* Reads WHEN as an instant, with `now` for what counts from it. ERR_NOTFOUND,
 * quietly: it is none. */
int when_instant(int64_t *instant, const char *when, int64_t now);

/* "2026-11-22T04:34:26Z" and a NUL. What lies outside the years 1000 to 9999 is
 * shown as their first or last second. */
#define WHEN_TEXT (sizeof("2026-11-22T04:34:26Z"))
void when_format(char text[WHEN_TEXT], int64_t instant);

#endif
