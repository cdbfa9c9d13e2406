/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_DIGEST_KEEP_H
#define EXPORTER_EVIDENCE_DIGEST_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * digest_keep - what a digest calculator remembers: notes by the path of a folder,
 * in memory or in a folder of its own. Losing notes is allowed; a note that comes
 * back other than it was put is not, so each one is kept with a check of its own.
 * Failures are told by digest_keep_save alone; until then nothing is found.
 */
struct digest_keep;

/* `dir` NULL: in memory. What lies in `dir` and cannot be read is removed. */
int digest_keep_open(struct digest_keep **out, const char *dir, struct err *err);
/* NULL is allowed. */
void digest_keep_close(struct digest_keep *keep);

/* Appends the note about `path` (1 byte or more). ERR_NOTFOUND: there is none. */
int digest_keep_get(struct digest_keep *keep, const char *path, struct buf *note);
void digest_keep_put(struct digest_keep *keep, const char *path, const void *note,
		     size_t len);
void digest_keep_delete(struct digest_keep *keep, const char *path);
/* Makes what was put last; a great many notes are saved now and then unasked. */
int digest_keep_save(struct digest_keep *keep, struct err *err);

#endif
