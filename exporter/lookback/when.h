/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_WHEN_H
#define EXPORTER_LOOKBACK_WHEN_H

#include <stdint.h>

#include "data/base/err.h"
#include "data/format/stamp.h"
#include "exporter/git/snapshot.h"

/*
 * when - which snapshot WHEN on the command line means. Instants are Unix seconds. WHEN
 * is one of
 *
 *	2026-11-22T05:34:26+01:00	an RFC 3339 instant
 *	2026-11-22 04:34[:26]		the same in UTC; a T may stand for the space
 *	2026-11-22			the last second of that day, UTC
 *	now				the last snapshot, whatever the clock says
 *	today				the present, by the clock
 *	yesterday, last UNIT		1 day ago, 1 UNIT ago
 *	N UNIT ago			UNIT: second minute hour day week month year, also
 *					with an s; months and years by the calendar, UTC
 *	anything else			a revision as git names it: an id or the
 *					beginning of one, a tag, HEAD~3
 *
 * What could be both an instant and a revision is an instant. An instant means the last
 * snapshot that was not later. The clock is SOURCE_DATE_EPOCH if that is set, as it is for
 * the time of a snapshot.
 */

/*
 * Finds the snapshot; NULL means the last one. *instant is what ages are counted to: the
 * instant that was named; of a revision the commit's time; for NULL and `now` the clock,
 * or the commit's time if that is later.
 * The caller releases *out (snapshot_info_release). ERR_NOTFOUND: no snapshot is so
 * early, there is no such revision, or no snapshot at all. If the history begins late, what
 * was before that is not known: a snapshot that is held there (beginning.h) is found by its
 * label or its id alone.
 */
int when_resolve(struct snapshot_repo *repo, const char *when, struct snapshot_info *out,
		 int64_t *instant, struct err *err);

/* The clock, or SOURCE_DATE_EPOCH. ERR_USAGE: SOURCE_DATE_EPOCH is not a number. */
int when_now(int64_t *now, struct err *err);

/* Reads WHEN as an instant; `now` is what "ago" counts from. ERR_NOTFOUND (no message): it
 * is not an instant, and *instant is unchanged. */
int when_instant(int64_t *instant, const char *when, int64_t now);
/* The same, but a date means the beginning of that day, UTC. */
int when_beginning(int64_t *instant, const char *when, int64_t now);

/* As stamp_format does. */
#define WHEN_TEXT STAMP_TEXT
void when_format(char text[WHEN_TEXT], int64_t instant);

#endif
