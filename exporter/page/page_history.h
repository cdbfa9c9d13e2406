/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_PAGE_PAGE_HISTORY_H
#define EXPORTER_PAGE_PAGE_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/page/page.h"

/*
 * page_history - how many images were untagged in each snapshot, for the audit page:
 * what the commits' trailers say, and nothing of the trees. A site has it in files
 * of PAGE_CHUNK snapshots, so that one more snapshot is one small file.
 */

#define PAGE_CHUNK 128

struct page_row {
	char commit[SNAPSHOT_HEX + 1];
	int64_t time_s;
	uint64_t images, untagged; /* PAGE_UNKNOWN: no such trailer */
};

struct page_history {
	uint64_t last;        /* number of the newest snapshot, which is row[0] */
	struct page_row *row; /* the one before it is row[1], and so on */
	size_t count, cap;
	/* Up to this number history is that of the base, too, whose own number is
	 * base_last. 0: nothing is known to be. */
	uint64_t kept, base_last;
};

/*
 * Reads the history of `to`: all of it, or with a `base` only as far as it is not
 * that of the snapshot `base`, and from there to the beginning of its chunk. Costs a
 * commit's reading for each row. A shallow clone ends early.
 */
int page_history_read(struct page_history *out, struct snapshot_repo *repo,
		      const struct snapshot_info *to, const struct snapshot_info *base,
		      struct err *err);
void page_history_release(struct page_history *history);

/* The number of the oldest row; 0 where there is no row. */
uint64_t page_history_first(const struct page_history *history);

/* Appends the rows with the numbers `first` to `last`, the oldest first, as the elements of
 * a JSON array, a line for each: [number,time_s,images,untagged,"commit"]. */
void page_history_add(struct buf *out, const struct page_history *history, uint64_t first,
		      uint64_t last);

#endif
