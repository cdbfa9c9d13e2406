/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/claim.h"

#include <stdlib.h>

#include "data/base/buf.h"
#include "data/index/tables.h"
#include "data/index/version.h"

struct claim_packer {
	struct index *index;
	struct text_codec *codec;
	uint64_t dictionaries; /* tables_dictionaries of the codec */
	struct buf own;        /* scratch */
};

struct claim_packer *claim_packer_new(struct index *index)
{
	struct claim_packer *packer = xzalloc(sizeof(*packer));

	packer->index = index;
	packer->codec = text_codec_new();
	return packer;
}

void claim_packer_free(struct claim_packer *packer)
{
	if (packer) {
		text_codec_free(packer->codec);
		buf_release(&packer->own);
		free(packer);
	}
}

void claim_prepare(struct claim_packer *packer, struct claim_text *text,
		   struct buf *packed, const struct record *record, const char *canon)
{
	struct row_version row = {0};
	size_t before = packed->len;

	tables_copy_dictionaries(packer->index, packer->codec, &packer->dictionaries);
	row_hash(text->hash, canon + record->text.off, record->text.len);
	version_pack(packer->codec, packed, &row, record, canon, &packer->own);
	text->image_first = row.image_first;
	text->image_at = row.image_at;
	text->tag_at = row.tag_at;
	text->packed = (struct json_span){.off = before, .len = packed->len - before};
}
