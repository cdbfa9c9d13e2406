/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_CSV_H
#define EXPORTER_AUDIT_AUDIT_CSV_H

#include <stdio.h>

#include "data/base/err.h"
#include "exporter/audit/audit_print.h"

/* audit_csv - an audit for spreadsheets. */

/* Prints RFC 4180, with a header: a row for all albums together, then one for each; or a row
 * for each image. Errors as of audit_json_print. */
int audit_csv_print(FILE *out, const struct audit *audit, const struct audit_view *view,
		    struct err *err);

#endif
