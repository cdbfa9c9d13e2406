/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_RELAY_H
#define EXPORTER_SITE_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/err.h"

/*
 * relay - passes files from the code that reads them to the code that writes them, in order.
 * If there are many, a thread of its own writes them, so that bodies are read out of packs
 * (inflating) while files are written (the kernel).
 *
 *	struct relay *relay = relay_new(put, payload);
 *	relay_pass(relay, path, body, len, replaces, err);	(for each file)
 *	rc = relay_end(&relay, err);			(all are put)
 *
 * From relay_new to relay_end no other code may use what `put` uses. If threads do not pay
 * (data/base/threads.h), each file is put at once.
 */

struct relay;

/* Puts one file; the arguments are borrowed until it returns. `replaces`: the site must have
 * a file of this path already. */
typedef int relay_fn(const char *path, const char *body, size_t len, bool replaces,
		     void *payload, struct err *err);

struct relay *relay_new(relay_fn *put, void *payload);
/* Puts the file now or later; copies what it keeps, but no body of more than 4 MiB: such a
 * body is put at once, after those before it. The error may be of an earlier file.
 * After an error no more files are put. */
int relay_pass(struct relay *relay, const char *path, const char *body, size_t len,
	       bool replaces, struct err *err);
/* Waits until all files are put. Returns the first failure, or 0. Frees the relay. */
int relay_end(struct relay **relay, struct err *err);

#endif
