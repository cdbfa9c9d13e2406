/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/erase/erase_ids.h"

#include <stdlib.h>

static uint32_t find(const struct erase_ids *ids, const struct body_text *id,
		     uint32_t hash)
{
	size_t at = 0;
	uint32_t n;

	do {
		n = hash_next(&ids->table, hash, &at);
	} while (n && !body_text_equal(&ids->id[n - 1], id));
	return n;
}

uint32_t erase_ids_find(const struct erase_ids *ids, const struct body_text *id)
{
	return ids->count ? find(ids, id, hash_bytes(id->data, id->len, 0)) : 0;
}

uint32_t erase_ids_add(struct erase_ids *ids, const struct body_text *id)
{
	uint32_t hash = hash_bytes(id->data, id->len, 0);
	uint32_t n = find(ids, id, hash);

	if (!n) {
		ids->id = xgrow(ids->id, ids->count, &ids->cap, sizeof(*ids->id));
		ids->id[ids->count] = (struct body_text){
			arena_text(&ids->arena, id->data, id->len), id->len};
		n = (uint32_t)++ids->count;
		hash_add(&ids->table, hash, n);
	}
	return n;
}

void erase_ids_release(struct erase_ids *ids)
{
	free(ids->id);
	hash_release(&ids->table);
	arena_release(&ids->arena);
	*ids = (struct erase_ids){0};
}
