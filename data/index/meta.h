/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_META_H
#define DATA_INDEX_META_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/base/uuid.h"
#include "data/index/codec.h"

struct store_txn;

/*
 * meta - the meta row of the index: totals and counters. Programs read them through
 * data/index/index.h.
 */

/* Exact totals, kept in every transaction. */
struct index_counts {
	uint64_t files;          /* known metadata files */
	uint64_t rejected_files; /* of them, those with at least one reject */
	uint64_t rejects;        /* rejects in all of them */
	uint64_t images;
	uint64_t tags;
	uint64_t tag_images; /* known ones, live or not */
	uint64_t live_tag_images;
	uint64_t albums;   /* with at least one image */
	uint64_t untagged; /* images with no live tag image */
	uint64_t claims;
};

/* What the indexer stores about its own input. */
struct index_health {
	bool reconcile;     /* events may be lost: the folder must be walked */
	uint64_t overflows; /* how often the event queue overflowed, ever */
	uint64_t rescans;   /* how often the whole folder was walked */
	/* when the last walk of the whole folder ended (Unix time); 0: never */
	int64_t walked_s;
};

#define META_UUID_LEN UUID_LEN

struct meta {
	uint64_t sequence;                /* the last one given out */
	uint64_t floor;                   /* index_feed_floor */
	uint64_t next_number;             /* of records */
	uint64_t next_file;               /* of files */
	bool building;                    /* only claims are collected */
	uint32_t dictionary[CODEC_KINDS]; /* codec_dictionary_id of each; 0: none */
	char uuid[META_UUID_LEN + 1];
	struct index_counts counts;
	struct index_health health;
};

/* The meta row of an index that is built from nothing, with a new uuid. */
int meta_init(struct meta *meta, struct err *err);
void meta_put(struct store_txn *txn, const struct meta *meta);
/* Returns NULL, or the name of what is damaged. */
const char *meta_get(struct store_txn *txn, struct meta *meta);

#endif
