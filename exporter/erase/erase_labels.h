/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_ERASE_ERASE_LABELS_H
#define EXPORTER_ERASE_ERASE_LABELS_H

#include "exporter/erase/erase_commits.h"
#include "exporter/erase/erase_job.h"
#include "exporter/erase/erase_store.h"
#include "exporter/evidence/sign_agent.h"

/*
 * erase_labels - the labels of snapshots that were written anew. A label keeps its name, its
 * tagger, its time and its text; what albumen's own labels declare (declared.h) names the new
 * snapshots.
 */

struct erase_labels {
	struct erase_store *store;
	const struct erase_commits *commits;
	bool has_key;             /* without, a label that is signed is refused */
	struct sign_agent *agent; /* NULL: nothing is written, so nothing is signed */
	/* Appends the SHA-256 of a commit's new tree, in hex. */
	int (*sha256)(struct buf *hex, const uint8_t tree[OBJECT_ID], void *payload,
		      struct err *err);
	void *payload;
};

/* Sets *new to what the reference is to name; it may be what it names. ERR_REFUSED: it is
 * signed, and there is no key. */
int erase_labels_move(uint8_t new[OBJECT_ID], const struct erase_labels *labels,
		      const struct reflist_ref *ref, struct err *err);

/* ERR_REFUSED: the name or the text of a label names what is erased. */
int erase_labels_check(struct snapshot_repo *repo, const struct reflist *refs,
		       const struct erase_job *job, struct err *err);

#endif
