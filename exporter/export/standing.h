/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_STANDING_H
#define EXPORTER_EXPORT_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/format/fail_on.h"
#include "data/index/index.h"
#include "exporter/evidence/sign.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place.h"
#include "exporter/snapshot/oversize.h"

/*
 * standing - how things stand: the last snapshot, who signed it, how far an index is ahead of it,
 * and whether a site is at it. It only reads, takes no lock that others wait for, and costs the
 * same however much there is; only a site that is behind costs a step for each snapshot, up to
 * STANDING_STEPS.
 *
 *	struct standing_job job = {.repo = repo, .index = "index", .now_s = now_s};
 *
 *	rc = fail_on_read(&standing.fail_on, list, err);
 *	rc = rc ? rc : standing_read(&standing, &job, err);
 *	...
 *	standing_release(&standing);
 */

#define STANDING_STEPS 1000

struct standing_job {
	struct snapshot_repo *repo;
	const char *index, *signers; /* NULL: not given */
	struct place *site;          /* NULL: not given */
	int64_t now_s;               /* Unix seconds, the present */
};

/* Where it is known from how the index stands. */
enum standing_source {
	STANDING_NONE,  /* nowhere: it was not given, does not exist, or cannot be read */
	STANDING_INDEX, /* the index */
	STANDING_REPORT, /* INDEX_STATUS_FILE: the index cannot be opened for reading without
			  * write access to its lock */
};

struct standing {
	struct fail_on fail_on; /* the caller sets its list; what is wrong is added */

	/* The last snapshot; without one info.commit is "", and the rest is zero. */
	struct snapshot_info info;
	uint64_t number;          /* 0: its message does not say */
	struct buf library;       /* its name; empty: it has none */
	struct oversize oversize; /* the responses that it lacks */
	enum sign_verdict signature;
	char key[SIGN_KEY];             /* "": none, or it cannot be read */
	char principal[SIGN_PRINCIPAL]; /* "" unless the signature is good */

	struct standing_index {
		enum standing_source source;
		int64_t as_of_s; /* when it was so; now, unless a report says it */
		char uuid[INDEX_UUID];
		uint64_t sequence, rejects, rejected_files;
		/* Whether the last snapshot shows a state of it, and which. If not, the next
		 * export renders everything. */
		bool continues;
		uint64_t exported;
		/* How long, in seconds, it has been ahead of that at least; 0: it is not. */
		int64_t lag_s;
	} index;

	struct standing_site {
		struct snapshot_id commit; /* that it is at; "": none */
		uint64_t number;           /* 0: not known */
		bool current;              /* that is the last snapshot, all of it */
		bool unfinished;           /* a publication goes on, or did not finish */
		/* How long, in seconds, there has been a later snapshot at least. */
		int64_t lag_s;
	} site;
};

/* Reads all of it. What is wrong is no failure, but is added to standing->fail_on: also an index
 * that cannot be read. The caller releases *standing in any case. */
int standing_read(struct standing *standing, const struct standing_job *job,
		  struct err *err);
void standing_release(struct standing *standing);

#endif
