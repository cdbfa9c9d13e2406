/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_ADVANCE_H
#define EXPORTER_GIT_ADVANCE_H

#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/pack/pack.h"
#include "exporter/git/repo.h"

/*
 * advance - gives new packs to the repository and moves one reference to a commit or tag
 * that is in them. Needs the writer's lock.
 */

/* Completes `pack`, installs it, and moves the branch or tag `name` from `from` (NULL:
 * there is none yet) to `to`. All is durable on return. ERR_CHANGED: the reference is not at
 * `from`. ERR_LOCKED: another program holds its lock. */
int advance_ref(struct snapshot_repo *repo, struct pack *pack, const char *name,
		const uint8_t *from, const uint8_t to[OBJECT_ID], struct err *err);
/* Completes or undoes what a killed writer had begun (repo_note.h). Needs references
 * only. */
int advance_recover(struct snapshot_repo *repo, struct err *err);

#endif
