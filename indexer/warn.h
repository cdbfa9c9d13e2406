/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_WARN_H
#define INDEXER_WARN_H

#include <stddef.h>
#include <stdint.h>

/*
 * warn - warnings about single files. The input decides how many there are, so of each
 * kind ten a minute are logged. The others are counted, and their number is logged when
 * the minute is over. Rejects have kinds of their own (indexer/reject.h).
 *
 *	struct warn warn = {0};
 *	warn_lost(&warn, path, len, 3);
 *	warn_tick(&warn);	(now and then, while the program waits for more)
 *	warn_end(&warn);
 *
 * For one thread at a time.
 */

enum warn_kind {
	WARN_LOST,
	WARN_REJECT,
	/* Kinds of rejects in one minute; the last one is for all others. */
	WARN_KINDS = WARN_REJECT + 16,
};

struct warn {
	struct warn_lines {
		int64_t since_ms; /* the first line of this minute; 0: there is none */
		unsigned logged;
		uint64_t more;    /* counted, not logged */
		uint32_t reject;  /* the kind of these rejects */
		char reason[100]; /* of the first one */
	} lines[WARN_KINDS];
};

/* A file that is still there no longer states `images` images, and no other file does.
 * NULL for `warn` is allowed, here and below. */
void warn_lost(struct warn *warn, const char *path, size_t len, uint64_t images);

/* A record or a file is rejected that was not before. */
void warn_reject(struct warn *warn, const char *path, size_t len, uint64_t line,
		 uint64_t column, const char *reason);

/* Logs the counts of minutes that are over. */
void warn_tick(struct warn *warn);
/* Logs all counts. */
void warn_end(struct warn *warn);

#endif
