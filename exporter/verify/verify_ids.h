/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_IDS_H
#define EXPORTER_VERIFY_VERIFY_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * verify_ids - numbers for strings of bytes: 1 for the first that is added, 2 for the
 * next, and so on; each string once. A zeroed one is empty. It takes some twenty
 * bytes for each string besides the string. Nothing is ever taken out.
 */
struct verify_ids {
	struct buf bytes; /* each with two bytes of length before it */
	size_t *at;       /* by number less 1: where it begins */
	size_t count, cap;
	uint32_t *slot; /* open addressing; 0: free */
	size_t slots;
	uint64_t seed; /* so that nobody can choose strings that collide */
};

/* The number of the string, which is at most 65,535 bytes; a new one if need be. */
uint32_t verify_ids_add(struct verify_ids *ids, const void *bytes, size_t len);
/* The number of the string; 0: it was never added. */
uint32_t verify_ids_find(const struct verify_ids *ids, const void *bytes, size_t len);
/* The string of a number, not terminated; borrowed until the next one is added. */
const char *verify_ids_get(const struct verify_ids *ids, uint32_t number, size_t *len);
void verify_ids_release(struct verify_ids *ids);

#endif
