/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_FOLLOW_H
#define EXPORTER_EXPORT_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/base/stop.h"
#include "exporter/export/export.h"

/*
 * follow - export now, and whenever the index changes, until a stop is asked for.
 *
 * Woken by inotify when the indexer has committed (INDEX_CHANGED_FILE), and
 * once a minute in case that was missed (the indexer was killed between its
 * commit and its sign); asleep otherwise. Where inotify has no watch left, the sign is
 * looked at each second. An index that is not there yet, or that was deleted, moved or
 * replaced, is waited for. So is another writer, and room on a full disk.
 *
 * job->index is not used: the index in the folder `dir` is opened here, as often as
 * it is made anew. `ready_fd`: data/base/ready.h; told after the first export.
 * The repository's lock is held only while there is something to export: in between
 * other writers have their turn (snapshot_unlock). Returns 0 when stopped.
 */
struct follow_wait {
	bool waiting;
	int64_t said_ms;
};

/* What a daemon does about a failure that may pass: after ERR_LOCKED and ERR_FULL it
 * says so, once and then once a minute, sleeps, and returns 1: try again now.
 * ERR_STOPPED: a stop was asked for meanwhile. Returns any other `rc` as it is. Start
 * with {0}. */
int follow_wait(struct follow_wait *wait, int rc, struct stop *stop, struct err *err);

int follow_run(const struct export_job *job, const char *dir, int ready_fd,
	       struct err *err);

#endif
