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
 * page_history - how many images were untagged in each snapshot, and what happened before it,
 * for the audit page. Only the trailers of the commits are read, no trees. A site has it in files of PAGE_CHUNK
 * snapshots, so that one more snapshot changes one small file.
 */

#define PAGE_CHUNK 128

struct page_row {
	char commit[SNAPSHOT_HEX + 1];
	int64_t time_s;
	uint64_t images, untagged; /* PAGE_UNKNOWN: there is no trailer */
	size_t incidents;          /* offset in page_history::incidents; 0: none */
};

struct page_history {
	uint64_t last;        /* number of the newest snapshot, which is row[0] */
	struct page_row *row; /* the one before it is row[1], and so on */
	size_t count, cap;
	struct buf incidents; /* JSON objects, each with a NUL behind it */
	/* Up to the snapshot of this number, the base has the same history; 0: none of it.
	 * base_last is the number of the base. Where history begins with another snapshot than
	 * that of the base did (`prune`, or git fetch --depth), nothing is kept. */
	uint64_t kept, base_last;
};

/*
 * Reads the history of the snapshot `to`. With a `base`, reads only what the snapshot `base`
 * does not have in its history, and from there back to the beginning of a chunk. Reads one
 * commit per row. In a pruned repository or a shallow clone history begins later: `base_first`
 * is the number of the first snapshot when the page of `base` was made (0: not known), and each
 * commit of shallow.h is read to see whether it still is.
 */
int page_history_read(struct page_history *out, struct snapshot_repo *repo,
		      const struct snapshot_info *to, const struct snapshot_info *base,
		      uint64_t base_first, struct err *err);
void page_history_release(struct page_history *history);

/* *first: the number of the snapshot that main begins with, 1 unless it begins late; 0: not
 * known. Reads each commit of shallow.h. */
int page_history_beginning(uint64_t *first, struct snapshot_repo *repo, struct err *err);

/* The number of the oldest row; 0 if there are no rows. */
uint64_t page_history_first(const struct page_history *history);

/* Appends the rows with the numbers `first` to `last`, the oldest first, as the elements of
 * a JSON array, a line for each: [number,time_s,images,untagged,"commit"]. If there are
 * incidents, an object follows, with those that there are: `lost` (how often events were
 * lost), `rescans`, `rejects` (in the metadata files at that time), `clock_behind` (seconds),
 * `out_of_step` and `restored` (true), `accepted` (what --accept was needed for). */
void page_history_add(struct buf *out, const struct page_history *history, uint64_t first,
		      uint64_t last);

#endif
