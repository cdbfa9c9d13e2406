/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_UNPACK_H
#define EXPORTER_VERIFY_VERIFY_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/git/pack/packindex.h"

/*
 * verify_unpack - an object out of an installed pack, deltas resolved. Nothing that
 * the pack says is trusted: no size, no offset, no chain of deltas.
 *
 * Verification reads objects by itself and not by libgit2, as it must tell what is
 * on the disk: libgit2 passes over a damaged copy of an object where there is a
 * second one, and believes what an object says of its own size.
 */

/* An object larger than this is not read. */
#define VERIFY_UNPACK_MAX ((size_t)1 << 30)

struct verify_unpack;

struct verify_unpack *verify_unpack_new(void);
/* NULL is allowed. */
void verify_unpack_free(struct verify_unpack *unpack);

/*
 * Reads the object that begins at `at` of the pack into *body, which is cleared
 * first. With `keep` a copy is remembered (64 MiB of them) for deltas of it; the
 * pack must then outlive `unpack`. Its id is not checked. ERR_INPUT: it is damaged.
 */
int verify_unpack_read(struct buf *body, enum object_type *type,
		       struct verify_unpack *unpack, const struct packindex *pack,
		       size_t at, bool keep, struct err *err);

/* Reads a loose object's file `path` likewise. ERR_NOTFOUND: there is none. */
int verify_unpack_loose(struct buf *body, enum object_type *type,
			struct verify_unpack *unpack, const char *path, struct err *err);

#endif
