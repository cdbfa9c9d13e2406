/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_TAR_H
#define EXPORTER_EVIDENCE_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"

/*
 * tar - writes an archive (ustar) of a few files. The same files give the same bytes:
 * no owner, and one time for all. It is ours because all it takes is one header, and
 * libarchive would be one more library for each process to load.
 *
 *	struct tar tar = {.fd = fd, .name = "x.tar", .folder = "x", .time_s = 0};
 *
 *	tar_add_bytes(&tar, "README.txt", 0644, text, len);
 *	tar_add_file(&tar, "big", 0644, "/somewhere/big");
 *	rc = tar_end(&tar, err);	(the first failure of all)
 */
struct tar {
	int fd;             /* written from here on */
	const char *name;   /* of the archive, for messages */
	const char *folder; /* of all files, in the archive */
	int64_t time_s;     /* of all files, Unix seconds */
	/* Private. */
	int rc;
	struct err err;
};

void tar_add_bytes(struct tar *tar, const char *name, unsigned mode, const void *bytes,
		   size_t len);
void tar_add_file(struct tar *tar, const char *name, unsigned mode, const char *path);
int tar_end(struct tar *tar, struct err *err);

#endif
