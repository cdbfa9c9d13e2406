/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_LABEL_H
#define EXPORTER_VERIFY_VERIFY_LABEL_H

#include <stdint.h>

#include "data/base/err.h"
#include "exporter/verify/verify_line.h"
#include "exporter/verify/verify_refs.h"
#include "exporter/verify/verify_sign.h"

/*
 * verify_label - the labels of a repository: that each is an annotated tag of its own
 * name, of a snapshot on the line, signed where snapshots are, and says the right
 * SHA-256 of it.
 */

struct verify_labels {
	struct verify_store *store;
	struct verify_report *report;
	const struct verify_line *line;
	struct verify_sign *sign;
	uint64_t count; /* of labels, so far */
};

/* Checks all of them. Errors are those of verify_sign. */
int verify_labels_check(struct verify_labels *labels, const struct verify_refs *refs,
			struct err *err);

#endif
