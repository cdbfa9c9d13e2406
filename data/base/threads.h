/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_THREADS_H
#define DATA_BASE_THREADS_H

#include <pthread.h>
#include <stdbool.h>

/* threads - whether to use more than one, and how to begin them. Never changes what
 * comes out. */

/* True where this process may run on two processors, unless the environment
 * variable ALBUMEN_THREADS is 0. */
bool threads_pay(void);

/* Begins a thread that gets no signals: those are the main thread's, whose waits must
 * be interrupted. False: there is none to be had. */
bool threads_start(pthread_t *out, void *(*run)(void *), void *payload);

#endif
