/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_BORROW_H
#define EXPORTER_EVIDENCE_BORROW_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/stop.h"
#include "exporter/git/snapshot.h"

/*
 * borrow - runs git on the snapshots of a repository, without git reading that repository's
 * configuration, hooks, attributes, grafts, remotes or references.
 *
 * git runs programs that a repository names: in a dozen keys of its configuration, in its
 * hooks, and for an object that is missing, which it fetches from a remote that promises it.
 * So git works in a bare repository of our own, which only borrows the objects
 * (objects/info/alternates). We write its references, and the file `shallow`, at which history
 * begins. git is told to use no transport, and no commit-graph, which could contradict the
 * commits. Damaged objects can make git ask for more and more memory (a delta of itself), so
 * there is a limit that follows the size of the repository.
 */
struct borrow {
	const char *dir; /* to work in: absolute, ours; the caller removes it */
	struct stop *stop;
	const char *advice; /* ends messages; NULL: that verify checks the repository */
	size_t memory_max;  /* set by borrow_init: how much git may ask for */
};

/* Makes an empty repository in the new folder "git" of `dir`. git may ask for memory that follows
 * `size`, the bytes of all objects that it may read. */
int borrow_init(struct borrow *borrow, uint64_t size, struct err *err);

/* Makes it so that it borrows the objects of `from`. Its branch main is at `tip`, it has the
 * tags of `from`, and history begins where that of `from` does. */
int borrow_make(struct borrow *borrow, struct snapshot_repo *from,
		const struct snapshot_id *tip, struct err *err);
/* Makes history begin elsewhere: `text` is the new file `shallow`. */
int borrow_set_shallow(const struct borrow *borrow, const struct buf *text,
		       struct err *err);

/* Runs git with `args` (ends with NULL). *input (may be NULL) is its stdin; what it prints is
 * appended to *out, if that is not NULL. Any exit status but 0 is an error. */
int borrow_run(const struct borrow *borrow, const struct buf *input, struct buf *out,
	       const char *const *args, struct err *err);

#endif
