/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EDGE_EDGE_KIND_H
#define EXPORTER_EDGE_EDGE_KIND_H

#include "data/base/beside.h"
#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/edge/edge_request.h"

/*
 * edge_kind - what the kinds of servers have in common, and the function of each,
 * which appends its text to `out`.
 */

struct edge_job {
	const struct edge_request *request;
	struct buf folder; /* where our own files are */
	struct buf site;   /* the site's absolute path; links are not resolved, so that
			    * operators can switch sites by a link */
	struct buf listen; /* as edge_listen makes it; empty if it was not given */
	struct buf certificate, key; /* absolute paths; empty if they were not given */
	struct buf tokens; /* the file's absolute path; empty if it was not given */
	struct buf max_age;
};

int edge_nginx(struct buf *out, const struct edge_job *job, struct err *err);
int edge_nginx_server(struct buf *out, const struct edge_job *job, struct err *err);
int edge_apache(struct buf *out, const struct edge_job *job, struct err *err);
int edge_caddy(struct buf *out, const struct edge_job *job, struct err *err);
int edge_worker(struct buf *out, const struct edge_job *job, struct err *err);

/* Warns if root prints this and `user`, as whom Debian's `server` runs, cannot read the site,
 * or the file `script` of ours (NULL: it is root who reads that). */
void edge_warn_unread(const struct edge_job *job, const char *server, const char *user,
		      const char *script);

/* Appends a template of ours, with so many tabs before each line, and without its last line
 * feed: a part of another one. */
int edge_add_part(struct buf *out, const struct edge_job *job, const char *file, int tabs,
		  struct err *err);

/* Appends `path` as one quoted word of a configuration, with a backslash before quotes and
 * backslashes. ERR_USAGE: it has a control character, or one of `refused`, which `server`
 * would take for something else. */
int edge_quote(struct buf *out, const char *path, const char *server, const char *refused,
	       struct err *err);

#endif
