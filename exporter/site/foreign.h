/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_FOREIGN_H
#define EXPORTER_SITE_FOREIGN_H

#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place.h"

/*
 * foreign - whether a place that is to be brought to a snapshot is somebody else's: the
 * site of another repository, a folder of other things, or a folder that git would commit.
 */

/*
 * 0: `place` may be written as a site of `repo` (NULL: of a repository that does not exist
 * yet). ERR_REFUSED: it may not, and the message says why:
 *
 * - It is at a commit that the repository does not have, and that was no snapshot of main
 *   before an erasure (a label, or the trailer Albumen-Was, says so). A commit that an interrupted
 *   publish has begun with (pending.h) counts like the one in snapshot.json; if the
 *   repository has one of them, the site is its own.
 * - It is no site, and has something in it besides `lost+found`, which mkfs makes.
 * - It is no site yet, and lies in a git work tree that does not ignore it, or in a
 *   repository.
 *
 * It is a site if snapshot.json names a commit, or SITE/.albumen has a lock or is empty,
 * with nothing beside it. Nothing is
 * changed, and the site's lock is not needed.
 */
int foreign_check(struct place *place, struct snapshot_repo *repo, struct err *err);

/*
 * ERR_REFUSED: the site is at a snapshot of `repo` that main does not lead to, because its
 * number is main's or a later one; and no label is on it. So main was set back where
 * nothing else shows it: an older copy of the repository was put over it, note and all.
 */
int foreign_check_ahead(struct place *place, struct snapshot_repo *repo, struct err *err);

#endif
