/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INDEXER_ROOM_H
#define INDEXER_ROOM_H

#include <stdint.h>

#include "data/base/err.h"

/* room - waiting out a full disk, and saying so once a minute. Zeroed: it is not
 * full. */

#define ROOM_RETRY_MS 2000 /* between two tries */

struct room {
	int64_t until_ms; /* of the next try; 0: at once */
	int64_t said_ms;
};

/* A commit came to ERR_FULL: nothing is lost, and it is tried again. */
void room_wait(struct room *room, const struct err *err);
/* A commit succeeded. */
void room_found(struct room *room);

#endif
