/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PACK_H
#define EXPORTER_GIT_PACK_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * pack - adds many objects to a repository in as few packs as their number allows. Each
 * object is written once, and not at all if the repository has it.
 *
 *	pack_open(&pack, ".../objects/pack", threads, known, payload);
 *	n = pack_add(pack, OBJECT_BLOB, body, len);	(many times)
 *	pack_wait(pack, err);		(pack_id(pack, n) is known now)
 *	pack_add_id(pack, id, OBJECT_TREE, body, len);
 *	pack_seal(pack, &names, err);	(durable, under temporary names)
 *	pack_install(pack, err);	(git sees them)
 *	pack_close(pack);
 *
 * Errors stick: adding to a pack that failed does nothing, and pack_wait and the later calls
 * return the first failure. Before pack_install there are only temporary files, which
 * pack_close removes.
 *
 * With threads, hashing and deflating run beside the caller. The packs have the same bytes
 * with any number of threads, and a small pack starts none. `known` is called on the
 * caller's thread.
 */

struct pack;

/* Whether the repository has the object already. */
typedef bool pack_known_fn(const uint8_t id[OBJECT_ID], void *payload);

/* `dir` is the folder objects/pack; NULL: nothing is written, and pack_seal may not be called.
 * `known` NULL: the repository has no objects. */
void pack_open(struct pack **out, const char *dir, unsigned threads, pack_known_fn *known,
	       void *payload);
/* Adds an object; the body is copied. Returns its number, for pack_id after pack_wait. That
 * is the next number, or the number of an equal object added before. */
uint32_t pack_add(struct pack *pack, enum object_type type, const void *body, size_t len);
/* Adds an object and sets `id` at once, at the cost of hashing it here. Returns its number,
 * or PACK_KNOWN if the repository or the pack has it. */
#define PACK_KNOWN UINT32_MAX
uint32_t pack_add_id(struct pack *pack, uint8_t id[OBJECT_ID], enum object_type type,
		     const void *body, size_t len);
/* Returns the failure that stuck, or 0. Waits for nothing. */
int pack_check(const struct pack *pack, struct err *err);
/* Waits until all added objects are in the pack. */
int pack_wait(struct pack *pack, struct err *err);
/* The id of an object by its number; borrowed until the next pack_add. */
const uint8_t *pack_id(const struct pack *pack, uint32_t number);
/* The number of the object `id`, if it was added; after pack_wait. */
bool pack_find(const struct pack *pack, uint32_t *number, const uint8_t id[OBJECT_ID]);
/* Completes and flushes the packs, and appends the names that they will have, a newline
 * after each. Nothing may be added any more. */
int pack_seal(struct pack *pack, struct buf *names, struct err *err);
/* Gives the sealed packs their names, so that git sees them. */
int pack_install(struct pack *pack, struct err *err);
/* NULL is allowed. */
void pack_close(struct pack *pack);

#endif
