/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_OBJECTS_H
#define EXPORTER_GIT_PACK_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * objects - finds and reads the objects of a repository: in packs, and in files of their
 * own. (One that borrows objects from elsewhere is not opened: repo_trust.h.)
 *
 * libgit2's own store is not used, because the repository may come from anywhere: two
 * objects in a pack that are deltas of each other take all memory there (libgit2 1.5.1
 * follows such a chain, and notes each step, without end).
 *
 * All functions may be called on any thread.
 */

struct objects;

/* Lists the packs. `dir` is the folder "objects". A pack that cannot be opened is left out:
 * what is in it is missing. */
void objects_open(struct objects **out, const char *dir);
/* NULL is allowed. */
void objects_close(struct objects *objects);
/* Looks for new packs, and closes those that are gone. Until then they stay readable. */
void objects_refresh(struct objects *objects);

/* As of the last look: a pack, or the first loose object of a folder, that came later is not
 * seen. */
bool objects_has(struct objects *objects, const uint8_t id[OBJECT_ID]);
/*
 * Appends the body to *body, and checks that it is of this id. ERR_NOTFOUND (no message):
 * there is no such object, and that is not said before another look for new packs.
 * ERR_INPUT: every copy of it is damaged.
 */
int objects_read(struct buf *body, enum object_type *type, struct objects *objects,
		 const uint8_t id[OBJECT_ID], struct err *err);
/* The type and the size alone, as the object says them. */
int objects_head(size_t *size, enum object_type *type, struct objects *objects,
		 const uint8_t id[OBJECT_ID], struct err *err);
/* The one object whose id begins with these digits, which `id` has, the rest being zeros.
 * ERR_NOTFOUND (no message): there is none. ERR_INPUT (no message): there are several. */
int objects_prefix(uint8_t found[OBJECT_ID], struct objects *objects,
		   const uint8_t id[OBJECT_ID], size_t digits);

#endif
