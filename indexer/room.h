/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_ROOM_H
#define INDEXER_ROOM_H

#include <stdint.h>

#include "data/base/err.h"

/* room - waits until a full disk has room again, logs it once a minute, and tells the service
 * manager (data/base/ready.h). A zeroed `struct room` means that the disk is not full. */

#define ROOM_RETRY_MS 2000 /* between two attempts */

struct room {
	int64_t until_ms; /* the next attempt; 0: at once */
	int64_t logged_ms;
};

/* A commit failed with ERR_FULL. */
void room_wait(struct room *room, const struct err *err);
/* A commit succeeded. */
void room_found(struct room *room);

#endif
