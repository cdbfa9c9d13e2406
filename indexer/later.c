/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/later.h"

#include <string.h>

#define HEADER 12 /* bytes of an entry before its path */

static const int delay_ms[LATER_COUNT] = {
	[LATER_APPEARED] = 50,   [LATER_RETRY_1] = 50, [LATER_RETRY_2] = 1000,
	[LATER_RETRY_3] = 30000, [LATER_RACY] = 2500,
};

bool later_add(struct later *later, enum later_which which, int64_t now_ms,
	       const char *path, size_t len)
{
	struct later_queue *queue = &later->queue[which];

	if (queue->count >= LATER_MAX) {
		return false;
	}
	/* Entries that were taken out are dropped once they fill more than half. */
	if (queue->head > queue->text.len / 2) {
		memmove(queue->text.data, queue->text.data + queue->head,
			queue->text.len - queue->head);
		buf_setlen(&queue->text, queue->text.len - queue->head);
		queue->head = 0;
	}
	buf_addu64(&queue->text, (uint64_t)(now_ms + delay_ms[which]));
	buf_addu32(&queue->text, (uint32_t)len);
	buf_add(&queue->text, path, len);
	buf_addch(&queue->text, '\0');
	queue->count++;
	return true;
}

static int64_t due(const struct later_queue *queue)
{
	return (int64_t)be64_get(queue->text.data + queue->head);
}

bool later_take(struct later *later, int64_t now_ms, enum later_which *which,
		const char **path, size_t *len)
{
	for (int i = 0; i < LATER_COUNT; i++) {
		struct later_queue *queue = &later->queue[i];

		if (queue->count && due(queue) <= now_ms) {
			const char *entry = queue->text.data + queue->head;

			*which = (enum later_which)i;
			*len = be32_get(entry + 8);
			*path = entry + HEADER;
			queue->head += HEADER + *len + 1;
			queue->count--;
			return true;
		}
		if (!queue->count && queue->head) {
			buf_release(&queue->text);
			queue->head = 0;
		}
	}
	return false;
}

int64_t later_due_ms(const struct later *later)
{
	int64_t at_ms = INT64_MAX;

	for (int i = 0; i < LATER_COUNT; i++) {
		const struct later_queue *queue = &later->queue[i];

		if (queue->count && due(queue) < at_ms) {
			at_ms = due(queue);
		}
	}
	return at_ms;
}

void later_release(struct later *later)
{
	for (int i = 0; i < LATER_COUNT; i++) {
		buf_release(&later->queue[i].text);
	}
	*later = (struct later){0};
}
