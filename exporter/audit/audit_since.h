/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_AUDIT_AUDIT_SINCE_H
#define EXPORTER_AUDIT_AUDIT_SINCE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/audit/audit.h"
#include "exporter/git/history.h"

/*
 * audit_since - finds since when every untagged image of an audit has been untagged, and
 * decides which instant counts.
 */

/* Sets since, earlier, first, from_s and from_created of each image, and has_earlier of the
 * audit. `commit` is the audited snapshot. `few`: the audit is of few images in a large
 * snapshot. `was`: the images' `was` are looked for, too. */
int audit_since_find(struct audit *audit, struct history *history,
		     const uint8_t commit[OBJECT_ID], bool few, bool was,
		     struct err *err);

#endif
