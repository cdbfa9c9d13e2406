/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_BEGINNING_H
#define EXPORTER_LOOKBACK_BEGINNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/lookback/labels.h"

/*
 * beginning - where the history of main begins late (shallow.h): after `prune`, or in a shallow
 * clone. Snapshots before that are held by their labels, each by itself.
 */

struct beginning_held {
	const struct labels_entry *label; /* the first one of the snapshot */
	size_t labels;
	uint64_t number; /* 0: its commit does not say */
	int64_t time_s;  /* committer time, Unix seconds */
};

/* A zeroed one is empty. */
struct beginning {
	bool late; /* otherwise the history is whole, and nothing is held */
	uint8_t first[OBJECT_ID];
	uint64_t number;
	int64_t time_s;
	struct beginning_held *held; /* the newest first */
	size_t count;
	struct labels labels;
};

/* Walks main back to its beginning. No main: all is zero. */
int beginning_read(struct beginning *out, struct snapshot_repo *repo, struct err *err);
void beginning_release(struct beginning *beginning);

/* Appends "history begins with snapshot 500, of TIME; held: 'q2' (snapshot 320, of TIME)", if
 * it begins late. */
void beginning_explain(struct buf *out, const struct beginning *beginning);

#endif
