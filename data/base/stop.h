/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_STOP_H
#define DATA_BASE_STOP_H

#include <stdbool.h>

#include "data/base/err.h"

/*
 * stop - SIGTERM and SIGINT as a flag to test and a descriptor to poll.
 *
 * After stop_open the two signals are blocked and wait in a signalfd. No system call is
 * interrupted; the work tests between two steps whether it should stop.
 */
struct stop {
	int fd; /* readable after a signal */
	bool asked;
};

int stop_open(struct stop *stop, struct err *err);
void stop_close(struct stop *stop);

/* True after the first signal. One system call: call it once in many steps. */
bool stop_asked(struct stop *stop);

/* Returns ERR_STOPPED after the first signal, else 0. */
int stop_check(struct stop *stop, struct err *err);

#endif
