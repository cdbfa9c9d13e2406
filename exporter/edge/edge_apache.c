/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>

#include "exporter/edge/edge_kind.h"

static int add_word(struct buf *out, const char *path, struct err *err)
{
	/* Variables begin with `$`; the others are patterns of <Directory>. */
	return edge_quote(out, path, "Apache", "$*?[]", err);
}

static int add_words(struct buf *site, struct buf *page, struct buf *folder,
		     struct buf *script, const struct edge_job *job, struct err *err)
{
	struct buf path = {0};
	int rc = add_word(site, job->site.data, err);

	buf_addf(&path, "%s/audit", job->site.data);
	rc = rc ? rc : add_word(page, path.data, err);
	rc = rc ? rc : add_word(folder, job->folder.data, err);
	buf_clear(&path);
	buf_addf(&path, "%s/albumen.lua", job->folder.data);
	rc = rc ? rc : add_word(script, path.data, err);
	buf_release(&path);
	return rc;
}

int edge_apache(struct buf *out, const struct edge_job *job, struct err *err)
{
	bool tls = job->certificate.len > 0;
	struct buf template = {0}, name = {0}, modules = {0}, listen = {0}, address = {0};
	struct buf keys = {0}, site = {0}, page = {0}, folder = {0}, script = {0};
	const struct beside_word words[] = {
		{"@NAME@", &name},     {"@MODULES@", &modules},
		{"@LISTEN@", &listen}, {"@ADDRESS@", &address},
		{"@TLS@", &keys},      {"@SITE@", &site},
		{"@PAGE@", &page},     {"@FOLDER@", &folder},
		{"@LUA@", &script},    {"@MAX_AGE@", &job->max_age},
	};
	int rc = add_words(&site, &page, &folder, &script, job, err);

	edge_warn_unread(job, "Apache", "www-data", "albumen.lua");
	buf_addstr(&name, job->request->server_name);
	buf_addstr(&modules, tls ? " ssl" : "");
	if (job->listen.len > 0) {
		buf_addf(&listen, "\nListen %s\n", job->listen.data);
		buf_addstr(&address, job->listen.data);
	} else {
		/* Debian's ports.conf listens on both. */
		buf_addstr(&address, tls ? "*:443" : "*:80");
	}
	if (tls) {
		buf_addstr(&keys, "\n\tSSLEngine on\n\tSSLCertificateFile ");
		rc = rc ? rc : add_word(&keys, job->certificate.data, err);
		buf_addstr(&keys, "\n\tSSLCertificateKeyFile ");
		rc = rc ? rc : add_word(&keys, job->key.data, err);
	}
	rc = rc ? rc : beside_read(&template, job->folder.data, "apache.conf.in", err);
	if (rc == 0) {
		beside_fill(out, template.data, words, sizeof(words) / sizeof(*words));
	}
	buf_release(&template);
	buf_release(&name);
	buf_release(&modules);
	buf_release(&listen);
	buf_release(&address);
	buf_release(&keys);
	buf_release(&site);
	buf_release(&page);
	buf_release(&folder);
	buf_release(&script);
	return rc;
}
