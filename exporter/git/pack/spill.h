/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PACK_SPILL_H
#define EXPORTER_GIT_PACK_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * spill - bytes that are appended, and read from any place: in memory while they are few,
 * then in a file without a name, which the kernel removes with the process.
 *
 *	struct spill spill = {.dir = "..."};
 *	spill_add(&spill, bytes, len);
 *	spill_read(&spill, &out, at, len, err);
 *	spill_release(&spill);
 */
struct spill {
	const char *dir; /* a folder for the file; borrowed */
	/* The rest is private. */
	struct buf tail;  /* bytes that are not in the file yet */
	uint64_t written; /* bytes in the file */
	int fd;           /* valid if written */
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
