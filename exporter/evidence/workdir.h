/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_WORKDIR_H
#define EXPORTER_EVIDENCE_WORKDIR_H

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * workdir - a folder for work in progress, beside the file that comes of it, so that the
 * file can be renamed into its place. Its name is ".albumen-bundle." and six characters. It is
 * locked while it is in use: the lock of a killed process is free, and the next
 * workdir_make in the same folder removes what that process left.
 */
struct workdir {
	struct buf path; /* absolute */
	int fd;          /* the lock; -1: not made */
};

/* Makes it in the folder of the file `out`; for "-" in the one for temporary files. */
int workdir_make(struct workdir *dir, const char *out, struct err *err);
/* Removes it with all that is in it. After workdir_make in any case, also if that failed. */
void workdir_remove(struct workdir *dir);

#endif
