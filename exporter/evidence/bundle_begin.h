/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_BUNDLE_BEGIN_H
#define EXPORTER_EVIDENCE_BUNDLE_BEGIN_H

#include <stdbool.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/stop.h"
#include "exporter/git/snapshot.h"

/*
 * bundle_begin - where the history of a bundle begins, and which label declares that: as verify
 * wants it (declared.h).
 *
 * It begins with the first snapshot of all; or, if it is all that a pruned repository has, where
 * the repository's own label says, and then the held snapshots are in the bundle, too; or with
 * `from`, for which a label is made.
 */
struct bundle_begin {
	/* All are empty if it begins with the first snapshot of all. */
	struct buf shallow; /* the file of that name, in the bundle */
	/* And where it is made: with what the repository does not have either. */
	struct buf all_shallow;
	struct buf label; /* the name of the label that declares it */
	struct buf tag;   /* the body of that label, if it is made for the bundle */
	/* References of labels that are on held snapshots, and not reached from main: one in
	 * each line. */
	struct buf held;
	bool erased; /* an erasure wrote some of the repository's snapshots anew */
};

/* What the bundle is to have. */
struct bundle_range {
	const struct snapshot_info *from; /* NULL: the first snapshot there is */
	const struct snapshot_info *to;
	const char *key; /* signs a label that is made (sign.h), or NULL */
	struct stop *stop;
};

/* Zeroed by the caller, who releases it in any case. ERR_REFUSED: the label would have to be
 * signed, and there is no key; no label declares where the repository's own history begins; or
 * `to` is before the label of an erasure. ERR_USAGE: `from` is not an ancestor of `to`. */
int bundle_begin_find(struct bundle_begin *out, struct snapshot_repo *repo,
		      const struct bundle_range *range, struct err *err);
void bundle_begin_release(struct bundle_begin *begin);

#endif
