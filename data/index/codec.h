/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_CODEC_H
#define DATA_INDEX_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * codec - packs small texts for storage: zstd, with a dictionary for each kind of text,
 * trained on the first texts. The only file with <zstd.h>.
 *
 * Records are small and alike. One by one, zstd halves them; with a dictionary they
 * shrink to about a tenth. LMDB gives a value over about 2,000 bytes pages of its own;
 * packed, several fit one page.
 *
 * A packed text is one byte that says how it is packed, then the bytes:
 *	0	not compressed
 *	1	a zstd frame (magicless, with its content size, no checksum)
 *	2 + k	likewise, with the dictionary of kind k, whose id the frame names
 * After them comes a sum (data/index/sum.h) of the text: unpacking returns the packed
 * text or fails, also if the bytes or the dictionary are damaged.
 */

#define CODEC_KINDS 8          /* kinds are 0 to CODEC_KINDS - 1 */
#define CODEC_TRAIN_COUNT 1024 /* texts that codec_train needs */

struct codec;

struct codec *codec_new(void);
void codec_free(struct codec *codec);

/* Sets the dictionary of a kind (copied); len 0 removes it. */
void codec_set_dictionary(struct codec *codec, unsigned kind, const void *dictionary,
			  size_t len);
/* Whether the kind has one. */
int codec_has_dictionary(const struct codec *codec, unsigned kind);
/* The id of a dictionary that codec_train made, never 0: a hash of the dictionary,
 * stored in it (the dictionary id of zstd). 0: the bytes are no dictionary. */
uint32_t codec_dictionary_id(const void *dictionary, size_t len);
/* Whether the codec has the dictionary that the packed text needs, if any. */
bool codec_can_unpack(const struct codec *codec, const void *packed, size_t len);

/* Trains a dictionary on `count` samples, which follow one another in `samples`, and
 * puts it into *dictionary. -1: they are too few or too different. */
int codec_train(struct buf *dictionary, const char *samples, const size_t *sizes,
		unsigned count);

/* Appends `text`, packed, to *out. */
void codec_pack(struct codec *codec, struct buf *out, unsigned kind, const char *text,
		size_t len);
/* Unpacks a text and appends it to *out. ERR_FORMAT: it is no packed text, or the codec
 * does not have its dictionary. */
int codec_unpack(struct codec *codec, struct buf *out, const void *packed, size_t len,
		 struct err *err);

/* The same in two steps: how long the text is, and the text. -1: as ERR_FORMAT above.
 * codec_unpack_to needs the length that codec_length has returned, and writes that many
 * bytes. */
int codec_length(size_t *out, const struct codec *codec, const void *packed, size_t len);
int codec_unpack_to(char *out, size_t out_len, struct codec *codec, const void *packed,
		    size_t len);

#endif
