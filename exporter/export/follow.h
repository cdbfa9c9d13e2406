/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_FOLLOW_H
#define EXPORTER_EXPORT_FOLLOW_H

#include "data/base/err.h"
#include "exporter/export/export.h"

/* What follow has done since it began, and where it is. */
struct follow_state {
	/* When the last snapshot was last found to show all of the index (Unix time; 0: not
	 * yet): at the end of an export, whether or not that made a snapshot, or while another
	 * program has the repository. Which snapshot, and up to which sequence it does. */
	int64_t checked_s;
	struct snapshot_id commit;
	int64_t commit_s; /* its time */
	uint64_t sequence;
	uint64_t oversize; /* responses that the snapshot lacks (oversize.h) */
	/* Whether the index is open, and its sequence now. */
	bool has_index;
	uint64_t index_sequence;
	/* Exports that made a snapshot or changed the site, how long the last one took, and
	 * what they wrote into the site. */
	uint64_t exports;
	int64_t took_ms;
	uint64_t files, bytes;
	/* Exports that failed, but for those that only had to wait for another process. */
	uint64_t errors;
};

struct follow_options {
	int ready_fd; /* data/base/ready.h; it is written to after the first export */
	/* Called before the repository is opened, which makes it; again, while it fails with
	 * what may pass. NULL: nothing is to be looked at. */
	int (*check)(void *payload, struct err *err);
	/* Reports the state to the files that others watch follow by: called at the start,
	 * at the pace of data/base/pace.h, and at the end. The lock of the repository is free
	 * then. NULL: nothing is reported. */
	void (*report)(const struct follow_state *state, void *payload);
	void *payload;
};

/*
 * follow - exports now, and whenever the index changes, until a stop is asked for.
 *
 * inotify wakes it when the indexer has written INDEX_CHANGED_FILE after a commit. Once a
 * minute it looks by itself, in case the indexer was killed between the two. Where inotify
 * has no watch left, it looks at the file every second. It waits for an index that does
 * not exist yet, or that was removed, moved or replaced; for another writer; and for room
 * on a full disk.
 *
 * Where there is a site, it writes health.json (health.h) after each export that ended well,
 * and renews it once a minute while nothing changes.
 *
 * It opens the repository and the index by their paths, and opens an index that was made
 * anew once more: job->repo and job->index are not used. It holds the repository's lock only
 * while it exports, so that other writers have their turn (snapshot_unlock). Returns 0 when
 * stopped.
 */
int follow_run(const struct export_job *job, const char *repo, const char *index,
	       const struct follow_options *options, struct err *err);

#endif
