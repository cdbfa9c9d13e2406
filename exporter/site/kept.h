/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_KEPT_H
#define EXPORTER_SITE_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * kept - a set of paths, for removing all other files. It keeps 16 bytes of a path's
 * SHA-256 instead of the path: paths come from repositories, whose author could choose
 * paths that collide under a weaker hash.
 */

/* What stands for a path; listing.h keeps the same. Sorts by memcmp. */
#define KEPT_DIGEST 16
void kept_digest(uint8_t out[KEPT_DIGEST], const char *path);

struct kept {
	struct buf digests;
	bool sorted;
};

void kept_add(struct kept *kept, const char *path);
bool kept_has(struct kept *kept, const char *path);
void kept_clear(struct kept *kept);
void kept_release(struct kept *kept);

#endif
