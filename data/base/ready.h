/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_BASE_READY_H
#define DATA_BASE_READY_H

#include "data/base/err.h"

/* ready - telling whoever started a daemon that it is at work. */

/* Writes "ready\n" to `fd` and closes it (-1: nobody asked), and sends READY=1 to
 * the socket that $NOTIFY_SOCKET names, as sd_notify(3) has it, if it is set. */
int ready_tell(int fd, struct err *err);

#endif
