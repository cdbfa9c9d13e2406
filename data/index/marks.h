/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_MARKS_H
#define DATA_INDEX_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * marks - when the change feed reached which sequence: what INDEX_CHANGED_FILE holds, a line for
 * each mark, as "SEQUENCE SECONDS" with leading zeros. The longer ago, the fewer marks are left. The
 * file may be lost: then only less is known of how long an exporter has been behind. Internal:
 * programs use index_changed_after.
 */

#define MARKS 128

struct marks {
	struct mark {
		uint64_t sequence; /* the last one, at the end of that second */
		int64_t time_s;    /* Unix seconds */
	} mark[MARKS];             /* both ascend */
	size_t count;
};

/* Reads the text of the file, as far as it is one: a reader may meet it half written. */
void marks_read(struct marks *out, const char *text, size_t len);
/* Adds that a commit has reached `sequence`. Marks of later ones, which are those of an index
 * that was restored since, and of later times, are forgotten. */
void marks_add(struct marks *marks, uint64_t sequence, int64_t now_s);
void marks_print(struct buf *out, const struct marks *marks);

/* When the change after `sequence` was committed, or later by up to a quarter of how long ago that
 * is. 0: it is not known. */
int64_t marks_after(const struct marks *marks, uint64_t sequence);

#endif
