/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_UNBUNDLE_H
#define EXPORTER_EVIDENCE_UNBUNDLE_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/evidence/workdir.h"

/*
 * unbundle - makes a repository of a bundle (bundle.h), for verify: with its references, its
 * pack and its file `shallow`, as they are. Nothing else in the archive is looked at: neither
 * the keys that came with it, nor the report.
 *
 * A bundle is hostile. It is unpacked into files whose names are ours, and takes no more room
 * than it has bytes, besides the pack's index. git indexes the pack, in a repository of
 * ours; its memory is limited as in borrow.h.
 */

/* Works in a temporary folder *dir, which the caller removes in any case; appends the path of
 * the repository. `file` is the archive; "-": stdin. ERR_INPUT: it is no bundle, or damaged.
 * ERR_FULL. */
int unbundle(struct buf *repo, struct workdir *dir, const char *file, struct err *err);

#endif
