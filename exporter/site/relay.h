/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_RELAY_H
#define EXPORTER_SITE_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/err.h"

/*
 * relay - files on their way from who reads them to who writes them: in order,
 * and once there are many, to a thread of its own. Reading a body out of a pack
 * (inflating) and writing a file (the kernel) then go on side by side.
 *
 *	struct relay *relay = relay_new(put, payload);
 *	relay_pass(relay, path, body, len, replaces, err);	(many)
 *	rc = relay_end(&relay, err);			(all are put)
 *
 * From relay_new to relay_end nobody else may use what `put` uses. Where threads
 * do not pay (data/base/threads.h), each file is put at once.
 */

struct relay;

/* Takes one file; the arguments are borrowed until it returns. `replaces`: one is known
 * to be there. */
typedef int relay_fn(const char *path, const char *body, size_t len, bool replaces,
		     void *payload, struct err *err);

struct relay *relay_new(relay_fn *put, void *payload);
/* Puts the file now or later; copies what it keeps. An error may be that of an
 * earlier file; after one, no further file is put. */
int relay_pass(struct relay *relay, const char *path, const char *body, size_t len,
	       bool replaces, struct err *err);
/* Waits for all; the first failure, or 0. *relay is given away. */
int relay_end(struct relay **relay, struct err *err);

#endif
