/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_BUNDLE_H
#define EXPORTER_EVIDENCE_BUNDLE_H

#include <stdint.h>

#include "data/base/err.h"
#include "data/base/stop.h"
#include "exporter/git/snapshot.h"

/*
 * bundle - one file that an auditor takes away: a tar archive with
 *
 *	README.txt        what is in it, and how to verify it with git and Python alone
 *	snapshots.bundle  a git bundle: the snapshots as branch main, and their labels
 *	shallow           where the snapshots begin, if the first ones are left out
 *	allowed_signers   the keys, if given
 *	tree-sha256       the script that computes a snapshot's SHA-256
 *	report.html       an audit of the last snapshot, and the counts up to it
 *
 * The bundle has all objects of its snapshots, and no commit before the first of
 * them. If it begins late, a label in it declares that (bundle_begin.h). The same repository,
 * keys and range give the same bytes with the same git, if that label need not be made.
 */
#define BUNDLE_FOLDER "albumen-evidence" /* of all files, in the archive */

struct bundle {
	const char *out;                  /* a new file; "-": stdout */
	const struct snapshot_info *from; /* NULL: the first snapshot there is */
	const struct snapshot_info *to;
	const char *signers; /* an allowed-signers file, or NULL */
	const char *key;     /* signs a label that is made (sign.h), or NULL */
	struct stop *stop;
};

/* Works in a temporary folder beside `out` (workdir.h). ERR_REFUSED: there is a file `out`; or
 * bundle_begin.h says no. ERR_USAGE: `from` is not an ancestor of `to`. ERR_STOPPED. */
int bundle_make(struct snapshot_repo *repo, const struct bundle *bundle, struct err *err);

#endif
