/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PRESS_H
#define EXPORTER_GIT_PACK_PRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "exporter/git/pack/object.h"

/*
 * press - hashes and deflates bodies on threads of its own, and returns them in the order
 * in which they came. Bodies travel in batches, so that handing over costs next to nothing.
 *
 *	press_put(press, ...);			(many)
 *	while ((batch = press_take(press, false))) {	(what is overdue)
 *		... batch->item, batch->out ...
 *		press_return(press);
 *	}
 *	...
 *	while ((batch = press_take(press, true))) { ... }	(all the rest)
 *
 * All calls come from one thread, the owner. Instead of waiting, the owner works on a batch
 * itself: with one thread, two cores are busy.
 */

struct press_item {
	enum object_type type;
	uint32_t number; /* the owner's */
	bool hashed;     /* the id is known */
	uint8_t id[OBJECT_ID];
	size_t in, in_len; /* the body, in the batch's `in` */
	/* Its form in a pack, in the batch's `out`. Empty: it is the same object as the
	 * item before. */
	size_t out, out_len;
	uint32_t crc; /* of that */
};

struct press_batch {
	struct buf in, out;
	struct press_item *item;
	size_t count, cap;
};

struct press;

/* Starts up to `threads` threads. If fewer start, or none, the owner does the work. */
struct press *press_new(unsigned threads);
/* Ends the threads and drops all batches. NULL is allowed. */
void press_free(struct press *press);

/* Copies a body; `id` is NULL if it is not known. */
void press_put(struct press *press, enum object_type type, uint32_t number,
	       const uint8_t *id, const void *body, size_t len);

/*
 * The oldest batch, done; borrowed until press_return, which must come before the next
 * press_take or press_put. NULL: with `all`, nothing is left; without it, there is room for
 * more bodies.
 */
const struct press_batch *press_take(struct press *press, bool all);
void press_return(struct press *press);

#endif
