/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_PRINT_H
#define EXPORTER_AUDIT_AUDIT_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/audit/audit.h"
#include "exporter/audit/audit_order.h"
#include "exporter/audit/audit_was.h"

/*
 * audit_print - what the forms of a printed audit have in common: audit_table.h for people,
 * audit_json.h for programs, audit_csv.h for spreadsheets. page.h prints one for browsers.
 *
 * Text is collected and written in parts:
 *
 *	... append to text ...
 *	audit_print_part(out, &text);
 *	...
 *	return audit_print_end(out, &text, err);
 */

/* Which part of an audit is printed. */
struct audit_view {
	/* Untagged images instead of albums (audit_order.h). NULL: albums. */
	const struct audit_row *row;
	uint64_t rows;         /* of the images, or of the albums, the first ones */
	bool one_album;        /* the audit is of one album */
	struct audit_was *was; /* of the images; the audit was made with AUDIT_WAS */
};

/* Writes the text once it is long, all but its last byte, which json_print looks at. Errors are
 * found at the end. */
void audit_print_part(FILE *out, struct buf *text);
/* Writes the rest, and frees it. ERR_FULL, ERR_FAIL: something could not be written. */
int audit_print_end(FILE *out, struct buf *text, struct err *err);

/* Appends the share of untagged images: 0.3333. */
void audit_print_fraction(struct buf *text, const struct audit_counts *counts);
/* What from_s is of: "created" or "observed". */
const char *audit_print_counted_from(const struct audit_image *image);

#endif
