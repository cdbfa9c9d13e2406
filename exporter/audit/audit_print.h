/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_PRINT_H
#define EXPORTER_AUDIT_AUDIT_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "data/base/err.h"
#include "exporter/audit/audit.h"

/*
 * audit_print - an audit for people, programs and spreadsheets; for browsers there
 * is page.h. All return ERR_FULL or ERR_FAIL where `out` takes no more.
 */

/* Columns of text: all, tags, then each album; with `images`, instead of albums their
 * untagged images. Lines fit 100 columns unless an id is over 36 bytes: ids are
 * never cut, other texts are. Characters that would move a terminal's cursor or turn
 * the writing round are shown as question marks. */
int audit_print_table(FILE *out, const struct audit *audit, bool images, struct err *err);

/* One JSON object, with a line for each album. */
int audit_print_json(FILE *out, const struct audit *audit, struct err *err);

/* RFC 4180, with a header: a row for all, then one for each album. */
int audit_print_csv(FILE *out, const struct audit *audit, struct err *err);

#endif
