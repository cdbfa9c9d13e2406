/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/warn.h"

#include <stdbool.h>
#include <string.h>

#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/base/plain.h"
#include "indexer/reject.h"

#define LINES_MAX 10
#define LINES_MS 60000

static void log_more(int kind, const struct warn_lines *lines)
{
	unsigned long long more = lines->more;
	bool one = more == 1;

	if (kind == WARN_LOST) {
		log_warning("%llu more file%s images that only %s stated", more,
			    one ? " no longer states" : "s no longer state",
			    one ? "it" : "they");
	} else if (kind < WARN_KINDS - 1) {
		log_warning(
			"rejected %llu more: %s (`albumen-indexer status` lists them)",
			more, lines->reason);
	} else {
		log_warning("rejected %llu more, for other reasons (`albumen-indexer "
			    "status` lists them)",
			    more);
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
			log_more(kind, lines);
		}
		*lines = (struct warn_lines){0};
	}
}

/* Whether one more of these lines may be logged. If not, it is counted. */
static bool may_log(struct warn_lines *lines)
{
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
	warn_tick(warn);
	if (warn && may_log(&warn->lines[WARN_LOST])) {
		log_warning(
			"%llu image%s that only '%.*s' stated %s gone; if '%.*s' is a "
			"dump of a listing, keep each dump under its own name "
			"(untag-2026-11-24.json)",
			(unsigned long long)images, images == 1 ? "" : "s", (int)len,
			path, images == 1 ? "is" : "are", (int)len, path);
	}
}

/* The lines for rejects of this kind. */
static struct warn_lines *lines_of(struct warn *warn, const char *reason)
{
	uint32_t kind = reject_kind(reason);
	struct warn_lines *lines = &warn->lines[WARN_REJECT], *unused = NULL;

	for (; lines < &warn->lines[WARN_KINDS - 1]; lines++) {
		if (lines->since_ms && lines->reject == kind) {
			return lines;
		}
		if (!lines->since_ms && !unused) {
			unused = lines;
		}
	}
	if (unused) {
		size_t len = strcspn(reason, ";");

		lines = unused;
		if (len >= sizeof(lines->reason)) {
			len = plain_cut(reason, sizeof(lines->reason) - 1);
		}
		lines->reject = kind;
		memcpy(lines->reason, reason, len);
		lines->reason[len] = '\0';
	}
	return lines;
}

void warn_reject(struct warn *warn, const char *path, size_t len, uint64_t line,
		 uint64_t column, const char *reason)
{
	struct buf text = {0};

	warn_tick(warn);
	if (warn && may_log(lines_of(warn, reason))) {
		reject_add(&text, path, len, line, column, reason);
		log_warning("rejected %s", text.data);
		buf_release(&text);
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
