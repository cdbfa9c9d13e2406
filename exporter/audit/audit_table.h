/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_TABLE_H
#define EXPORTER_AUDIT_AUDIT_TABLE_H

#include <stdio.h>

#include "data/base/err.h"
#include "exporter/audit/audit_print.h"

/* audit_table - an audit for people. */

/* Prints columns of text: totals, tags, then the albums or images. Lines fit 100 columns
 * unless an id has more than 36 bytes, or they are of images: ids are never cut, other texts
 * are. Characters that would move a terminal's cursor or reverse the direction of writing
 * are escaped (data/base/plain.h). Tags are called by their label in the reader's language
 * (exporter/body/words.h). Errors as of audit_json_print. */
int audit_table_print(FILE *out, const struct audit *audit, const struct audit_view *view,
		      struct err *err);

#endif
