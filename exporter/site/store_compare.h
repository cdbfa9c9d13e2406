/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_STORE_COMPARE_H
#define EXPORTER_SITE_STORE_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/s3/s3.h"
#include "exporter/site/listing.h"

/*
 * store_compare - whether keys of a store have the bodies that they should have. It asks for
 * listings, of one key or of a whole folder.
 */

/* Zeroed but for what the caller sets is ready for use. */
struct store_compare {
	struct s3 *s3;    /* set by the caller */
	const char *name; /* of the site, for messages; set by the caller */
	/* Every file will be asked for, and what is said has to be certain: api/ and audit/ are
	 * listed as a whole, and a body is read where its ETag does not tell. Else that counts
	 * as another one: to write it costs as much as to read it. */
	bool check;
	bool many; /* many files will be asked for: folders are listed at once */
	unsigned asked;
	struct store_compare_part {
		char *prefix; /* that was listed */
		struct listing listing;
	} * part;
	size_t parts, cap;
};

/* Compares a key with a body of this size and MD5 (NULL: only whether it exists, which is
 * LISTING_DIFFERS); *match is never LISTING_UNSURE. What was listed before is taken for what is
 * there. */
int store_compare(struct store_compare *compare, enum listing_match *match,
		  const char *path, uint64_t size, const uint8_t *md5, struct err *err);
/* With `check`: no key below the folder `path` is there that was not asked for. */
bool store_compare_is_exhausted(const struct store_compare *compare, const char *path);
/* Forgets what was listed. */
void store_compare_release(struct store_compare *compare);

#endif
