/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/meta.h"

#include <stddef.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/index/row.h"
#include "data/index/store.h"

#define META_KEY "meta", 4
#define UUID_KEY "uuid", 4

/* The row is made of 64-bit numbers: first these in this order, then those that are of
 * another type in `struct meta`. A new number raises the format version. */
static const size_t number_at[] = {
	offsetof(struct meta, sequence),
	offsetof(struct meta, floor),
	offsetof(struct meta, next_number),
	offsetof(struct meta, next_file),
	offsetof(struct meta, counts.files),
	offsetof(struct meta, counts.rejected_files),
	offsetof(struct meta, counts.rejects),
	offsetof(struct meta, counts.images),
	offsetof(struct meta, counts.tags),
	offsetof(struct meta, counts.tag_images),
	offsetof(struct meta, counts.live_tag_images),
	offsetof(struct meta, counts.albums),
	offsetof(struct meta, counts.untagged),
	offsetof(struct meta, counts.claims),
	offsetof(struct meta, health.overflows),
	offsetof(struct meta, health.rescans),
	offsetof(struct meta, health.walked_s),
};

#define NUMBERS (sizeof(number_at) / sizeof(*number_at))
/* The others: `building`, `reconcile`, and the dictionaries. */
#define ROW_SIZE ((NUMBERS + 2 + CODEC_KINDS) * sizeof(uint64_t))

int meta_init(struct meta *meta, struct err *err)
{
	*meta = (struct meta){.next_number = 1, .next_file = 1, .building = true};
	/* An exporter recognises a rebuilt index by it. */
	return uuid_make(meta->uuid, err);
}

void meta_put(struct store_txn *txn, const struct meta *meta)
{
	struct buf row = {0};

	for (size_t i = 0; i < NUMBERS; i++) {
		uint64_t n;

		memcpy(&n, (const char *)meta + number_at[i], sizeof(n));
		buf_addu64(&row, n);
	}
	buf_addu64(&row, meta->building);
	buf_addu64(&row, meta->health.reconcile);
	for (size_t kind = 0; kind < CODEC_KINDS; kind++) {
		buf_addu64(&row, meta->dictionary[kind]);
	}
	row_add_sum(&row, 0, META_KEY);
	store_put(txn, TABLE_META, META_KEY, row.data, row.len);
	store_put(txn, TABLE_META, UUID_KEY, meta->uuid, META_UUID_LEN);
	buf_release(&row);
}

/* The number at *p, which moves on. */
static uint64_t next(const char **p)
{
	*p += sizeof(uint64_t);
	return be64_get(*p - sizeof(uint64_t));
}

const char *meta_get(struct store_txn *txn, struct meta *meta)
{
	struct store_value v;
	const char *p;

	if (store_get(txn, TABLE_META, META_KEY, &v) < 0 ||
	    v.len != ROW_SIZE + ROW_SUM_SIZE ||
	    !row_sum_agrees(META_KEY, v.data, ROW_SIZE)) {
		return "its meta row";
	}
	p = v.data;
	for (size_t i = 0; i < NUMBERS; i++) {
		uint64_t n = next(&p);

		memcpy((char *)meta + number_at[i], &n, sizeof(n));
	}
	meta->building = next(&p) != 0;
	meta->health.reconcile = next(&p) != 0;
	for (size_t kind = 0; kind < CODEC_KINDS; kind++) {
		meta->dictionary[kind] = (uint32_t)next(&p);
	}
	if (store_get(txn, TABLE_META, UUID_KEY, &v) < 0 || v.len != META_UUID_LEN) {
		return "its uuid";
	}
	memcpy(meta->uuid, v.data, META_UUID_LEN);
	meta->uuid[META_UUID_LEN] = '\0';
	return NULL;
}
