/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_SPILL_H
#define EXPORTER_GIT_PACK_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * spill - bytes that are written once, in order, and read at any place: in memory
 * while they are few, beyond that in a file without a name, which is gone with us.
 *
 *	struct spill spill = {.dir = "..."};
 *	spill_add(&spill, bytes, len);
 *	spill_read(&spill, &out, at, len, err);
 *	spill_release(&spill);
 */
struct spill {
	const char *dir; /* a folder for the file; borrowed */
	/* The rest is the module's own. */
	struct buf tail;  /* what is not in the file yet */
	uint64_t flushed; /* bytes in the file */
	int fd;           /* valid if flushed */
	int rc;           /* the failure that stuck; spill_read reports it */
	struct err err;
};

void spill_add(struct spill *spill, const void *bytes, size_t len);
uint64_t spill_length(const struct spill *spill);
/* Appends `len` bytes from `at` on, which must have been added, to *out. */
int spill_read(struct spill *spill, struct buf *out, uint64_t at, size_t len,
	       struct err *err);
void spill_release(struct spill *spill);

#endif
