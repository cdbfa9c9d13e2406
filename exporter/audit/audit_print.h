/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_PRINT_H
#define EXPORTER_AUDIT_AUDIT_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "data/base/err.h"
#include "exporter/audit/audit.h"

/*
 * audit_print - prints an audit for people, programs and spreadsheets; page.h prints it
 * for browsers. Each returns ERR_FULL or ERR_FAIL if it cannot write to `out`.
 */

/* Columns of text: totals, tags, then the albums; with `images`, instead of the albums
 * their untagged images. Lines fit 100 columns unless an id has more than 36 bytes: ids
 * are never cut, other texts are. Characters that would move a terminal's cursor or
 * reverse the direction of writing are shown as question marks. */
int audit_print_table(FILE *out, const struct audit *audit, bool images, struct err *err);

/* One JSON object, with a line for each album. */
int audit_print_json(FILE *out, const struct audit *audit, struct err *err);

/* RFC 4180, with a header: a row for all albums together, then one for each. */
int audit_print_csv(FILE *out, const struct audit *audit, struct err *err);

#endif
