/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_H
#define EXPORTER_VERIFY_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/verify/verify_labels.h"
#include "exporter/verify/verify_refs.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_who.h"

/*
 * verify - checks that a repository of snapshots, or a clone of one, is what albumen made
 * and that nobody changed it. It needs nothing else; with signers, ssh-keygen(1).
 *
 * 1. The references: no second history beside main's (verify_refs).
 * 2. Every file with a checksum and every object, reachable or not (verify_store).
 * 3. The labels by themselves, and their signatures (verify_labels).
 * 4. main is one line of snapshots, from the first one on, or from where a label declares
 *    that the history begins (verify_begin, verify_line).
 * 5. Each snapshot, the oldest first: the trailers of its message (verify_trailers), its
 *    time, its signature (verify_sign), where its files lie (verify_tree), whether they
 *    agree with each other (verify_state), and the SHA-256 of them all.
 * 6. The labels and their snapshots; what git reads in place of objects (verify_derived).
 *
 * The cost of 5 follows what changed from one snapshot to the next. verify cannot see
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

/* A snapshot. */
struct verify_end {
	char commit[41]; /* "": there is none */
	uint64_t number;
	int64_t time_s;
};

struct verify_result {
	uint64_t objects;   /* undamaged */
	uint64_t snapshots; /* of main, from `from` to `to` */
	uint64_t held;      /* and before main's first, by themselves */
	uint64_t is_signed; /* of both, with a signature */
	uint64_t good;      /* of those, with a valid one */
	uint64_t failures;
	struct verify_end from, to;
	struct verify_who who;       /* signed these snapshots, and the labels */
	struct verify_refs refs;     /* what the labels borrow from */
	struct verify_labels labels; /* those of a snapshot have its number */
	uint64_t labelled;           /* so many */
	/* The one that declares that the history begins late; NULL: it has its beginning. */
	const struct verify_label *begin;
	struct buf notes; /* what is no failure, but should be known; a line each */
};

/* Returns 0 if everything could be checked, whatever was found: see result->failures. The
 * caller releases *result in any case. */
int verify_run(const struct verify_job *job, struct verify_result *result,
	       struct err *err);
void verify_result_release(struct verify_result *result);

#endif
