/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_TABLE_H
#define EXPORTER_AUDIT_AUDIT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "data/base/err.h"
#include "exporter/audit/audit.h"

/* audit_table - an audit for people. */

/* Prints columns of text: totals, tags, then the albums; with `images`, instead of the albums
 * their untagged images. Lines fit 100 columns unless an id has more than 36 bytes: ids
 * are never cut, other texts are. Characters that would move a terminal's cursor or
 * reverse the direction of writing are escaped (data/base/plain.h). ERR_FULL, ERR_FAIL. */
int audit_table_print(FILE *out, const struct audit *audit, bool images, struct err *err);

#endif
