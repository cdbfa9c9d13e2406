/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_SIGN_EDIT_H
#define EXPORTER_EVIDENCE_SIGN_EDIT_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/evidence/sign.h"
#include "exporter/git/snapshot_edit.h"

/*
 * sign_edit - signs the snapshot that an edit makes: the commit message gets the
 * trailer Albumen-Tree-SHA256 (digest.h), and the commit an SSH signature (sign.h).
 *
 * The digests of signed snapshots are kept in the repository's folder DIGEST_FOLDER, so that
 * the next one hashes only what has changed.
 */

/* Call it after snapshot_edit_begin, before anything is put. */
void sign_edit(struct snapshot_edit *edit, struct snapshot_repo *repo, const char *key);

/* Which key a stored commit is signed with: sign_signer. */
int sign_commit_key(char key[SIGN_KEY], struct snapshot_repo *repo,
		    const struct snapshot_id *commit, struct err *err);

/* The same for where it may be unsigned: *signer is `key`, or NULL if there is no signature. */
int sign_commit_signer(const char **signer, char key[SIGN_KEY],
		       struct snapshot_repo *repo, const struct snapshot_id *commit,
		       struct err *err);

/* Verifies the signature of a stored snapshot. ERR_REFUSED: no signer in the file `signers`
 * has made it, and the message says why. */
int sign_commit_verify(struct sign_result *out, struct snapshot_repo *repo,
		       const struct snapshot_id *commit, const char *signers,
		       struct err *err);

/* Appends the SHA-256 of a stored tree (digest.h) to *hex, in a repository that is open for
 * writing. It is quick for signed snapshots; of others, everything is read that no signed one
 * has. */
int sign_digest(struct buf *hex, struct snapshot_repo *repo,
		const struct snapshot_id *tree, struct err *err);

#endif
