/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/claim.h"

#include <stdlib.h>

#include "data/base/buf.h"
#include "data/index/dictionary.h"
#include "data/index/version.h"

struct claim_packer {
	struct dictionary *dictionary; /* the index's */
	struct codec *codec;
	uint64_t have;  /* dictionary_copy */
	struct buf own; /* scratch */
};

struct claim_packer *claim_packer_new(struct index *index)
{
	struct claim_packer *packer = xzalloc(sizeof(*packer));

	packer->dictionary = index_dictionary(index);
	packer->codec = codec_new();
	return packer;
}

void claim_packer_free(struct claim_packer *packer)
{
	if (packer) {
		codec_free(packer->codec);
		buf_release(&packer->own);
		free(packer);
	}
}

void claim_prepare(struct claim_packer *packer, struct claim_text *text,
		   struct buf *packed, const struct record *record, const char *canon)
{
	struct row_version row = {0};
	size_t before = packed->len;

	dictionary_copy(packer->dictionary, packer->codec, &packer->have);
	row_hash(text->hash, canon + record->text.off, record->text.len);
	version_pack(packer->codec, packed, &row, record, canon, &packer->own);
	text->image_first = row.image_first;
	text->image_at = row.image_at;
	text->tag_at = row.tag_at;
	text->packed = (struct json_span){.off = before, .len = packed->len - before};
}
