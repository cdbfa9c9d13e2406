/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_LABELS_H
#define EXPORTER_LOOKBACK_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/snapshot.h"

/*
 * labels - the labels of snapshots (evidence/label.h makes them). Every git tag that
 * leads to a commit, by no more than REPO_TAGS_MAX other tags, counts as one, even if
 * another program made it. Labels of albumen's own, below "pruned/" and "erased/", are apart:
 * they hold no snapshot, but say what happened to the history.
 */

struct labels_entry {
	uint8_t commit[OBJECT_ID];
	char *name; /* without "refs/tags/" */
	char *text; /* of albumen's own: the first line of the tag's message; else NULL */
};
/* By commit, then by name. Zeroed is empty. */
struct labels {
	struct labels_entry *entry; /* those of people */
	size_t count;
	struct labels_entry *own;
	size_t owns;
};

/* Whether a label of that name is albumen's own. */
bool labels_is_own(const char *name);
int labels_read(struct labels *out, struct snapshot_repo *repo, struct err *err);
void labels_release(struct labels *labels);

/* The labels of one snapshot, those of people or albumen's own: the first of *count entries, or
 * NULL. */
const struct labels_entry *labels_of(const struct labels *labels,
				     const uint8_t commit[OBJECT_ID], size_t *count);
const struct labels_entry *labels_own(const struct labels *labels,
				      const uint8_t commit[OBJECT_ID], size_t *count);

#endif
