/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PACKSET_H
#define EXPORTER_GIT_PACK_PACKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * packset - the packs in a folder, as files: which there are, and how one goes.
 * Only packs that are whole (pack and index), have the name that git gives, and
 * may be replaced: one with a .keep, .promisor or .mtimes beside it is somebody's.
 */

#define PACKSET_NAME (5 + OBJECT_HEX) /* "pack-" and the digits */

struct packset_pack {
	char name[PACKSET_NAME + 1];
	uint64_t size_bytes; /* of the pack, without its index */
	bool chosen;         /* the caller's: false at first */
	bool compact;        /* the caller's: false at first */
};

struct packset {
	struct packset_pack *pack; /* the smallest first */
	size_t count;
};

/* True if these are the characters of a pack's name. */
bool packset_is_name(const char *name, size_t len);
/* How many packs there are, or seem to be: no less than packset_read finds, and
 * without a look at each of them. */
int packset_count(size_t *out, const char *dir, struct err *err);
int packset_read(struct packset *out, const char *dir, struct err *err);
void packset_release(struct packset *set);
/* Removes one pack and what git has made of it. Its not being there is no error. */
int packset_remove(const char *dir, const char *name, struct err *err);

#endif
