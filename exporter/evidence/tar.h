/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_TAR_H
#define EXPORTER_EVIDENCE_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"

/*
 * tar - writes an archive (ustar) of a few files. The same files give the same
 * bytes: no owner, and one time for all.
 *
 *	struct tar tar = {.fd = fd, .name = "x.tar", .folder = "x", .time_s = 0};
 *	rc = tar_add_bytes(&tar, "README.txt", 0644, text, len, err);
 *	rc = tar_add_file(&tar, "big", 0644, "/somewhere/big", err);
 *	rc = tar_end(&tar, err);
 */
struct tar {
	int fd;             /* written to, one byte after the other */
	const char *name;   /* of the archive, for messages */
	const char *folder; /* that all is in */
	int64_t time_s;     /* of all files, Unix seconds */
};

int tar_add_bytes(struct tar *tar, const char *name, unsigned mode, const void *bytes,
		  size_t len, struct err *err);
int tar_add_file(struct tar *tar, const char *name, unsigned mode, const char *path,
		 struct err *err);
int tar_end(struct tar *tar, struct err *err);

#endif
