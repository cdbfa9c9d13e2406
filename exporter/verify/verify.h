/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_H
#define EXPORTER_VERIFY_VERIFY_H

#include <stdint.h>

#include "data/base/err.h"
#include "exporter/verify/verify_report.h"

/*
 * verify - checks that a repository of snapshots, or a clone of one, is what albumen made
 * and that nobody changed it. It needs nothing else; with signers, ssh-keygen(1).
 *
 * 1. The references: no second history beside main's (verify_refs).
 * 2. Every file with a checksum and every object, reachable or not (verify_store).
 * 3. main is one line of snapshots, from the first one on (verify_line).
 * 4. Each snapshot, the oldest first: the trailers of its message (verify_trailers), its
 *    time, its signature (verify_sign), where its files lie (verify_tree), whether they
 *    agree with each other (verify_state), and the SHA-256 of them all.
 * 5. The labels.
 *
 * The cost of 4 follows what changed from one snapshot to the next. verify cannot see
 * that a clone is cut off at its end, as it is then what it was at an earlier time,
 * unless the caller knows a snapshot that must be in it (`to`).
 */

struct verify_job {
	const char *repo;
	const char *from, *to; /* WHEN (when.h); NULL: the first, the last */
	const char *signers; /* allowed-signers file; NULL: signatures are not checked */
	verify_failure_fn *each; /* called for every failure */
	void *payload;
};

struct verify_result {
	uint64_t objects;   /* undamaged */
	uint64_t snapshots; /* from `from` to `to` */
	uint64_t is_signed; /* of them, with a signature */
	uint64_t good;      /* of those, with a valid one */
	uint64_t labels;    /* on the line */
	uint64_t failures;
	char first[41], last[41]; /* commits of from and to; "": there are none */
};

/* Returns 0 if everything could be checked, whatever was found: see result->failures. */
int verify_run(const struct verify_job *job, struct verify_result *result,
	       struct err *err);

#endif
