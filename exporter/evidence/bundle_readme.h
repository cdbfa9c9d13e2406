/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_BUNDLE_README_H
#define EXPORTER_EVIDENCE_BUNDLE_README_H

#include <stdbool.h>

#include "data/base/buf.h"
#include "exporter/evidence/bundle_begin.h"
#include "exporter/git/snapshot.h"

/* bundle_readme - the README.txt of a bundle (bundle.h). */
struct bundle_readme {
	const struct snapshot_info *from; /* NULL: the first snapshot there is */
	const struct snapshot_info *to;
	const struct bundle_begin *begin;
	bool signers, report; /* whether the bundle has these files */
};

/* Appends the text. */
void bundle_readme(struct buf *out, const struct bundle_readme *readme);

#endif
