/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/recent.h"

#include <stdlib.h>

#include "data/base/err.h"

#define SLOTS 512
#define TEXT_MAX 4096

struct recent {
	struct slot {
		uint64_t number; /* 0: none */
		struct buf text;
	} slot[SLOTS]; /* by number, as numbers of tags are close together */
};

void recent_free(struct recent *recent)
{
	for (size_t i = 0; recent && i < SLOTS; i++) {
		buf_release(&recent->slot[i].text);
	}
	free(recent);
}

int recent_get(const struct recent *recent, uint64_t number, struct buf *out)
{
	const struct slot *slot = recent ? &recent->slot[number % SLOTS] : NULL;

	if (!slot || slot->number != number) {
		return ERR_NOTFOUND;
	}
	buf_add(out, slot->text.data, slot->text.len);
	return 0;
}

void recent_put(struct recent **recent, uint64_t number, const char *text, size_t len)
{
	struct slot *slot;

	if (len > TEXT_MAX) {
		return;
	}
	if (!*recent) {
		*recent = xzalloc(sizeof(**recent));
	}
	slot = &(*recent)->slot[number % SLOTS];
	slot->number = number;
	buf_clear(&slot->text);
	buf_add(&slot->text, text, len);
}
