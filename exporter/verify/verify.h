/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_H
#define EXPORTER_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/verify/verify_report.h"

/*
 * verify - whether a repository of snapshots, or a clone of one, is what albumen made
 * and nobody changed. It needs nothing else, and with --signers ssh-keygen(1).
 *
 * 1. Every file with a checksum and every object, reachable or not (verify_store).
 * 2. The references: no second history beside main's (verify_refs).
 * 3. main is one line of snapshots from the first one on (verify_line).
 * 4. From snapshot to snapshot, the oldest first: what its message says of itself
 *    (verify_trailers), its time, its signature, its tree (verify_tree), its files
 *    and how they agree with each other (verify_state), and the SHA-256 of it all.
 * 5. The labels.
 *
 * The cost of 4 follows what changed from one snapshot to the next. What nobody can
 * see: that a clone is cut off at its end (it is then as it was at an earlier time),
 * unless the caller knows a snapshot that must be in it (`to`).
 */

struct verify_job {
	const char *repo;
	const char *from, *to;   /* WHEN (when.h); NULL: the first, the last */
	const char *signers;     /* allowed-signers file; NULL: not checked */
	verify_failure_fn *each; /* called for every failure */
	void *payload;
};

struct verify_result {
	uint64_t objects;   /* read and good */
	uint64_t line;      /* snapshots on main */
	uint64_t snapshots; /* of them, those between from and to */
	uint64_t is_signed; /* of those, with a signature */
	uint64_t good;      /* of those, with a good one */
	uint64_t labels;    /* on the line */
	uint64_t failures;
	char first[41], last[41]; /* commits of from and to; "": there are none */
};

/* Returns 0 if it could be done, whatever was found: see result->failures. */
int verify_run(const struct verify_job *job, struct verify_result *result,
	       struct err *err);

#endif
