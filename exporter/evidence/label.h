/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_LABEL_H
#define EXPORTER_EVIDENCE_LABEL_H

#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/snapshot.h"

/*
 * label - gives a snapshot a name, and says why it is kept. A label is an annotated git
 * tag. It is made once and never moved, and its snapshot stays in the repository.
 *
 * The tag's message is the reason, then the trailers Albumen-Snapshot (the number of
 * the snapshot) and, if the tag is signed, Albumen-Tree-SHA256 (digest.h).
 *
 * Labels below "pruned/" and "erased/" are albumen's own: they say what the repository no
 * longer has (declared.h), and no command makes one by a name from outside.
 */

struct label {
	const char *name;
	const char *reason;
	const struct snapshot_info *snapshot;
	/* Of a label of albumen's own: what it declares (declared.h). Else NULL. */
	const char *trailers;
	const char *key; /* sign.h; NULL: the tag is not signed */
	/* Of the snapshot's tree, in hex, if the caller knows it; NULL: it is computed. */
	const char *sha256;
	int64_t time_s; /* but never before the time of the snapshot */
};

/*
 * Makes the tag; *tag is its object. The repository must be open for writing, and no
 * edit begun. ERR_USAGE: git does not take the name, or --at reads it as something else;
 * the reason is empty or not plain text. ERR_REFUSED: there is such a label, or the name
 * means a snapshot already.
 */
int label_make(struct snapshot_id *tag, struct snapshot_repo *repo,
	       const struct label *label, struct err *err);

/* Appends the tag's body, signed if it is to be, and makes nothing. The name is not checked.
 * ERR_USAGE: as above. */
int label_write(struct buf *body, struct snapshot_repo *repo, const struct label *label,
		struct err *err);

#endif
