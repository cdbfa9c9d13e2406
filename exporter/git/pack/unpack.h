/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_UNPACK_H
#define EXPORTER_GIT_PACK_UNPACK_H

#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/pack/packindex.h"

/*
 * unpack - reads objects: out of a pack, deltas resolved, or out of the file of a loose
 * object. It trusts nothing that they say: no size, no offset, no chain of deltas.
 *
 * libgit2 is slower (41,951 objects of 159 MiB take 0.70 s, here 0.29 s), and never returns
 * from a pack in which two objects are deltas of each other.
 */

struct unpack;

struct unpack *unpack_new(void);
/* NULL is allowed. */
void unpack_free(struct unpack *unpack);
/* Drops what is kept of all packs. */
void unpack_forget(struct unpack *unpack);

/* Reads the object that begins at `at` of the pack into *body, which is cleared first.
 * Its id is not checked. `unpack` keeps copies of the bases of deltas (at most 64 MiB):
 * before the pack is closed, unpack_forget has to be called. ERR_INPUT: it is damaged.
 * ERR_LARGE: it, or an object that it is a delta of, has more than `most` bytes (OBJECT_MAX,
 * or less): nothing of such an object is inflated. Memory: two objects, and a delta, which
 * is at most half as large as an object. */
int unpack_read(struct buf *body, enum object_type *type, struct unpack *unpack,
		const struct packindex *pack, size_t at, size_t most, struct err *err);

/* The type and the size alone: what the head of the object says, or of its delta. */
int unpack_head(size_t *size, enum object_type *type, struct unpack *unpack,
		const struct packindex *pack, size_t at, struct err *err);

/* Reads the file `path` of a loose object of at most OBJECT_MAX bytes likewise.
 * ERR_NOTFOUND: there is none. */
int unpack_loose(struct buf *body, enum object_type *type, struct unpack *unpack,
		 const char *path, struct err *err);

#endif
