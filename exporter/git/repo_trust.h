/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_REPO_TRUST_H
#define EXPORTER_GIT_REPO_TRUST_H

#include "data/base/err.h"

/*
 * repo_trust - whether a folder may be opened as a repository at all. Its files are a
 * stranger's text: it may be a copy, or be unpacked from an archive, or belong to somebody
 * else. Nothing in it is read before this check.
 */

/*
 * ERR_REFUSED:
 * - `path` belongs to another user. As in git (git-config(1), safe.directory): root may also
 *   open what belongs to $SUDO_UID; the configuration of the user and of the system, not that
 *   of the repository, can name folders that are safe all the same. Of a clone that is not
 *   bare (`path` ends in "/.git") the folder above counts, too.
 * - it takes objects or references from a folder elsewhere: objects/info/alternates (`git clone
 *   --shared`), commondir. Through them, what is shown, served or bundled could come from
 *   any repository that the user can read.
 * A folder that does not exist is fine.
 */
int repo_trust_check(const char *path, struct err *err);
/* The first of these alone. */
int repo_trust_owner(const char *path, struct err *err);

#endif
