/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_FOLLOW_H
#define EXPORTER_EXPORT_FOLLOW_H

#include "data/base/err.h"
#include "exporter/export/export.h"

/*
 * follow - exports now, and whenever the index changes, until a stop is asked for.
 *
 * inotify wakes it when the indexer has written INDEX_CHANGED_FILE after a commit. Once a
 * minute it looks by itself, in case the indexer was killed between the two. Where inotify
 * has no watch left, it looks at the file every second. It waits for an index that does
 * not exist yet, or that was removed, moved or replaced; for another writer; and for room
 * on a full disk.
 *
 * It opens the repository and the index by their paths, and opens an index that was made
 * anew once more: job->repo and job->index are not used. It writes to `ready_fd`
 * (data/base/ready.h) after the first export. It holds the repository's lock only while it
 * exports, so that other writers have their turn (snapshot_unlock). Returns 0 when stopped.
 */
int follow_run(const struct export_job *job, const char *repo, const char *index,
	       int ready_fd, struct err *err);

#endif
