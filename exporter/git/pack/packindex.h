/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PACKINDEX_H
#define EXPORTER_GIT_PACK_PACKINDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * packindex - reads an installed pack through its index (version 2): which objects are in
 * it, where, and with what CRC. Both files are mapped, so they take memory of the page
 * cache only. The index is checked against its own SHA-1 and against the beginning and the
 * end of its pack. The objects are not checked.
 */
struct packindex {
	uint32_t count;
	/* The rest is private. */
	const uint8_t *idx, *pack;
	size_t idx_len, pack_len;
	struct packindex_ahead *ahead; /* NULL: the kernel reads ahead */
};

/* Opens `dir`/`name`.idx and .pack. ERR_INPUT: they are damaged or not of version 2. */
int packindex_open(struct packindex *out, const char *dir, const char *name,
		   struct err *err);
/*
 * For looking up single objects, by one thread at a time. The index's own SHA-1 is not
 * compared, since that takes reading all of it: what it says may be wrong, but leads nowhere
 * outside the two files. The kernel is asked for what an object takes, and for more only
 * where objects that follow each other are read. (By itself it reads what the disk's
 * read_ahead_kb says around each page, which may be megabytes.)
 *
 * Map all indexes first: then they are read side by side. packindex_check must return true
 * before anything else is done with one: false means that it is damaged. The pack is
 * opened by packindex_has_pack, which must return true before anything is read from it: most
 * packs are not read. It returns false if there is no pack that belongs to the index.
 */
int packindex_map(struct packindex *out, const char *dir, const char *name,
		  struct err *err);
bool packindex_check(struct packindex *index);
bool packindex_has_pack(struct packindex *index);
/* A zeroed one is allowed. */
void packindex_close(struct packindex *index);

/* Objects are numbered in the order of their ids. */
const uint8_t *packindex_id(const struct packindex *index, uint32_t n);
uint32_t packindex_crc(const struct packindex *index, uint32_t n);
/* Whether the object is there, and its number. */
bool packindex_find(uint32_t *n, const struct packindex *index,
		    const uint8_t id[OBJECT_ID]);
/* The number of the first object whose id is not less. */
uint32_t packindex_lower(const struct packindex *index, const uint8_t id[OBJECT_ID]);
/* Where object `n` begins in the pack. 0: the index is damaged. */
size_t packindex_offset(const struct packindex *index, uint32_t n);
/* The *left bytes of the pack from `at` to its trailer. NULL: there are none. */
const uint8_t *packindex_from(const struct packindex *index, size_t at, size_t *left);
/* The object at `at` takes about `len` bytes, which are read next. */
void packindex_expect(const struct packindex *index, size_t at, size_t len);

/* All objects in their order in the pack: a heap array of `count` numbers. ERR_INPUT: they do
 * not fill the pack. */
int packindex_order(uint32_t **out, const struct packindex *index, const char *name,
		    struct err *err);

/* Where an object is in the pack. */
struct packindex_place {
	uint32_t n;
	size_t at, len;
};
/* The place of the object that is number `i` in the order. */
struct packindex_place packindex_place(const struct packindex *index,
				       const uint32_t *order, uint32_t i);
/* The place of the object that begins at `at`. False: none does. */
bool packindex_place_at(struct packindex_place *place, const struct packindex *index,
			const uint32_t *order, size_t at);
/* The object's bytes, header and all. */
const uint8_t *packindex_bytes(const struct packindex *index,
			       const struct packindex_place *place);

#endif
