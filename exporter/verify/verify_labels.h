/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_LABELS_H
#define EXPORTER_VERIFY_VERIFY_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/evidence/declared.h"
#include "exporter/verify/verify_line.h"
#include "exporter/verify/verify_refs.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_sign.h"
#include "exporter/verify/verify_store.h"

/*
 * verify_labels - the labels of a repository: annotated tags below refs/tags/.
 *
 *	verify_labels_read(&labels, &refs, store, sign, report, err);
 *	verify_line_read(...);			(with what a label declares, verify_begin.h)
 *	verify_labels_check(&labels, &line, store, sign, report);
 *	verify_labels_release(&labels);
 *
 * Labels are read first, as those of `prune` and `erase` decide how snapshots are judged: where
 * the history begins, and as of which time the key must have been allowed that a snapshot
 * is signed with. After an erasure that is the time of its label: a snapshot that was
 * written anew keeps its own time, but was signed then. The same holds for labels.
 */

enum verify_label_kind { VERIFY_LABEL_PEOPLE, VERIFY_LABEL_PRUNED, VERIFY_LABEL_ERASED };

struct verify_label {
	const struct verify_ref *ref; /* borrowed */
	const char *name;             /* without refs/tags/ */
	enum verify_label_kind kind;
	bool is_read; /* the members below are set */
	struct verify_commit
		tag;   /* `tree`: the commit that it is on; `number`: as it says */
	bool is_sound; /* nothing is wrong with it by itself */
	bool is_good; /* it can be relied on: if there are signers, one has signed it, too */
	bool is_anew; /* an erasure wrote it anew */
	char *principal,
		*key; /* who signed; NULL: not known. The key alone is as it says */
	struct declared_pruned pruned; /* by kind */
	struct declared_erased erased;
	uint64_t number; /* of its snapshot, once that is found; else 0 */
};

struct verify_labels {
	struct verify_label *label; /* by name */
	size_t count, cap;
	size_t erased; /* of them, good ones of an erasure */
	/* The highest number that a label declares to be main's first. Of what is older, a
	 * label of an erasure may be gone: `prune` drops it with the snapshot that it is on. */
	uint64_t first;
};

/* Reads all of them, and checks their signatures. Refs are borrowed. An error: ssh-keygen
 * cannot be run. */
int verify_labels_read(struct verify_labels *labels, const struct verify_refs *refs,
		       struct verify_store *store, struct verify_sign *sign,
		       struct verify_report *report, struct err *err);
void verify_labels_release(struct verify_labels *labels);

/* Compares them with their snapshots, which must be on the line. */
void verify_labels_check(struct verify_labels *labels, const struct verify_line *line,
			 struct verify_store *store, struct verify_sign *sign,
			 struct verify_report *report);

/* The last erasure that wrote the snapshot of this number anew, according to its label. NULL:
 * none. */
const struct verify_label *verify_labels_erasure(const struct verify_labels *labels,
						 uint64_t number);

#endif
