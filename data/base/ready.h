/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_READY_H
#define DATA_BASE_READY_H

#include "data/base/err.h"

/* ready - reports to who started a daemon that it is running. */

/* Fails (ERR_USAGE) if nothing is open at `fd` (-1: no descriptor was given). Call it before
 * any file is opened: one that gets this number later would be written to, and closed. */
int ready_check(long long fd, struct err *err);

/* Writes "ready\n" to `fd` and closes it (-1: no descriptor was given). If
 * $NOTIFY_SOCKET is set, sends READY=1 to that socket, as sd_notify(3) does, and takes back
 * what ready_waiting said. */
int ready_report(int fd, struct err *err);

/* Tells the service manager that the daemon runs, and what it waits for (one line, shown by
 * `systemctl status`). What it waits for may take for ever, and neither `systemctl start` nor
 * the start of the machine should hang so long. A descriptor hears nothing of it, and a
 * failure is left to ready_report. */
void ready_waiting(const char *what);

#endif
