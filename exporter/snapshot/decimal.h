/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_DECIMAL_H
#define EXPORTER_SNAPSHOT_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"

/*
 * decimal - rounds numbers by their decimal text, which no double could hold: any length,
 * any exponent. The cost is that of the text.
 */

/* Whether the text is a number as JSON writes it, perhaps with a plus sign in front. */
bool decimal_is(const char *text, size_t len);

/* Appends such a number, rounded to `decimals` decimals, half away from zero. A number
 * with no more decimals than that stays as it is written. */
void decimal_round(struct buf *out, const char *number, size_t len, size_t decimals);

#endif
