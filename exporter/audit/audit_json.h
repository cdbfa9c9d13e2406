/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_JSON_H
#define EXPORTER_AUDIT_AUDIT_JSON_H

#include <stdio.h>

#include "data/base/err.h"
#include "exporter/audit/audit_print.h"

/* audit_json - an audit for programs. */

/* Prints one JSON object, with a line for each album or image. ERR_FULL, ERR_FAIL; ERR_INPUT from
 * audit_was.h, when a part is printed already. */
int audit_json_print(FILE *out, const struct audit *audit, const struct audit_view *view,
		     struct err *err);

#endif
