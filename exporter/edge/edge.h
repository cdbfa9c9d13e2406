/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EDGE_EDGE_H
#define EXPORTER_EDGE_EDGE_H

#include <stdio.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * edge - what a web server needs to answer requests from a site. Each kind of server is a
 * row of a table in edge.c: which options it takes, and the function that makes the text,
 * of templates that lie beside the program (data/base/beside.h). What all kinds must answer
 * stands in tests/edge/cases.json.
 */

/* The kinds, for --for. */
#define EDGE_KINDS "nginx nginx-server apache caddy worker"

/* What is asked for. Strings that were not given are NULL. */
struct edge_request {
	const char *kind; /* one of EDGE_KINDS; NULL: nginx */
	const char *site; /* a folder; for `worker` s3://BUCKET/PREFIX as well */
	/* ADDR:PORT, [ADDR]:PORT, or PORT, which means 127.0.0.1:PORT; addresses are
	 * numeric */
	const char *listen;
	const char *server_name;
	const char *certificate, *key; /* of TLS: files, which are not looked at */
	/* a file: JSON, the id of each album to the part of the site below which its library
	 * lies (albumen(7), "Several libraries") */
	const char *libraries;
	/* The file with the keys of tokens (tokens.h): whoever asks needs a token. NULL:
	 * everybody is answered. */
	const char *tokens;
	/* /healthz answers 200 while `checked` of health.json (health.h) is less than so
	 * many seconds old. */
	long long max_age_s;
};

/*
 * Prints the configuration.
 *
 * nginx is a complete one. If root calls this, it may name the user of nginx's workers
 * (run_as.h).
 * nginx-server is a file for a server that is configured otherwise: it has its own user.
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

/* Appends `path` as one quoted word of a configuration, with a backslash before quotes and
 * backslashes. ERR_USAGE: it has a control character, or one of `refused`, which `server`
 * would take for something else. */
int edge_quote(struct buf *out, const char *path, const char *server, const char *refused,
	       struct err *err);

#endif
