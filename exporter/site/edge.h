/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SITE_EDGE_H
#define EXPORTER_SITE_EDGE_H

#include <stdio.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * edge - what answers requests over a site: an nginx configuration made of the
 * template edge/nginx.conf.in, and edge/albumen.js, which it loads. Both are found
 * at run time: in edge/ beside the program (a build), or in
 * ../share/albumen/edge/ (an installation).
 */

/*
 * Prints the configuration of a server on `listen` (ADDR:PORT, [ADDR]:PORT, or
 * PORT, which is 127.0.0.1:PORT; addresses are numeric) over the folder `site`.
 *
 * Printed by root for a site that others cannot reach, it makes nginx's workers
 * run as the owner of the site; else it says nothing about users.
 *
 * ERR_USAGE: `listen` is none, or a path holds what nginx cannot.
 * ERR_NOTFOUND: no such site, or no edge files.
 */
int edge_print(FILE *out, const char *site, const char *listen, struct err *err);

/* Appends `listen` as nginx wants it: ADDR:PORT. ERR_USAGE. */
int edge_listen(struct buf *out, const char *listen, struct err *err);

/* Appends `path` as one quoted word of an nginx configuration. ERR_USAGE where it
 * holds a control character or a `$`, which nginx takes for a variable. */
int edge_quote(struct buf *out, const char *path, struct err *err);

#endif
