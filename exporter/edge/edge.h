/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EDGE_EDGE_H
#define EXPORTER_EDGE_EDGE_H

#include <stdio.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * edge - the nginx configuration that answers requests from a site: the template
 * nginx.conf.in, around what may stand in any `http` (nginx.http.in) and in any `server`
 * (nginx.server.in); and albumen.js, which it loads, with requests.js. All are found at run time
 * (data/base/beside.h).
 */

/*
 * Prints the configuration of a server on `listen` for the folder `site`. `listen` is
 * ADDR:PORT, [ADDR]:PORT, or PORT, which means 127.0.0.1:PORT; addresses are numeric.
 * /healthz answers 200 while `checked` of health.json (health.h) is less than `max_age_s`
 * seconds old.
 *
 * If root calls this and only the owner of the site can read it, nginx's workers run as
 * that owner; otherwise the configuration does not name a user.
 *
 * ERR_USAGE: `listen` is not such an address, nginx cannot take a path, or `max_age_s` is 0.
 * ERR_NOTFOUND: there is no such site, or our files are not installed.
 */
int edge_print(FILE *out, const char *site, const char *listen, long long max_age_s,
	       struct err *err);

/* Appends `listen` as nginx wants it: ADDR:PORT. ERR_USAGE. */
int edge_listen(struct buf *out, const char *listen, struct err *err);

/* Appends `path` as one quoted word of an nginx configuration. ERR_USAGE: it has a control
 * character, or a `$`, which begins a variable of nginx. */
int edge_quote(struct buf *out, const char *path, struct err *err);

#endif
