/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/room.h"

#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/base/ready.h"

#define LOG_MS 60000

void room_wait(struct room *room, const struct err *err)
{
	int64_t now = clock_now_ms();

	if (!room->logged_ms) {
		ready_waiting("waiting for room on the disk of the index");
	}
	if (!room->logged_ms || now - room->logged_ms >= LOG_MS) {
		log_warning("%s; changes are kept, and retried until there is room",
			    err->msg);
		room->logged_ms = now;
	}
	room->until_ms = now + ROOM_RETRY_MS;
}

void room_found(struct room *room)
{
	if (room->logged_ms) {
		log_info("there is room on the disk again");
		ready_waiting("");
	}
	*room = (struct room){0};
}
