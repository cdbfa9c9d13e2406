/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_UNTAR_H
#define EXPORTER_EVIDENCE_UNTAR_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"

/*
 * untar - reads an archive that tar.h writes, or that tar(1) made of the same files, from
 * beginning to end; of a pipe, too. Anybody may have made it: no name is used as a path
 * here, and there is nothing but regular files and folders.
 *
 *	struct untar tar = {.fd = fd, .name = "x.tar"};
 *
 *	while ((rc = untar_next(&tar, name, err)) == 0) {
 *		while (!(rc = untar_read(&tar, block, sizeof(block), &len, err)) && len) {
 *			...
 *		}
 *	}
 *	rc = rc == ERR_NOTFOUND ? 0 : rc;
 */

#define UNTAR_NAME 101

struct untar {
	int fd;
	const char *name; /* of the archive, for messages */
	/* Private. */
	uint64_t at;   /* in the archive */
	uint64_t left; /* of the file */
	size_t padding;
};

/* Goes to the next file, over what is left of this one; folders are passed over. ERR_NOTFOUND
 * (no message): there are no more. ERR_INPUT: it is no such archive, cut short or damaged. */
int untar_next(struct untar *tar, char name[UNTAR_NAME], struct err *err);

/* Reads the next bytes of the file, as many as there are and fit. *len 0: it is at its end. */
int untar_read(struct untar *tar, void *bytes, size_t size, size_t *len, struct err *err);

#endif
