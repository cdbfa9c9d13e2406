/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/warn.h"

#include <stdbool.h>

#include "data/base/clock.h"
#include "data/base/log.h"

#define LINES_MAX 10
#define LINES_MS 60000

static void log_more(enum warn_kind kind, uint64_t more)
{
	bool one = more == 1;

	switch (kind) {
	case WARN_LOST:
		log_warning("%llu more file%s images that only %s stated",
			    (unsigned long long)more,
			    one ? " no longer states" : "s no longer state",
			    one ? "it" : "they");
		break;
	case WARN_KINDS:
		break;
	}
}

/* Ends the minutes that are over, or all of them. */
static void end(struct warn *warn, bool all)
{
	int64_t now = clock_now_ms();

	for (int kind = 0; warn && kind < WARN_KINDS; kind++) {
		struct warn_lines *lines = &warn->lines[kind];

		if (!lines->since_ms || (!all && now - lines->since_ms < LINES_MS)) {
			continue;
		}
		if (lines->more) {
			log_more((enum warn_kind)kind, lines->more);
		}
		*lines = (struct warn_lines){0};
	}
}

/* Whether one more line of this kind may be logged. If not, it is counted. */
static bool may_log(struct warn *warn, enum warn_kind kind)
{
	struct warn_lines *lines = &warn->lines[kind];

	warn_tick(warn);
	if (!lines->since_ms) {
		lines->since_ms = clock_now_ms();
	}
	if (lines->logged == LINES_MAX) {
		lines->more++;
		return false;
	}
	lines->logged++;
	return true;
}

void warn_lost(struct warn *warn, const char *path, size_t len, uint64_t images)
{
	if (warn && may_log(warn, WARN_LOST)) {
		log_warning(
			"%llu image%s that only '%.*s' stated %s gone; if '%.*s' is a "
			"dump of a listing, keep each dump under its own name "
			"(untag-2026-11-24.json)",
			(unsigned long long)images, images == 1 ? "" : "s", (int)len,
			path, images == 1 ? "is" : "are", (int)len, path);
	}
}

void warn_tick(struct warn *warn)
{
	end(warn, false);
}

void warn_end(struct warn *warn)
{
	end(warn, true);
}
