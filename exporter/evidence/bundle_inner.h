/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_BUNDLE_INNER_H
#define EXPORTER_EVIDENCE_BUNDLE_INNER_H

#include <stdbool.h>

#include "data/base/buf.h"
#include "exporter/evidence/bundle.h"

/*
 * bundle, from the inside: bundle.c puts the archive together, bundle_git.c makes the
 * git bundle in it, bundle_readme.c tells what to do with it.
 */

/* Writes the git bundle to the file `path`. `stage` is an empty folder to work in.
 * *shallow: what git's file of that name must hold to take it; "" for nothing. */
int bundle_git(struct buf *shallow, struct snapshot_repo *repo,
	       const struct bundle *bundle, const char *stage, const char *path,
	       struct err *err);

struct bundle_contents {
	bool shallow, signers, report;
};
/* Appends the text of README.txt. */
void bundle_readme(struct buf *out, const struct bundle *bundle,
		   const struct bundle_contents *contents);

#endif
