/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_STORE_H
#define EXPORTER_VERIFY_VERIFY_STORE_H

#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"

/*
 * verify_store - all objects of a repository: packs, loose ones, and those of the
 * repositories that it borrows from (objects/info/alternates).
 *
 *	verify_store_open(&store, git_dir, &report, err);
 *	verify_store_check(store);	(reads everything once)
 *	verify_store_read(&body, &type, store, id);	(any number of times)
 *	verify_store_close(store);
 *
 * What verify_store_check found damaged does not exist for verify_store_read, so an
 * object that is read has the id it was asked for by. Grafts and replacements are
 * not honoured.
 */

struct verify_store;

/* Opens every pack. Files that cannot be used are failures in the report. ERR_FAIL:
 * there is no folder of objects. The report is borrowed. */
int verify_store_open(struct verify_store **out, const char *git_dir,
		      struct verify_report *report, struct err *err);
/* NULL is allowed. */
void verify_store_close(struct verify_store *store);

/* Reads every object and compares it with its id, and every file that has a
 * checksum with that. */
void verify_store_check(struct verify_store *store);
/* Objects that verify_store_check read and found good. */
uint64_t verify_store_objects(const struct verify_store *store);

/* Whether the object is there and not damaged: 0, or as verify_store_read. */
int verify_store_look(struct verify_store *store, const uint8_t id[OBJECT_ID]);

/* Reads the object `id` into *body, which is cleared first. ERR_NOTFOUND: it is not
 * there; ERR_INPUT: it is, but damaged. Both quietly. */
int verify_store_read(struct buf *body, enum object_type *type,
		      struct verify_store *store, const uint8_t id[OBJECT_ID]);

#endif
