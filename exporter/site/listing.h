/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_LISTING_H
#define EXPORTER_SITE_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * listing - what the listings of an object store have said of its keys: a size, and an ETag,
 * which is the MD5 of the body where the store says no other. So a million files are compared
 * by a thousand requests.
 *
 * A key takes 48 bytes, whatever its length: digests of keys are kept, as in kept.h.
 */

#define LISTING_MD5 16

struct listing_key;

struct listing {
	struct listing_key *key;
	size_t count, cap;
	bool sorted;
};

/* `etag` is without quotes. */
void listing_add(struct listing *listing, const char *path, const char *etag,
		 uint64_t size);
void listing_release(struct listing *listing);

enum listing_match {
	LISTING_ABSENT,
	LISTING_SAME,
	LISTING_DIFFERS,
	LISTING_UNSURE, /* of this size, but the ETag is not its MD5, and may be none at all */
};
/* Compares a key with a body of this size and MD5, and notes that it was asked for. */
enum listing_match listing_compare(struct listing *listing, const char *path,
				   uint64_t size, const uint8_t md5[LISTING_MD5]);
/* Whether every key was asked for. */
bool listing_is_exhausted(const struct listing *listing);

#endif
