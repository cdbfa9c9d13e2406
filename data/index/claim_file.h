/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DATA_INDEX_CLAIM_FILE_H
#define DATA_INDEX_CLAIM_FILE_H

#include <stdbool.h>
#include <stdint.h>

/* claim_file - a metadata file at the time it was read. A later scan compares it with
 * the file to see whether it has changed. See data/index/claim.h. */
struct claim_file {
	uint64_t dev, ino;
	int64_t size;
	int64_t mtime_ns, ctime_ns;
	bool racy; /* changed so shortly before it was read that it must be read again */
	uint64_t rejects; /* records (or the whole file) that were rejected */
	uint64_t number;  /* the number of the file in the index; set by claim_file_get */
	/* The sum of its claims, which proves that none is missing; set likewise. */
	uint32_t claims;
};

/* A stored size that says: read this file again even if it has not changed, and replace
 * its claims (data/index/gate.h). */
#define CLAIM_ANEW (-2)

#endif
