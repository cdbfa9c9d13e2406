/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_THREADS_H
#define DATA_BASE_THREADS_H

#include <pthread.h>
#include <stdbool.h>

/* threads - whether to use threads, and how to start one. The number of threads never
 * changes the output. */

#define THREADS_VARIABLE "ALBUMEN_THREADS"
/* True if this process may run on two processors, unless that environment variable is 0. */
bool threads_pay(void);

/* Starts a thread that blocks all signals, since they must interrupt the main thread; but not
 * those of a fault of its own (fault.h). False: none could be started. */
bool threads_start(pthread_t *out, void *(*run)(void *), void *payload);

#endif
