/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_SINCE_H
#define EXPORTER_AUDIT_AUDIT_SINCE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/audit/audit.h"
#include "exporter/git/history.h"

/*
 * audit_since - finds the `since` of every untagged image of an audit.
 */

/* `commit` is the audited snapshot. `few`: the audit is of few images in a large
 * snapshot. */
int audit_since_find(struct audit *audit, struct history *history,
		     const uint8_t commit[OBJECT_ID], bool few, struct err *err);

#endif
