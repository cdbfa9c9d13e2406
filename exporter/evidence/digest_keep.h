/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_DIGEST_KEEP_H
#define EXPORTER_EVIDENCE_DIGEST_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"

/*
 * digest_keep - keeps the SHA-256 of objects by their SHA-1, for digest.c: in a table of a
 * process, or in an LMDB environment for the next one. What is kept may be lost, but never
 * comes back changed: each row has a checksum. It is true for ever, so nothing is removed,
 * and rows of objects that never got into a commit do no harm.
 *
 *	digest_keep_open(&keep, dir, err);
 *	if (digest_keep_get(sha256, keep, id, err) == ERR_NOTFOUND) {
 *		(compute it)
 *		digest_keep_put(keep, id, sha256);
 *	}
 *	digest_keep_save(keep, err);
 *	digest_keep_close(keep);
 *
 * Memory: some twenty bytes for each object that was put and not saved; the rest of it is in
 * a file without a name. On disk a row takes 70 to 120 bytes.
 */

#define DIGEST_ID 32 /* bytes of a SHA-256 */

struct digest_keep;

/* `dir`: the folder of the environment, which is made if absent, and made anew if it is
 * damaged or has another layout. The caller holds a lock, so that nobody else writes it.
 * NULL: in this process alone. */
int digest_keep_open(struct digest_keep **out, const char *dir, struct err *err);
/* The same for a process that does not hold the lock: it reads what is there while another
 * one adds to it, and saves nothing. An environment that is missing or cannot be read is
 * passed over. */
void digest_keep_open_reader(struct digest_keep **out, const char *dir);
/* Removes an environment that nobody has open, and its folder, if they are there. */
int digest_keep_remove(const char *dir, struct err *err);
/* NULL is allowed. What was not saved is lost. */
void digest_keep_close(struct digest_keep *keep);

/* ERR_NOTFOUND (no message): it is not kept. */
int digest_keep_get(uint8_t sha256[DIGEST_ID], struct digest_keep *keep,
		    const uint8_t id[OBJECT_ID], struct err *err);
/* For an object that digest_keep_get does not find. A failure to keep it is reported by the
 * next digest_keep_get or digest_keep_save. */
void digest_keep_put(struct digest_keep *keep, const uint8_t id[OBJECT_ID],
		     const uint8_t sha256[DIGEST_ID]);
/*
 * What is in a wide folder is needed together, over and over, and a search for each of its
 * entries costs an export milliseconds where there are millions of objects. So the environment
 * also keeps lists by name, in which pairs stand one after the other: DIGEST_PAIR bytes, an
 * object's SHA-1 and its SHA-256.
 */
#define DIGEST_PAIR (OBJECT_ID + DIGEST_ID)
/* Appends the list to *pairs. False: there is none. */
bool digest_keep_list(struct buf *pairs, struct digest_keep *keep, const char *name);
/* Replaces the list, when what was put is saved. Of many new lists some are dropped. */
void digest_keep_put_list(struct digest_keep *keep, const char *name,
			  const struct buf *pairs);
/* Saves what was put, if there is an environment that can be written. Durable on return. */
int digest_keep_save(struct digest_keep *keep, struct err *err);

#endif
