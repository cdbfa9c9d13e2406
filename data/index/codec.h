/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_CODEC_H
#define DATA_INDEX_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * codec - small texts packed for storage: zstd, with a dictionary per kind of
 * text trained on the first of them. The only file with <zstd.h>.
 *
 * Records are small and alike. One by one zstd halves them; with a dictionary
 * they shrink to about a tenth, and LMDB keeps several to a page instead of a
 * page each (HAZARDS C6).
 *
 * A packed text is one byte that says how, then the bytes:
 *	0	as it is
 *	1	a zstd frame (magicless, with its content size, no checksum)
 *	2 + k	likewise, with the dictionary of kind k, whose id the frame names
 * and behind them a sum (data/index/sum.h) of the text: whatever was damaged, the bytes or
 * the dictionary, what is unpacked is what was packed.
 */

#define CODEC_KINDS 8          /* kinds are 0 to CODEC_KINDS - 1 */
#define CODEC_TRAIN_COUNT 1024 /* texts that codec_train wants */

struct codec;

struct codec *codec_new(void);
void codec_free(struct codec *codec);

/* Gives the dictionary of a kind (copied); len 0 takes it away. */
void codec_set_dictionary(struct codec *codec, unsigned kind, const void *dictionary,
			  size_t len);
/* Whether the kind has one. */
int codec_has_dictionary(const struct codec *codec, unsigned kind);
/* What tells a dictionary that codec_train made from others: a hash of it, never 0,
 * that is part of it (zstd's dictionary id). 0: these bytes are no dictionary. */
uint32_t codec_dictionary_id(const void *dictionary, size_t len);
/* Whether the packed text needs no other dictionary than those of the codec. */
bool codec_can_unpack(const struct codec *codec, const void *packed, size_t len);

/* Trains a dictionary on `count` samples that lie one after another in
 * `samples`; replaces *dictionary. -1 where they are too few or too unlike. */
int codec_train(struct buf *dictionary, const char *samples, const size_t *sizes,
		unsigned count);

/* Appends `text`, packed, to *out. */
void codec_pack(struct codec *codec, struct buf *out, unsigned kind, const char *text,
		size_t len);
/* Appends the text that was packed to *out. ERR_FORMAT: not a packed text, or it was
 * packed with a dictionary that the codec does not have. */
int codec_unpack(struct codec *codec, struct buf *out, const void *packed, size_t len,
		 struct err *err);

#endif
