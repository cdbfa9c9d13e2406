/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_LABEL_H
#define EXPORTER_EVIDENCE_LABEL_H

#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * label - a name for a snapshot, and why it is kept: an annotated git tag. It is made
 * once and never moved, and whatever it leads to stays in the repository.
 *
 * The tag's message is the reason, then the trailers Albumen-Snapshot (the number of
 * the snapshot) and, if the tag is signed, Albumen-Tree-SHA256 (digest.h).
 */

struct label {
	const char *name;
	const char *reason;
	const struct snapshot_info *snapshot;
	const char *key; /* sign.h; NULL: the tag is not signed */
	int64_t time_s;  /* moved up to the snapshot's where it lies before that */
};

/*
 * Makes the tag; *tag is its object. The repository must be open for writing, and no
 * edit begun. ERR_USAGE: a name that git does not take, or that --at takes for a
 * time; a reason that is empty or no plain text. ERR_REFUSED: there is such a label.
 */
int label_make(struct snapshot_id *tag, struct snapshot_repo *repo,
	       const struct label *label, struct err *err);

#endif
