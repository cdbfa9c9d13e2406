/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_STORE_H
#define EXPORTER_VERIFY_VERIFY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"

/*
 * verify_store - all objects of a repository, in packs and loose. (One that borrows objects
 * from elsewhere is not opened: repo_trust.h.)
 *
 *	verify_store_open(&store, git_dir, &report, err);
 *	verify_store_check(store);	(reads everything once)
 *	verify_store_read(&body, &type, store, id);	(any number of times)
 *	verify_store_close(store);
 *
 * Objects that verify_store_check finds damaged do not exist for verify_store_read, so
 * what it reads has the id that was asked for. Grafts and replacements have no effect.
 */

struct verify_store;

/* Opens every pack, and reports those that cannot be used. The report is borrowed.
 * ERR_FAIL: the repository has no folder `objects`. */
int verify_store_open(struct verify_store **out, const char *git_dir,
		      struct verify_report *report, struct err *err);
/* NULL is allowed. */
void verify_store_close(struct verify_store *store);

/* Compares every object with its id, and every file that ends with a checksum with
 * that; large packs on two threads. Reports what is damaged. */
void verify_store_check(struct verify_store *store);
/* How many objects verify_store_check found undamaged. */
uint64_t verify_store_objects(const struct verify_store *store);

/* 0 if the object is there and not damaged, else as verify_store_read. */
int verify_store_look(struct verify_store *store, const uint8_t id[OBJECT_ID]);

/* Reads the object `id` into *body, which is cleared first. ERR_NOTFOUND: it is not
 * there. ERR_INPUT: it is damaged. Neither has a message. */
int verify_store_read(struct buf *body, enum object_type *type,
		      struct verify_store *store, const uint8_t id[OBJECT_ID]);

/* The pack whose index has this file name (it ends in .idx). VERIFY_STORE_NONE: there is none. */
#define VERIFY_STORE_NONE SIZE_MAX
size_t verify_store_pack(const struct verify_store *store, const char *name);
/* Whether the object `id` begins at `at` in that pack. */
bool verify_store_is_at(const struct verify_store *store, size_t pack,
			const uint8_t id[OBJECT_ID], uint64_t at);

#endif
