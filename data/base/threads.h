/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_THREADS_H
#define DATA_BASE_THREADS_H

#include <stdbool.h>

/* threads - whether to use more than one. Never changes what comes out. */

/* True where this process may run on two processors, unless the environment
 * variable ALBUMEN_THREADS is 0. */
bool threads_pay(void);

#endif
