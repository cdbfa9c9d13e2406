/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_ERASE_ERASE_H
#define EXPORTER_ERASE_ERASE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/erase/erase_job.h"
#include "exporter/git/snapshot.h"

/*
 * erase - takes records out of all of history: every snapshot becomes what an export of its
 * time would have been without them.
 *
 * Which files. An image has its own file and `.album`, and stands in its album's two lists;
 * its tag images count for their tags. A tag image stands in the file of its image, which may
 * become untagged by losing it. A tag has a file, and all of its tag images go. An album
 * stands for every image that was ever in it. A member is left out of every body.
 * erase_records.h does that from snapshot to snapshot.
 *
 * Which snapshots. One pass over history, the oldest first: main's line of first parents, then
 * what other labels lead to, such as the held snapshots of a pruned repository. From the first
 * snapshot that changes on, each one is written anew, since its parent is another one. A step
 * reads the trees on the way to what the snapshot changed (erase_tree.h), and the bodies of
 * the files that are concerned; so the cost is that of what changes. All that is erased in one
 * call takes one pass.
 *
 * Commits and labels are raw bytes here: the tree, the parent and the message change
 * (erase_message.h), and all else stays, also the parent of a first snapshot whose history was
 * pruned. What was signed is signed again. A snapshot that now equals its parent stays.
 *
 * The answers that are counted: responses of the API that are other than they were, or are
 * gone, in each snapshot where that begins or the answer changes.
 *
 * Then the digests of old objects go, the references move at once (refswap.h), with the label
 * erased/DATE (declared.h), and what nothing leads to any more is removed from the disk
 * (purge.h). A kill before the swap leaves the old history, a kill after it the new one: the
 * purge is due until it is done, and the next writer does it.
 */

struct erase_result {
	uint64_t from; /* the number of the first snapshot that was written anew; 0: none
			     * of main's */
	uint64_t snapshots; /* how many were, with those held */
	uint64_t labels;    /* likewise */
	uint64_t held;
	uint64_t answers;
	struct snapshot_id old_tip, new_tip; /* of main; new_tip is "" if dry */
	char label[40];                      /* its name; "" if dry */
};

/*
 * Erases. The repository is open for writing, or for reading if the job is dry, and no edit is
 * begun. Images of the albums are added to the job. Afterwards the repository has been opened
 * again.
 *
 * ERR_NOTFOUND: no snapshot has one of the records. ERR_REFUSED: something else than main and
 * labels reaches an old snapshot; what is signed would lose its signature; a label names what
 * is erased. Nothing has changed then. ERR_USAGE: the reason names it.
 */
int erase_run(struct erase_result *result, struct snapshot_repo *repo,
	      struct erase_job *job, struct err *err);

/* Removes from the disk what erase_run left behind: purge_run. The repository is opened
 * again. */
struct purge_result;
int erase_finish(struct purge_result *result, struct snapshot_repo *repo,
		 struct err *err);

#endif
