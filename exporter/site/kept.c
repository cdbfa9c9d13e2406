/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/kept.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

void kept_digest(uint8_t out[KEPT_DIGEST], const char *path)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(path), (const uint8_t *)path);
	sha256_digest(&ctx, KEPT_DIGEST, out);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, KEPT_DIGEST);
}

void kept_add(struct kept *kept, const char *path)
{
	uint8_t key[KEPT_DIGEST];

	kept_digest(key, path);
	buf_add(&kept->digests, key, KEPT_DIGEST);
	kept->sorted = false;
}

bool kept_has(struct kept *kept, const char *path)
{
	uint8_t key[KEPT_DIGEST];

	if (!kept->digests.len) {
		return false;
	}
	if (!kept->sorted) {
		qsort(kept->digests.data, kept->digests.len / KEPT_DIGEST, KEPT_DIGEST,
		      compare);
		kept->sorted = true;
	}
	kept_digest(key, path);
	return bsearch(key, kept->digests.data, kept->digests.len / KEPT_DIGEST,
		       KEPT_DIGEST, compare);
}

void kept_clear(struct kept *kept)
{
	buf_clear(&kept->digests);
}

void kept_release(struct kept *kept)
{
	buf_release(&kept->digests);
}
