/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_READY_H
#define DATA_BASE_READY_H

#include "data/base/err.h"

/* ready - reports that a daemon is running. */

/* Fails (ERR_USAGE) if nothing is open at `fd` (-1: no descriptor was given). Call it before
 * any file is opened: one that gets this number later would be written to, and closed. */
int ready_check(long long fd, struct err *err);

/* Writes "ready\n" to `fd` and closes it (-1: no descriptor was given). If
 * $NOTIFY_SOCKET is set, sends READY=1 to that socket, as sd_notify(3) does. */
int ready_report(int fd, struct err *err);

#endif
