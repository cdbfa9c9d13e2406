/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PRESS_H
#define EXPORTER_GIT_PACK_PRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "exporter/git/pack/object.h"

/*
 * press - hashes and deflates bodies on threads of its own, and gives them back
 * in the order they came in. Bodies travel in batches, so that handing over
 * costs nothing beside the work.
 *
 *	press_put(press, ...);			(many)
 *	while ((batch = press_take(press, false))) {	(what is overdue)
 *		... batch->item, batch->out ...
 *		press_return(press);
 *	}
 *	...
 *	while ((batch = press_take(press, true))) { ... }	(all the rest)
 *
 * All calls are the owner's, from one thread. When the owner would have to wait,
 * it takes a batch itself: with one thread, two cores are busy.
 */

struct press_item {
	enum object_type type;
	uint32_t number; /* the owner's */
	bool hashed;     /* id is known already */
	uint8_t id[OBJECT_ID];
	size_t in, in_len; /* the body, in the batch's `in` */
	/* As it stands in a pack, in the batch's `out`. Empty: the object is that of
	 * the item before. */
	size_t out, out_len;
	uint32_t crc; /* of that */
};

struct press_batch {
	struct buf in, out;
	struct press_item *item;
	size_t count, cap;
};

struct press;

/* Starts up to `threads` threads. Fewer, even none, is no failure: the owner does
 * what they do not. */
struct press *press_new(unsigned threads);
/* Ends the threads and forgets what was not taken. NULL is allowed. */
void press_free(struct press *press);

/* Copies a body in; `id` is NULL, or its id where that is known. */
void press_put(struct press *press, enum object_type type, uint32_t number,
	       const uint8_t *id, const void *body, size_t len);

/*
 * The oldest batch, done; borrowed until press_return, which must come before
 * the next press_take or press_put. NULL: without `all`, there is room for more
 * and no need to take any; with `all`, nothing is left.
 */
const struct press_batch *press_take(struct press *press, bool all);
void press_return(struct press *press);

#endif
