/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_TREE_H
#define EXPORTER_VERIFY_VERIFY_TREE_H

#include <stdint.h>

#include "data/index/query.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_store.h"

/*
 * verify_tree - compares the trees of two snapshots: calls the caller for every file
 * that differs, and checks that what is new lies where files of snapshots do
 * (exporter/snapshot/response.h). Folders that are equal are not read.
 *
 * What is wrong is reported, and does not exist for the caller: a folder that cannot be
 * read is empty, an entry that does not belong is left out. That depends on the objects
 * alone. So it is the same when the folder is the older side, and the changes add up.
 */

struct verify_tree_change {
	enum query_response kind;
	const char *path; /* all borrowed until the callback returns */
	const char *id;   /* that the file is about: a good one, NUL-terminated */
	size_t id_len;
	const uint8_t *old_blob, *new_blob; /* NULL: there is none */
};
typedef void verify_tree_fn(const struct verify_tree_change *change, void *payload);

/* Calls `each` for tags first, then for the rest. `from` may be NULL: nothing. */
void verify_tree_walk(struct verify_store *store, struct verify_report *report,
		      const uint8_t *from, const uint8_t to[OBJECT_ID],
		      verify_tree_fn *each, void *payload);

#endif
