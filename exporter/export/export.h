/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_EXPORT_H
#define EXPORTER_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/base/stop.h"
#include "data/index/index.h"
#include "exporter/evidence/sign_key.h"
#include "exporter/export/accept.h"
#include "exporter/git/snapshot_edit.h"
#include "exporter/site/site.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/redact.h"

/*
 * export - makes the next snapshot from the index, and brings a site to it.
 *
 * The last commit's trailers say what is exported already: the uuid of the index, the
 * sequence of its change feed, and the epoch of that sequence. If the last export made no
 * snapshot, the note in the repository's folder says it (note.h).
 */

struct export_job {
	struct index *index;
	struct snapshot_repo *repo; /* open for writing, unless it is a dry run */
	/* Only find out what the snapshot would be. `repo` is open with SNAPSHOT_LOOK, or
	 * NULL where there is no repository yet. */
	bool dry_run;
	bool probe; /* a dry run that ends when each new path of redact has matched */
	struct place *site;          /* NULL: no site */
	unsigned site_flags;         /* enum site_flags */
	const char *sign;            /* a key (sign.h); NULL: do not sign */
	const char *key;             /* its fingerprint (sign_key_check) */
	const struct redact *redact; /* NULL: nothing is left out */
	const char *name;            /* of the library; NULL: as in the last snapshot */
	struct accept *accept;       /* NULL: nothing; holds for the first export only */
	struct stop *stop;           /* may be NULL */
	/* For tests: the largest body (0: RESPONSE_MAX), the responses of a slice (0: the
	 * default), and a call after each slice. */
	size_t body_max;
	unsigned slice;
	void (*between)(void *payload);
	void *payload;
};

struct export_result {
	/* A snapshot was made, or a dry run would make one; else the last one is up to
	 * date. */
	bool made;
	bool full; /* everything was rendered */
	uint64_t rendered;
	struct redact_matched matched; /* in what was rendered */
	unsigned restarts;             /* how often the export began again */
	struct snapshot_delta delta;
	struct snapshot_info info; /* the last snapshot now */
	uint64_t sequence;         /* of the index, up to which that snapshot shows it */
	struct snapshot_id tree;   /* of the snapshot that a dry run would make */
	/* If a snapshot was made and signed with another key than the one before: the
	 * fingerprint of that one's key. Else "". */
	char other_key[SIGN_KEY];
	struct oversize oversize; /* the responses that it does not have */
	struct site_result site;
};
void export_result_release(struct export_result *result);

/* Makes a snapshot of what changed since the last one, if anything did, then brings the
 * site to it. A dry run refuses what this would refuse, and changes nothing. The caller
 * releases *result in any case. ERR_STOPPED: a stop was asked for, and no snapshot was made.
 * ERR_LOCKED: the first scan has not ended, or another process
 * publishes the site. ERR_REFUSED: the last snapshot or the site contradicts the job, see
 * accept.h; job->accept does not allow that, and nothing was changed. */
int export_run(const struct export_job *job, struct export_result *result,
	       struct err *err);

#endif
