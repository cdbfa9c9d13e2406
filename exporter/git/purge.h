/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_PURGE_H
#define EXPORTER_GIT_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/repo.h"

/*
 * purge - removes from the disk what no reference of the repository leads to.
 *
 *	purge_begin(repo, err);
 *	(move references, write `shallow`)
 *	purge_run(repo, &result, err);
 *
 * What stays is what HEAD and the references reach; `shallow` ends the history (shallow.h).
 * Everything else goes: objects, whether in packs (also those with .keep, .promisor or
 * .mtimes) or in files of their own; what git derives from objects (commit-graph,
 * multi-pack-index, bitmaps) and would miss them; reflogs, FETCH_HEAD and the like, which name
 * them; what a killed git left below objects/. A pack of which all is reached stays as it is.
 *
 * New packs are durable and in place before anything goes. A kill leaves all that is reached,
 * and the file albumen-exporter.purge: the purge is due until it has succeeded.
 *
 * Cost: commits, trees and tags that are reached are read, each once. Of the packs that lose
 * an object the rest is copied, and read only where a delta loses its base. Memory: some 60
 * bytes for each object of these packs, and the largest body.
 *
 * Both need the repository open for writing and no edit begun. Nobody may push into the
 * repository or fetch meanwhile: what has come without its reference yet is removed.
 */

/* ERR_REFUSED: there are work trees, whose references are not looked at. */
int purge_check(const struct snapshot_repo *repo, struct err *err);
/* Says durably that a purge is due. */
int purge_begin(struct snapshot_repo *repo, struct err *err);
/* The purge is not due after all. A failure is only that it will be done. */
void purge_cancel(struct snapshot_repo *repo);
bool purge_is_due(const struct snapshot_repo *repo);

struct purge_result {
	uint64_t objects; /* removed; one that was in several packs counts as often */
	uint64_t bytes_before,
		bytes; /* of packs without their indexes, and loose objects */
};
/* ERR_REFUSED: as purge_check. ERR_CHANGED:
 * another program moved a reference meanwhile; nothing was removed. ERR_FAIL: an object that
 * is reached is missing or damaged; likewise. After a failure the repository may have to be
 * opened again (snapshot_reopen). */
int purge_run(struct snapshot_repo *repo, struct purge_result *result, struct err *err);

#endif
