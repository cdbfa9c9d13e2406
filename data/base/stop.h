/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_STOP_H
#define DATA_BASE_STOP_H

#include <stdbool.h>

#include "data/base/err.h"

/*
 * stop - SIGTERM and SIGINT, as something to ask and to poll.
 *
 * From stop_open on the two signals are blocked and wait in a signalfd: nothing
 * is ever interrupted, and the work asks between two steps whether it shall end.
 */
struct stop {
	int fd; /* readable when a stop was asked for */
	bool asked;
};

int stop_open(struct stop *stop, struct err *err);
void stop_close(struct stop *stop);

/* True from the first signal on. One system call: ask once in many steps. */
bool stop_asked(struct stop *stop);

/* ERR_STOPPED with its message if a stop was asked for, else 0. */
int stop_check(struct stop *stop, struct err *err);

#endif
