/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_EXPORT_H
#define EXPORTER_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "data/base/stop.h"
#include "data/index/index.h"
#include "exporter/export/accept.h"
#include "exporter/git/snapshot_edit.h"
#include "exporter/snapshot/redact.h"
#include "exporter/site/site.h"

/*
 * export - the index into the next snapshot, and the snapshot onto a site.
 *
 * What is exported already stands in the last commit's trailers: the uuid of the
 * index, the sequence of its change feed, and the epoch of that sequence. Where the
 * last export made no snapshot, it stands in the note beside the repository (note.h).
 * export.c tells how a snapshot of one instant is made without holding on to it.
 */

struct export_job {
	struct index *index;
	struct snapshot_repo *repo;  /* open for writing */
	const char *site;            /* NULL: no site */
	unsigned site_flags;         /* enum site_flags */
	const char *sign;            /* a key (sign.h); NULL: snapshots are not signed */
	const struct redact *redact; /* NULL: nothing is left out */
	struct accept *accept;       /* NULL: nothing; what it gives is used up by one */
	struct stop *stop;           /* NULL: nobody asks */
	/* For tests: responses of a slice (0: many), and a call between two of them. */
	unsigned slice;
	void (*between)(void *payload);
	void *payload;
};

struct export_result {
	bool made; /* a snapshot was made; else the last one said it all */
	bool full; /* everything was rendered */
	uint64_t rendered;
	unsigned
		restarts; /* times that the index had changed too much, and it began again */
	struct snapshot_delta delta;
	struct snapshot_info info; /* the snapshot that is current now */
	struct site_result site;
};
void export_result_release(struct export_result *result);

/* Makes a snapshot of what changed since the last, if anything did, then brings
 * the site to it. Release *result in any case. ERR_STOPPED: a stop was asked for,
 * nothing was made. ERR_LOCKED: the index is being filled for the first time, or
 * another process publishes the site. ERR_REFUSED: main is not what it was left as
 * (note_check), and job->accept does not say that this is meant; nothing was changed. */
int export_run(const struct export_job *job, struct export_result *result,
	       struct err *err);

#endif
