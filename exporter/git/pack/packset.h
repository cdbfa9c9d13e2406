/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PACKSET_H
#define EXPORTER_GIT_PACK_PACKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * packset - the packs in a folder that we may replace: each has its index, a name as git
 * gives it, and no .keep, .promisor or .mtimes beside it.
 */

#define PACKSET_NAME (5 + OBJECT_HEX) /* "pack-" and the digits */

struct packset_pack {
	char name[PACKSET_NAME + 1];
	uint64_t size_bytes; /* of the pack, without its index */
	bool chosen;         /* for the caller; false at first */
	bool compact;        /* for the caller; false at first */
	bool theirs;         /* it has a .keep, .promisor or .mtimes beside it */
};

struct packset {
	struct packset_pack *pack; /* the smallest first */
	size_t count;
};

/* Whether these characters are the name of a pack. */
bool packset_is_name(const char *name, size_t len);
int packset_read(struct packset *out, const char *dir, struct err *err);
/* With those that we may not replace, too. ERR_REFUSED: a pack is not named as git does it. */
int packset_read_all(struct packset *out, const char *dir, struct err *err);
void packset_release(struct packset *set);
/* Removes a pack, its index and what git derives from them, as far as they are there. */
int packset_remove(const char *dir, const char *name, struct err *err);

#endif
