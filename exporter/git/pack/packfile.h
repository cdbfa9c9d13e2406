/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_PACKFILE_H
#define EXPORTER_GIT_PACK_PACKFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * packfile - writes objects into as few git packs (version 2) as their number allows, and
 * an index (version 2) for each. git sees nothing before packfile_install. A small pack
 * is not on the disk at all before packfile_seal.
 *
 *	packfile_new(&packs, dir);
 *	entry[n].id = ...; entry[n].crc = ...;
 *	packfile_add(packs, entry, n, bytes, len, err);		(object_pack made the bytes)
 *	packfile_seal(packs, entry, count, &names, err);	(durable, temporary names)
 *	packfile_install(packs, err);				(true names, durable)
 *	packfile_free(packs);			(removes what is not installed)
 */

/* Temporary names begin so. `git gc` removes old files "tmp_*"; the rest tells our files from
 * those of a git at work. */
#define PACKFILE_TEMP_PACK "tmp_pack_albumen_"
#define PACKFILE_TEMP_IDX "tmp_idx_albumen_"

/* A pack takes no further object once it has this size or this number of objects. */
#define PACKFILE_SIZE_MAX ((uint64_t)1 << 30)
#define PACKFILE_COUNT_MAX 500000

/* What a pack's index says of an object. */
struct packfile_entry {
	uint8_t id[OBJECT_ID];
	uint32_t crc;    /* of the object as it stands in the pack */
	uint32_t offset; /* in the pack; PACKFILE_NONE: it is in none */
};
#define PACKFILE_NONE UINT32_MAX

struct packfile;

/* `dir` is the folder objects/pack. */
void packfile_new(struct packfile **out, const char *dir);
/* Adds object `n` of the array, whose id and CRC are set, as it stands in a pack. Objects
 * are added in the order of their numbers, each id once; numbers may be left out if their
 * offset is PACKFILE_NONE. */
int packfile_add(struct packfile *packs, struct packfile_entry *entry, size_t n,
		 const void *bytes, size_t len, struct err *err);
/* Where the next object begins, and the number of its pack (from 0). */
size_t packfile_next(size_t *pack, const struct packfile *packs);
/* Completes and flushes the packs, and appends their names: "pack-", 40 digits and a newline
 * each. Nothing may be added any more. */
int packfile_seal(struct packfile *packs, const struct packfile_entry *entry,
		  size_t count, struct buf *names, struct err *err);
int packfile_install(struct packfile *packs, struct err *err);
/* NULL is allowed. */
void packfile_free(struct packfile *packs);

#endif
