/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLOCK_H
#define DATA_BASE_CLOCK_H

#include <stdint.h>

/* clock - time for measuring how long something takes, never for dates. */

/* Milliseconds of CLOCK_MONOTONIC: not moved by who sets the clock. */
int64_t clock_now_ms(void);

#endif
