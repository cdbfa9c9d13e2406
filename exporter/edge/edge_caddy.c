/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "exporter/edge/edge_kind.h"

static int add_word(struct buf *out, const char *path, struct err *err)
{
	/* Braces begin placeholders; a backslash escapes quotes alone. */
	return edge_quote(out, path, "Caddy", "{}\\", err);
}

/* The address of the site, and where it listens. Without --listen, Caddy listens on the ports
 * 80 and 443, and without --tls-certificate it gets a certificate by itself. */
static void add_address(struct buf *address, struct buf *bind, const struct edge_job *job)
{
	const char *name = job->request->server_name;
	const char *port;

	if (job->listen.len == 0) {
		buf_addstr(address, name);
		return;
	}
	port = strrchr(job->listen.data, ':');
	buf_addf(address, "%s://%s%s", job->certificate.len > 0 ? "https" : "http", name,
		 port);
	buf_addf(bind, "\n\tbind %.*s", (int)(port - job->listen.data), job->listen.data);
}

int edge_caddy(struct buf *out, const struct edge_job *job, struct err *err)
{
	struct buf template = {0}, whole = {0}, name = {0}, address = {0}, bind = {0};
	struct buf keys = {0}, site = {0}, api = {0}, health = {0};
	const struct beside_word parts[] = {{"@API@", &api}, {"@HEALTH@", &health}};
	const struct beside_word words[] = {
		{"@NAME@", &name}, {"@ADDRESS@", &address}, {"@BIND@", &bind},
		{"@TLS@", &keys},  {"@SITE@", &site},       {"@MAX_AGE@", &job->max_age},
	};
	int rc = add_word(&site, job->site.data, err);

	edge_warn_unread(job, "Caddy", "caddy", NULL);
	buf_addstr(&name, job->request->server_name);
	add_address(&address, &bind, job);
	if (job->certificate.len > 0) {
		buf_addstr(&keys, "\n\ttls ");
		rc = rc ? rc : add_word(&keys, job->certificate.data, err);
		buf_addch(&keys, ' ');
		rc = rc ? rc : add_word(&keys, job->key.data, err);
	}
	rc = rc ? rc : beside_read(&template, job->folder.data, "caddy.conf.in", err);
	rc = rc ? rc : edge_add_part(&api, job, "caddy.api.in", 4, err);
	rc = rc ? rc : edge_add_part(&health, job, "caddy.health.in", 4, err);
	if (rc == 0) {
		beside_fill(&whole, template.data, parts, sizeof(parts) / sizeof(*parts));
		beside_fill(out, whole.data, words, sizeof(words) / sizeof(*words));
	}
	buf_release(&template);
	buf_release(&whole);
	buf_release(&name);
	buf_release(&address);
	buf_release(&bind);
	buf_release(&keys);
	buf_release(&site);
	buf_release(&api);
	buf_release(&health);
	return rc;
}
