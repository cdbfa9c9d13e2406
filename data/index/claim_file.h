/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_CLAIM_FILE_H
#define DATA_INDEX_CLAIM_FILE_H

#include <stdbool.h>
#include <stdint.h>

/* claim_file - a metadata file as it was when it was read, which shows later whether it
 * has changed. See data/index/claim.h. */
struct claim_file {
	uint64_t dev, ino;
	int64_t size;
	int64_t mtime_ns, ctime_ns;
	bool racy;        /* changed so close to its reading that it must be read again */
	uint64_t rejects; /* records (or the whole file) that were rejected */
	uint64_t number;  /* the index's own number of the file; set by claim_file_get */
	uint32_t claims;  /* likewise: the sum of its claims, which proves them whole */
};

/* A file with this size must be read again though it has not changed, and what it says
 * then replaces what it said before (data/index/gate.h). */
#define CLAIM_ANEW (-2)

#endif
