/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PACKFILE_H
#define EXPORTER_GIT_PACK_PACKFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * packfile - one git pack (version 2) and its index (version 2) on their way to
 * objects/pack. Nothing is seen by git before packfile_install; a pack that is
 * small is not on the disk at all before packfile_seal.
 *
 *	packfile_open(&file, dir);
 *	packfile_add(file, &offset, bytes, len, err);	(object_pack made the bytes)
 *	packfile_seal(file, entry, count, err);		(durable, under temporary names)
 *	packfile_install(file, err);			(the true names; sync `dir` after)
 *	packfile_free(file);				(removes what is not installed)
 */

/* Names of files on their way. `git gc` sweeps what begins with "tmp_"; the rest
 * tells ours from those of a git at work. */
#define PACKFILE_TEMP_PACK "tmp_pack_albumen_"
#define PACKFILE_TEMP_IDX "tmp_idx_albumen_"

/* No offset reaches 2^31, so an index needs no 64-bit offsets: a pack takes no
 * further object once it has this size or number of them. */
#define PACKFILE_SIZE_MAX ((uint64_t)1 << 30)
#define PACKFILE_COUNT_MAX 500000

/* What a pack's index says of an object. */
struct packfile_entry {
	uint8_t id[OBJECT_ID];
	uint32_t crc;    /* of the object as it stands in the pack */
	uint32_t offset; /* in the pack, or PACKFILE_NONE: it is not in it */
};
#define PACKFILE_NONE UINT32_MAX

struct packfile;

/* `dir` is the folder objects/pack: borrowed while the file is open. */
void packfile_open(struct packfile **out, const char *dir);
/* True once another pack must be begun. */
bool packfile_full(const struct packfile *file);
/* Adds an object as it stands in a pack. */
int packfile_add(struct packfile *file, uint32_t *offset, const void *bytes, size_t len,
		 struct err *err);
/* Completes the pack and writes its index of those of the `count` entries that
 * have an offset: all that were added, each id once. Both are on the disk then. */
int packfile_seal(struct packfile *file, const struct packfile_entry *entry, size_t count,
		  struct err *err);
/* Appends the name that the sealed pack will have, "pack-" and 40 digits, and a
 * newline. It has also its index, with another suffix. */
void packfile_name(const struct packfile *file, struct buf *out);
int packfile_install(struct packfile *file, struct err *err);
void packfile_free(struct packfile *file);

#endif
