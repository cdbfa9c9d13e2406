/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/listing.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/hex.h"
#include "exporter/site/kept.h"

struct listing_key {
	uint8_t path[KEPT_DIGEST];
	uint8_t md5[LISTING_MD5]; /* zeros: the ETag is none */
	uint64_t size;
	bool asked; /* for this key */
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, KEPT_DIGEST);
}

void listing_add(struct listing *listing, const char *path, const char *etag,
		 uint64_t size)
{
	struct listing_key *key;

	listing->key =
		xgrow(listing->key, listing->count, &listing->cap, sizeof(*listing->key));
	key = &listing->key[listing->count++];
	*key = (struct listing_key){.size = size};
	kept_digest(key->path, path);
	/* A body that was sent in parts has an ETag with a dash. */
	if (strlen(etag) != 2 * LISTING_MD5 || !hex_read(key->md5, LISTING_MD5, etag)) {
		memset(key->md5, 0, sizeof(key->md5));
	}
	listing->sorted = false;
}

void listing_release(struct listing *listing)
{
	free(listing->key);
	*listing = (struct listing){0};
}

enum listing_match listing_compare(struct listing *listing, const char *path,
				   uint64_t size, const uint8_t md5[LISTING_MD5])
{
	struct listing_key *found = NULL;
	uint8_t key[KEPT_DIGEST];

	if (!listing->sorted && listing->count) {
		qsort(listing->key, listing->count, sizeof(*listing->key), compare);
		listing->sorted = true;
	}
	kept_digest(key, path);
	if (listing->count) {
		found = bsearch(key, listing->key, listing->count, sizeof(*listing->key),
				compare);
	}
	if (!found) {
		return LISTING_ABSENT;
	}
	found->asked = true;
	if (found->size != size) {
		return LISTING_DIFFERS;
	}
	/* A store that encrypts says something else that looks like an MD5. */
	return memcmp(found->md5, md5, LISTING_MD5) == 0 ? LISTING_SAME : LISTING_UNSURE;
}

bool listing_is_exhausted(const struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		if (!listing->key[i].asked) {
			return false;
		}
	}
	return true;
}
