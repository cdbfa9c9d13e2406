/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_LATER_H
#define INDEXER_LATER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * later - paths that `watch` looks at again after a delay. There are few delays, and
 * each has its own queue, so every queue is in order.
 *
 *	struct later later = {0};
 *	later_add(&later, LATER_RACY, now_ms, path, len);
 *	timeout = later_due_ms(&later) - now_ms;
 *	while (later_take(&later, now_ms, &which, &path, &len)) { ... }
 *	later_release(&later);
 */
enum later_which {
	LATER_APPEARED, /* a new file, unless its writer closes it before */
	LATER_RETRY_1,  /* a bad file: it may not be written to its end yet */
	LATER_RETRY_2,
	LATER_RETRY_3,
	LATER_RACY, /* its stat values may hide a change that came after its reading */
	LATER_COUNT,
};

#define LATER_MAX 100000 /* paths in one queue */

struct later_queue {
	struct buf text; /* due time in ms and length, both big-endian; path; NUL */
	size_t head, count;
};

struct later {
	struct later_queue queue[LATER_COUNT];
};

/* False if that queue is full: the path is not added. */
bool later_add(struct later *later, enum later_which which, int64_t now_ms,
	       const char *path, size_t len);
/* Takes out a path that is due, if there is one. It is borrowed until the next call. */
bool later_take(struct later *later, int64_t now_ms, enum later_which *which,
		const char **path, size_t *len);
/* When the next path is due; INT64_MAX if there is none. */
int64_t later_due_ms(const struct later *later);
void later_release(struct later *later);

#endif
