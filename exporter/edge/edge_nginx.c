/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both kinds for nginx have the same two parts, for `http` and for `server`, in a frame of
 * their own. What nginx wants to be different in each of several servers, names of zones
 * and log formats, ends with @OWN@.
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "data/base/log.h"
#include "exporter/edge/edge_kind.h"
#include "exporter/edge/run_as.h"

#define DEBIAN_USER "www-data"

enum { WORDS_MAX = 8 };

static int add_word(struct buf *out, const char *path, struct err *err)
{
	/* A `$` begins a variable. */
	return edge_quote(out, path, "nginx", "$", err);
}

/* Appends the frame with the two parts in it, so many tabs deep, and with all words
 * replaced: those of both kinds, and those of the frame. */
static int add_filled(struct buf *out, const struct edge_job *job, const char *frame,
		      int tabs, const struct beside_word *words, size_t count,
		      struct err *err)
{
	struct buf whole = {0}, framed = {0}, http = {0}, server = {0};
	struct buf open = {0}, tokens = {0};
	struct buf js = {0}, site = {0}, script = {0}, keys = {0};
	const struct beside_word parts[] = {{"@HTTP@", &http}, {"@SERVER@", &server}};
	const struct beside_word check = {"@TOKENS@", &tokens};
	struct beside_word all[WORDS_MAX] = {{"@SITE@", &site},
					     {"@JS@", &script},
					     {"@MAX_AGE@", &job->max_age},
					     {"@TOKENS_FILE@", &keys}};
	int rc;

	assert(count <= WORDS_MAX - 4);
	memcpy(all + 4, words, count * sizeof(*words));

	buf_addf(&js, "%s/albumen.js", job->folder.data);
	/* njs writes this path into a script, between single quotes. */
	if (strpbrk(js.data, "'\\")) {
		rc = err_set(err, ERR_USAGE,
			     "'%s' holds a quote or a backslash, which njs cannot import",
			     js.data);
		goto out;
	}
	if ((rc = add_word(&script, js.data, err)) ||
	    (rc = add_word(&site, job->site.data, err)) ||
	    (rc = beside_read(&whole, job->folder.data, frame, err)) ||
	    (rc = edge_add_part(&http, job, "nginx.http.in", tabs, err)) ||
	    (rc = edge_add_part(&open, job, "nginx.server.in", tabs + 1, err))) {
		goto out;
	}
	if (job->tokens.len > 0) {
		buf_addstr(&tokens, "\n\n");
		if ((rc = add_word(&keys, job->tokens.data, err)) ||
		    (rc = edge_add_part(&tokens, job, "nginx.tokens.in", tabs + 1,
					err))) {
			goto out;
		}
	}
	beside_fill(&server, open.data, &check, 1);
	beside_fill(&framed, whole.data, parts, sizeof(parts) / sizeof(*parts));
	/* All words at once: a path may look like one. */
	beside_fill(out, framed.data, all, 4 + count);
out:
	buf_release(&whole);
	buf_release(&framed);
	buf_release(&http);
	buf_release(&server);
	buf_release(&js);
	buf_release(&site);
	buf_release(&script);
	buf_release(&open);
	buf_release(&tokens);
	buf_release(&keys);
	return rc;
}

int edge_nginx(struct buf *out, const struct edge_job *job, struct err *err)
{
	struct buf user = {0}, own = {0};
	const struct beside_word words[] = {
		{"@LISTEN@", &job->listen}, {"@USER@", &user}, {"@OWN@", &own}};
	int rc = run_as_add(&user, job->site.data, job->tokens.data, err);

	rc = rc ? rc
		: add_filled(out, job, "nginx.conf.in", 1, words,
			     sizeof(words) / sizeof(*words), err);
	buf_release(&user);
	buf_release(&own);
	return rc;
}

int edge_nginx_server(struct buf *out, const struct edge_job *job, struct err *err)
{
	bool tls = job->certificate.len > 0;
	const char *ssl = tls ? " ssl" : "";
	struct buf listen = {0}, keys = {0}, name = {0}, own = {0};
	const struct beside_word words[] = {{"@LISTEN@", &listen},
					    {"@TLS@", &keys},
					    {"@NAME@", &name},
					    {"@OWN@", &own}};
	int rc = 0;

	if (job->tokens.len > 0 && !run_as_can_read(DEBIAN_USER, job->tokens.data)) {
		log_warning("everything would be refused: " DEBIAN_USER
			    ", whom Debian's nginx runs as, cannot read '%s'; "
			    "chgrp " DEBIAN_USER
			    " and chmod 640 mend that, in a folder that all may search",
			    job->tokens.data);
	}
	edge_warn_unread(job, "nginx", DEBIAN_USER, NULL);
	buf_addstr(&name, job->request->server_name);
	buf_addf(&own, "-%s", name.data);
	if (job->listen.len > 0) {
		buf_addf(&listen, "\tlisten %s%s;", job->listen.data, ssl);
	} else {
		buf_addf(&listen, "\tlisten %d%s;\n\tlisten [::]:%d%s;", tls ? 443 : 80,
			 ssl, tls ? 443 : 80, ssl);
	}
	if (tls) {
		buf_addstr(&keys, "\n\tssl_certificate ");
		rc = add_word(&keys, job->certificate.data, err);
		buf_addstr(&keys, ";\n\tssl_certificate_key ");
		rc = rc ? rc : add_word(&keys, job->key.data, err);
		buf_addch(&keys, ';');
	}
	rc = rc ? rc
		: add_filled(out, job, "nginx.site.in", 0, words,
			     sizeof(words) / sizeof(*words), err);
	buf_release(&listen);
	buf_release(&keys);
	buf_release(&name);
	buf_release(&own);
	return rc;
}
