/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EDGE_EDGE_H
#define EXPORTER_EDGE_EDGE_H

#include <stdio.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/edge/edge_request.h"

/*
 * edge - what a web server needs to answer requests from a site. Each kind of server is a
 * row of a table in edge.c: which options it takes, and the function that makes the text,
 * of templates that lie beside the program (data/base/beside.h). What all kinds must answer
 * stands in tests/edge/cases.json.
 */

/*
 * Prints the configuration.
 *
 * nginx is a complete one. If root calls this, it may name the user of nginx's workers
 * (run_as.h).
 * nginx-server, apache and caddy are files for a server that is configured otherwise: it has
 * its own user.
 * worker is a module Worker in one file, which reads a site in an object store.
 *
 * ERR_USAGE: the kind does not exist, needs an option or does not take one; `listen` is not
 * such an address, `server_name` no name; the server cannot take a path; or `max_age_s` is
 * 0. ERR_NOTFOUND: there is no such site, no file of tokens, or our files are not
 * installed. Others: as tokens_check and tokens_check_site.
 */
int edge_print(FILE *out, const struct edge_request *request, struct err *err);

/* Appends `listen` as ADDR:PORT. ERR_USAGE. */
int edge_listen(struct buf *out, const char *listen, struct err *err);

#endif
