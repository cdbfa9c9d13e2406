/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_TREE_H
#define EXPORTER_VERIFY_VERIFY_TREE_H

#include <stdint.h>

#include "data/index/query.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_store.h"

/*
 * verify_tree - compares the trees of two snapshots. What is new is checked: it has to be a
 * row of exporter/snapshot/response.h, in its place. Each file that differs is handed to
 * the caller. Equal folders are not read.
 *
 * What is wrong is reported, and is not there for the caller: a folder that cannot be read
 * is empty, an entry that does not belong is left out. As that depends on nothing but the
 * objects, the same holds when the folder is on the older side, so that the differences
 * add up.
 */

struct verify_tree_change {
	enum query_response kind;
	const char *path; /* these are borrowed until the callback returns */
	const char *id;   /* that N stands for: a good one, NUL-terminated */
	size_t id_len;
	const uint8_t *old_blob, *new_blob; /* NULL: there is none */
};
typedef void verify_tree_fn(const struct verify_tree_change *change, void *payload);

/* Tags come first, then albums, then images. `from` may be NULL: no files. */
void verify_tree_walk(struct verify_store *store, struct verify_report *report,
		      const uint8_t *from, const uint8_t to[OBJECT_ID],
		      verify_tree_fn *each, void *payload);

#endif
