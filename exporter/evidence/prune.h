/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_PRUNE_H
#define EXPORTER_EVIDENCE_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/purge.h"
#include "exporter/git/reach.h"
#include "exporter/git/shallow.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/labels.h"

/*
 * prune - makes the history of main begin later, git's own way: the file `shallow` lists the
 * first snapshot that is kept, and each older one that a label holds. So ids and signatures of
 * what stays remain valid. A label below "pruned/" declares it (declared.h).
 *
 *	prune_look(&prune, repo, "2024-01-01", err);
 *	if (!prune.nothing) {
 *		prune_run(&prune, &result, repo, &how, err);
 *	}
 *	prune_release(&prune);
 *
 * The order: the label's tag in a new pack, references and `shallow` at once (refswap.h), then
 * the objects (purge.h). A kill leaves the old history or the new one; what has still to go is
 * removed by the next writer.
 */

/* A snapshot before the first one, which is kept for its labels. */
struct prune_held {
	uint8_t commit[OBJECT_ID];
	uint64_t number;
	int64_t time_s;
	const struct labels_entry
		*label; /* the first of them; borrowed from prune.labels */
	size_t count;
};

/* What is to be done. A zeroed one is empty. */
struct prune {
	bool nothing;     /* history begins there already, and nothing is to go */
	int64_t before_s; /* what WHEN meant, Unix seconds */
	struct snapshot_info first; /* the first one that is kept */
	uint64_t number;            /* of it */
	uint64_t dropped;           /* snapshots that go */
	struct prune_held *held;    /* the oldest first */
	size_t helds;
	struct labels labels;
	struct shallow shallow; /* as it is to be */
	struct buf gone;        /* names of references that go, with a NUL each */
};

/*
 * Finds out what pruning would do; nothing is changed. WHEN is as in when.h, but a date means
 * its beginning, and the snapshot that was in effect then is the first to be kept. ERR_USAGE: it
 * is in the future. ERR_NOTFOUND: there is no snapshot, or WHEN is a revision that is none on
 * main. ERR_REFUSED: another reference or a work tree needs what would go. Cost: each commit of
 * main is read.
 */
int prune_look(struct prune *out, struct snapshot_repo *repo, const char *before,
	       struct err *err);
/* How much there is and how much would stay. Reads the trees of what would stay. */
int prune_measure(const struct prune *prune, struct reach_sum *all,
		  struct reach_sum *stays, struct snapshot_repo *repo, struct err *err);

struct prune_how {
	const char *key; /* signs the label (sign.h); NULL: it is not signed */
	int64_t time_s;  /* of the label */
};
/* Prunes; *label is the name of the label, and `freed` what became of the objects. The
 * repository must be open for writing and no edit begun. ERR_REFUSED: the first snapshot is
 * signed, and there is no key. ERR_CHANGED, ERR_LOCKED: as refswap_run; nothing was changed. */
int prune_run(const struct prune *prune, struct buf *label, struct purge_result *freed,
	      struct snapshot_repo *repo, const struct prune_how *how, struct err *err);
void prune_release(struct prune *prune);

#endif
