/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_FORMAT_AGE_H
#define DATA_FORMAT_AGE_H

#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * age - a span of time on the command line: a whole number of at most nine digits and one of s,
 * m, h, d, w ("30d").
 */

/* Reads it as seconds. ERR_USAGE. */
int age_read(int64_t *seconds, const char *text, struct err *err);

/* Appends the largest unit that fits, and the next one if it is not 0: "3 d 4 h", "12 s". A
 * negative span is written as "0 s". */
void age_add(struct buf *out, int64_t seconds);

#endif
