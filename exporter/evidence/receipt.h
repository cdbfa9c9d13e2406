/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_RECEIPT_H
#define EXPORTER_EVIDENCE_RECEIPT_H

#include <stddef.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/request.h"

/*
 * receipt - a proof of what a request was answered with in a signed snapshot, which needs
 * neither the repository nor git. albumen(7), "Receipts", defines it: the signed commit, the
 * trees of git's SHA-256 format on the way from the root, whose id the signed message has, to
 * the file, and the answer.
 *
 *	request_read(&request, "/api/v1/albums/885999a5/images/untag", err);
 *	receipt_write(repo, &info, &request, sink, payload, err);
 *
 * The SHA-256 of what lies beside the way comes from the repository's digest store
 * (digest_keep.h), which is read without the lock. What is not there is computed: in a clone,
 * from the whole snapshot. The store is not trusted: each tree must have the id that the tree
 * above states, up to the message. If one has not, all is computed once, without the store.
 *
 * It costs a dozen trees and some thousand rows of the store for each id, and reads each answer
 * twice. The trees are collected in a file without a name; one answer is in memory.
 */

/* Takes the next bytes of the receipt. */
typedef void receipt_sink(const void *bytes, size_t len, void *payload);

/* ERR_REFUSED: the snapshot is not signed. ERR_INPUT: the request has no receipt, or the
 * snapshot is none that albumen made. ERR_LARGE: the snapshot does not have the answer, or one
 * of those that are joined, as it is too large (oversize.h). All is proven before the first call
 * of `sink`; if an answer cannot be read again after that, the receipt ends early, with an
 * error. */
int receipt_write(struct snapshot_repo *repo, const struct snapshot_info *info,
		  const struct request *request, receipt_sink *sink, void *payload,
		  struct err *err);

#endif
