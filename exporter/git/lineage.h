/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_LINEAGE_H
#define EXPORTER_GIT_LINEAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exporter/git/repo.h"

/*
 * lineage - which object came in the place of which: in each of some commits, against its
 * parent, the files and folders that changed at their path.
 */

/* The object `new` came in the place of `old`, a file or a folder. `path` is a hash of the
 * path, not 0. Of a folder: false, and what changed in it is not asked for. */
typedef bool lineage_fn(const uint8_t old[OBJECT_ID], const uint8_t new[OBJECT_ID],
			uint32_t path, void *payload);

/*
 * Calls `each` for the changes of the commits with these `count` ids (OBJECT_ID bytes each), in
 * the order of time. What is missing (the parent of the first commit of a shallow repository)
 * or damaged changes nothing: who only wants to know what is alike need not fail for it. A
 * folder of which `each` says true is read once each time: with a stranger's trees, `each` has
 * to say true once for each `new` only.
 */
void lineage_walk(struct snapshot_repo *repo, const uint8_t *ids, size_t count,
		  lineage_fn *each, void *payload);

#endif
