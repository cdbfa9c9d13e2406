/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/codec.h"

#include <stdlib.h>
#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_f_zstd1_magicless: 4 bytes a text */
#define ZDICT_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zdict.h>

#include "data/index/sum.h"

enum { HOW_RAW = 0, HOW_PLAIN = 1, HOW_DICTIONARY = 2 };

#define LEVEL 1
/* A shorter text is stored as it is: zstd takes a microsecond for it, nearly half of what the
 * record costs in all, and leaves half of its bytes, as ids and hashes do not shrink. */
#define PACKED_FROM 384
#define SUM_SIZE 4
#define DICTIONARY_SIZE (48u << 10)
/* The frame header states the size; a record cannot be larger than this. */
#define UNPACKED_MAX ((unsigned long long)64 << 20)

struct codec {
	ZSTD_CCtx *pack;
	ZSTD_DCtx *unpack;
	struct buf dictionary[CODEC_KINDS]; /* empty: none */
	/* Made from the dictionary at its first use, since that takes milliseconds;
	 * NULL until then. */
	ZSTD_CDict *pack_dictionary[CODEC_KINDS];
	ZSTD_DDict *unpack_dictionary[CODEC_KINDS];
};

struct codec *codec_new(void)
{
	struct codec *codec = xzalloc(sizeof(*codec));

	codec->pack = ZSTD_createCCtx();
	codec->unpack = ZSTD_createDCtx();
	if (!codec->pack || !codec->unpack) {
		abort(); /* out of memory */
	}
	ZSTD_CCtx_setParameter(codec->pack, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(codec->pack, ZSTD_c_format, ZSTD_f_zstd1_magicless);
	ZSTD_CCtx_setParameter(codec->pack, ZSTD_c_contentSizeFlag, 1);
	/* Costs four bytes a text, and ensures that no text is unpacked with another
	 * dictionary. */
	ZSTD_CCtx_setParameter(codec->pack, ZSTD_c_dictIDFlag, 1);
	ZSTD_CCtx_setParameter(codec->pack, ZSTD_c_checksumFlag, 0);
	ZSTD_DCtx_setParameter(codec->unpack, ZSTD_d_format, ZSTD_f_zstd1_magicless);
	return codec;
}

void codec_free(struct codec *codec)
{
	if (codec) {
		for (unsigned kind = 0; kind < CODEC_KINDS; kind++) {
			ZSTD_freeCDict(codec->pack_dictionary[kind]);
			ZSTD_freeDDict(codec->unpack_dictionary[kind]);
			buf_release(&codec->dictionary[kind]);
		}
		ZSTD_freeCCtx(codec->pack);
		ZSTD_freeDCtx(codec->unpack);
		free(codec);
	}
}

void codec_set_dictionary(struct codec *codec, unsigned kind, const void *dictionary,
			  size_t len)
{
	/* The contexts still refer to the dictionary of the last call. */
	ZSTD_CCtx_refCDict(codec->pack, NULL);
	ZSTD_DCtx_refDDict(codec->unpack, NULL);
	ZSTD_freeCDict(codec->pack_dictionary[kind]);
	ZSTD_freeDDict(codec->unpack_dictionary[kind]);
	codec->pack_dictionary[kind] = NULL;
	codec->unpack_dictionary[kind] = NULL;
	buf_clear(&codec->dictionary[kind]);
	buf_add(&codec->dictionary[kind], dictionary, len);
}

/* NULL: the kind has no dictionary. */
static ZSTD_CDict *packing(struct codec *codec, unsigned kind)
{
	const struct buf *d = &codec->dictionary[kind];

	if (!codec->pack_dictionary[kind] && d->len) {
		codec->pack_dictionary[kind] = ZSTD_createCDict(d->data, d->len, LEVEL);
		if (!codec->pack_dictionary[kind]) {
			abort(); /* out of memory */
		}
	}
	return codec->pack_dictionary[kind];
}

static ZSTD_DDict *unpacking(struct codec *codec, unsigned kind)
{
	const struct buf *d = &codec->dictionary[kind];

	if (!codec->unpack_dictionary[kind] && d->len) {
		/* NULL if it is damaged. */
		codec->unpack_dictionary[kind] = ZSTD_createDDict(d->data, d->len);
	}
	return codec->unpack_dictionary[kind];
}

int codec_has_dictionary(const struct codec *codec, unsigned kind)
{
	return codec->dictionary[kind].len > 0;
}

uint32_t codec_dictionary_id(const void *dictionary, size_t len)
{
	return ZSTD_getDictID_fromDict(dictionary, len);
}

int codec_train(struct buf *dictionary, const char *samples, const size_t *sizes,
		unsigned count)
{
	/* ZDICT_trainFromBuffer tries five segment lengths, which takes eight times as
	 * long while the writer waits. Records are long and alike, so long segments are
	 * right. */
	const ZDICT_fastCover_params_t how = {.k = 1024,
					      .d = 8,
					      .f = 20,
					      .accel = 5,
					      .zParams.compressionLevel = LEVEL};
	size_t len;

	buf_clear(dictionary);
	buf_grow(dictionary, DICTIONARY_SIZE);
	len = ZDICT_trainFromBuffer_fastCover(dictionary->data, DICTIONARY_SIZE, samples,
					      sizes, count, how);
	if (ZDICT_isError(len)) {
		return -1;
	}
	dictionary->len = len;
	dictionary->data[len] = '\0';
	return 0;
}

void codec_pack(struct codec *codec, struct buf *out, unsigned kind, const char *text,
		size_t len)
{
	ZSTD_CDict *dictionary;
	size_t bound, packed;

	if (len < PACKED_FROM) {
		buf_addch(out, HOW_RAW);
		buf_add(out, text, len);
		buf_addu32(out, sum_end(sum_add(0, text, len)));
		return;
	}
	dictionary = packing(codec, kind);
	bound = ZSTD_compressBound(len);
	buf_addch(out, (char)(dictionary ? HOW_DICTIONARY + kind : HOW_PLAIN));
	buf_grow(out, bound);
	ZSTD_CCtx_refCDict(codec->pack, dictionary);
	packed = ZSTD_compress2(codec->pack, out->data + out->len, bound, text, len);
	if (ZSTD_isError(packed) || packed >= len) {
		out->data[out->len - 1] = HOW_RAW;
		buf_add(out, text, len);
	} else {
		out->len += packed;
		out->data[out->len] = '\0';
	}
	buf_addu32(out, sum_end(sum_add(0, text, len)));
}

/* Reads the header of a magicless frame. False: it has none, or it names another
 * dictionary than `how` does. */
static bool frame_header(ZSTD_frameHeader *header, const struct codec *codec,
			 unsigned how, const void *frame, size_t len)
{
	uint32_t want = 0;

	if (how >= HOW_DICTIONARY) {
		const struct buf *d = &codec->dictionary[how - HOW_DICTIONARY];

		want = codec_dictionary_id(d->data, d->len);
		if (!want) {
			return false;
		}
	}
	return ZSTD_getFrameHeader_advanced(header, frame, len, ZSTD_f_zstd1_magicless) ==
		       0 &&
	       header->dictID == want;
}

bool codec_can_unpack(const struct codec *codec, const void *packed, size_t len)
{
	const unsigned char *p = packed;
	ZSTD_frameHeader header;

	return len && p[0] < HOW_DICTIONARY + CODEC_KINDS &&
	       (p[0] == HOW_RAW || frame_header(&header, codec, p[0], p + 1, len - 1));
}

int codec_length(size_t *out, const struct codec *codec, const void *packed, size_t len)
{
	const unsigned char *p = packed;
	ZSTD_frameHeader header;

	if (len < 1 + SUM_SIZE || p[0] >= HOW_DICTIONARY + CODEC_KINDS) {
		return -1;
	}
	len -= 1 + SUM_SIZE;
	if (p[0] == HOW_RAW) {
		*out = len;
		return 0;
	}
	if (!frame_header(&header, codec, p[0], p + 1, len) ||
	    header.frameContentSize > UNPACKED_MAX) {
		return -1;
	}
	*out = (size_t)header.frameContentSize;
	return 0;
}

int codec_unpack_to(char *out, size_t out_len, struct codec *codec, const void *packed,
		    size_t len)
{
	const unsigned char *p = packed;
	size_t got;

	len -= SUM_SIZE;
	if (p[0] == HOW_RAW) {
		memcpy(out, p + 1, out_len);
	} else {
		ZSTD_DCtx_refDDict(codec->unpack,
				   p[0] == HOW_PLAIN
					   ? NULL
					   : unpacking(codec, p[0] - HOW_DICTIONARY));
		got = ZSTD_decompressDCtx(codec->unpack, out, out_len, p + 1, len - 1);
		if (ZSTD_isError(got) || got != out_len) {
			return -1;
		}
	}
	return sum_end(sum_add(0, out, out_len)) == be32_get(p + len) ? 0 : -1;
}

int codec_unpack(struct codec *codec, struct buf *out, const void *packed, size_t len,
		 struct err *err)
{
	size_t size = 0;

	if (codec_length(&size, codec, packed, len) == 0) {
		buf_grow(out, size);
		if (codec_unpack_to(out->data + out->len, size, codec, packed, len) ==
		    0) {
			buf_filled(out, size);
			return 0;
		}
		buf_setlen(out, out->len);
	}
	return err_set(
		err, ERR_FORMAT,
		"a stored text is damaged; delete the index folder and scan again");
}
