/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_LABELS_H
#define EXPORTER_LOOKBACK_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/snapshot.h"

/*
 * labels - the labels of snapshots (evidence/label.h makes them). Every git tag that
 * leads to a commit, by no more than REPO_TAGS_MAX other tags, counts as one, even if
 * another program made it.
 */

struct labels_entry {
	uint8_t commit[OBJECT_ID];
	char *name; /* without "refs/tags/" */
};
/* By commit, then by name. Zeroed is empty. */
struct labels {
	struct labels_entry *entry;
	size_t count;
};

int labels_read(struct labels *out, struct snapshot_repo *repo, struct err *err);
void labels_release(struct labels *labels);

/* The labels of one snapshot: the first of *count entries, or NULL. */
const struct labels_entry *labels_of(const struct labels *labels,
				     const uint8_t commit[OBJECT_ID], size_t *count);

#endif
