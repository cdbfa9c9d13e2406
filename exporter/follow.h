/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_FOLLOW_H
#define EXPORTER_FOLLOW_H

#include "data/base/err.h"
#include "exporter/export.h"

/*
 * follow - export now, and whenever the index changes, until a stop is asked for.
 *
 * Woken by inotify when the indexer has committed (INDEX_CHANGED_FILE), and
 * once a minute in case that was missed (the indexer was killed between its
 * commit and its sign); asleep otherwise. An index that is not there yet, or that
 * was deleted to be rebuilt, is waited for.
 *
 * job->index is not used: the index in the folder `dir` is opened here, as often as
 * it is made anew. `ready_fd`: data/base/ready.h; told after the first export.
 * The repository's lock is held only while there is something to export: in between
 * other writers have their turn (snapshot_unlock). Returns 0 when stopped.
 */
int follow_run(const struct export_job *job, const char *dir, int ready_fd,
	       struct err *err);

#endif
