/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_ERASE_ERASE_IDS_H
#define EXPORTER_ERASE_ERASE_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/arena.h"
#include "data/base/hash.h"
#include "exporter/body/body.h"

/*
 * erase_ids - numbers ids as they are added, from 1. Zeroed is empty. An id takes its bytes and
 * about 40 more.
 */
struct erase_ids {
	struct body_text *id; /* of the number n: id[n - 1] */
	size_t count, cap;
	/* Private. */
	struct arena arena;
	struct hash table;
};

/* The number of the id, or 0. */
uint32_t erase_ids_find(const struct erase_ids *ids, const struct body_text *id);
/* The number of the id, which is added if need be. */
uint32_t erase_ids_add(struct erase_ids *ids, const struct body_text *id);
void erase_ids_release(struct erase_ids *ids);

#endif
