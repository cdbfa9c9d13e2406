/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_BRAKE_H
#define DATA_BASE_BRAKE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * brake - how much may go at once before it is taken for a mistake, such as a disk that is
 * not mounted: of the files that an index knows (indexer/withdraw.h), and of a snapshot's
 * responses when another index is exported (exporter/export/export.c).
 */

/* Whether `gone` of `all` are too many: more than half of 100 or more, or all of 10 or
 * more. */
bool brake_holds(uint64_t gone, uint64_t all);

#endif
