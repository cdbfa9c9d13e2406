/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_LEASE_H
#define EXPORTER_SITE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/s3/s3.h"
#include "exporter/site/publication.h"

/*
 * lease - holds .albumen/publication.json of a store (publication.h) while we publish there. A
 * thread of its own renews it, with a connection of its own: the publication may read and sort
 * for minutes without a request.
 *
 *	lease_take(&lease, &job, err);		(PUT; nobody else publishes from here on)
 *	... requests of job.s3 ...		(cut when the lease ends or is lost)
 *	lease_end(&lease, err);			(PUT: nobody holds it, nothing is pending)
 */

#define LEASE_KEY ".albumen/publication.json"

struct lease;

struct lease_job {
	struct s3 *s3; /* whose requests the lease covers */
	/* To open another handle. Borrowed, like all texts, until the end. */
	const struct s3_place *place;
	struct s3_settings settings;
	const char *name;   /* of the site, for messages */
	const char *holder; /* who takes it */
	bool plain;         /* the store honours no conditions, and need not */
	/* What was read: its ETag ("": there is no such key), and the store's time then. */
	const char *etag;
	struct publication_clock clock;
	/* What to write besides the holder: lines, and that the store honours conditions. */
	const char *pending;
	size_t pending_len;
	bool conditional;
};

/* ERR_LOCKED: another publisher was faster. */
int lease_take(struct lease **out, const struct lease_job *job, struct err *err);

/* To be asked before a request of the publication, and at least once a second while one is waited
 * for (s3_set_tick): fails if the lease was lost, and moves the deadline of job.s3. */
int lease_check(struct lease *lease, struct err *err);

/* Gives it back. `pending`: what is unfinished; "": nothing is. Frees the lease in any
 * case. */
int lease_end(struct lease **lease, const char *pending, struct err *err);
/* Ends the thread, at once, and leaves the lease as it is: requests that were cut may still arrive.
 * NULL is allowed. */
void lease_leave(struct lease **lease);

#endif
