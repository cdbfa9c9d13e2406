/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_HEALTH_H
#define EXPORTER_SITE_HEALTH_H

#include <stdint.h>

#include "data/base/err.h"
#include "exporter/git/snapshot.h"
#include "exporter/site/place.h"

/*
 * health - health.json, by which others see that a site is kept up (albumen(7), "SITE"). It
 * is no part of a snapshot, so that publish neither compares nor removes it.
 *
 *	{"version":1,"sequence":4711,"commit":"5b8d...","checked":"2026-11-29T10:18:15Z"}
 *
 * edge/requests.js reads it for /healthz.
 */

#define HEALTH_FILE "health.json"

struct health {
	uint64_t sequence; /* of the index, up to which the site shows it */
	const struct snapshot_id *commit; /* that the site is at */
	int64_t checked_s;                /* when that was found to be all; Unix time */
};

/*
 * Replaces SITE/health.json by a whole file. Nothing is flushed: what is lost with the power is
 * older than what the next program writes.
 *
 * The site's lock is not needed, since `publish --check` may hold it for minutes. If another
 * process writes the file at this moment, nothing is done.
 */
int health_write(struct place *place, const struct health *health, struct err *err);

#endif
