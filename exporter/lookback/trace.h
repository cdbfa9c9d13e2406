/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_TRACE_H
#define EXPORTER_LOOKBACK_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/history.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/compare.h"

/*
 * trace - the snapshots in which an album, an image or a tag changed, the newest
 * first, and how.
 *
 *	struct compare_scope scope = {.image = "885999a5"};
 *	trace_run(&end, repo, &info.commit, &scope, each_event, each, payload, err);
 *
 * Neighbours are compared (compare.h) only where a file in the scope differs. Finding that
 * out reads a few trees a snapshot, whatever the library's size. An album's list of images
 * is read where it differs. Memory: about 100 bytes for each image of the album.
 */

/* A snapshot in which something changed. */
struct trace_entry {
	const struct history_step *step;
	uint64_t events[COMPARE_KINDS]; /* how many of each kind */
	/* In that snapshot. Of an album: its images, and how many of them are untagged.
	 * Of a tag: its live tag images, and its label and name in JSON, NULL if the tag is
	 * gone. */
	uint64_t images, untagged, tag_images;
	const char *label, *name;
};

/* How a trace ended. */
struct trace_end {
	bool seen; /* some snapshot has the album, image or tag */
	/* The clone is shallow: what its first snapshot changed is not known, and was not
	 * reported. */
	bool cut;
	/* Files that were not compared, as a snapshot lacks them (compare.h). */
	uint64_t skipped;
};

/* Called for each event of a snapshot, then for the snapshot. A non-zero return ends the
 * trace and is returned. */
typedef int trace_event_fn(const struct compare_event *event, void *payload);
typedef int trace_entry_fn(const struct trace_entry *entry, void *payload);

/*
 * Traces one album, image or tag from the snapshot `from` back to the first. ERR_INPUT:
 * a file of a snapshot is not what albumen writes.
 */
int trace_run(struct trace_end *end, struct snapshot_repo *repo,
	      const struct snapshot_id *from, const struct compare_scope *scope,
	      trace_event_fn *each_event, trace_entry_fn *each, void *payload,
	      struct err *err);

#endif
