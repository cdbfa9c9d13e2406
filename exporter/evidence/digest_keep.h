/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_DIGEST_KEEP_H
#define EXPORTER_EVIDENCE_DIGEST_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * digest_keep - keeps notes by the path of a folder, in memory or in an LMDB
 * environment, for digest.c. Notes may be lost, but never come back changed: each one
 * is stored with a checksum. After a failure no note is found, and digest_keep_save
 * returns it.
 */
struct digest_keep;

/* `dir` NULL: in memory. An environment that cannot be read is made anew. */
int digest_keep_open(struct digest_keep **out, const char *dir, struct err *err);
/* NULL is allowed. */
void digest_keep_close(struct digest_keep *keep);

/* Appends the note about `path` (1 byte or more). ERR_NOTFOUND: there is none. */
int digest_keep_get(struct digest_keep *keep, const char *path, struct buf *note);
void digest_keep_put(struct digest_keep *keep, const char *path, const void *note,
		     size_t len);
void digest_keep_delete(struct digest_keep *keep, const char *path);
/* Commits what was put; many notes are also committed in between. */
int digest_keep_save(struct digest_keep *keep, struct err *err);

#endif
