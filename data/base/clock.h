/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_CLOCK_H
#define DATA_BASE_CLOCK_H

#include <stdint.h>

/* clock - measures how long something takes. Never used for dates. */

/* Milliseconds of CLOCK_MONOTONIC, which setting the clock does not change. */
int64_t clock_now_ms(void);
/* The same of CLOCK_BOOTTIME, which goes on while the machine sleeps: for what others wait for. */
int64_t clock_boot_ms(void);

#endif
