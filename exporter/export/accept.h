/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EXPORT_ACCEPT_H
#define EXPORTER_EXPORT_ACCEPT_H

#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * accept - what a command refuses unless `--accept WHAT` says that it is meant. There
 * is one table of WHATs (accept.c); the check itself belongs to the module that knows
 * what to look at:
 *
 *	rc = note_check(&note, repo, &head, err);
 *	if (rc == ERR_REFUSED) {
 *		rc = accept_check(job->accept, ACCEPT_HISTORY, err);
 *	}
 */

enum accept_what {
	ACCEPT_HISTORY = 1 << 0,
};

/* Bits of enum accept_what. */
struct accept {
	unsigned given; /* on the command line */
	unsigned used;  /* those of them that were needed */
};

/* Reads the values of the option. ERR_USAGE: one is unknown. */
int accept_read(struct accept *out, const char *const *what, size_t count,
		struct err *err);

/*
 * Decides about what was refused and why, which *err says. 0: it was accepted, which
 * is logged and noted in accept->used. Else ERR_REFUSED, and the message names the
 * option. `accept` may be NULL: nothing is accepted.
 */
int accept_check(struct accept *accept, enum accept_what what, struct err *err);

/* Appends a trailer "Albumen-Accepted: WHAT" for each bit of `used`. */
void accept_trailers(struct buf *out, unsigned used);

#endif
