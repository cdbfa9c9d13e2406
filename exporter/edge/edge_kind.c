/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/edge/edge_kind.h"

#include <string.h>
#include <unistd.h>

#include "data/base/log.h"
#include "exporter/edge/run_as.h"

int edge_quote(struct buf *out, const char *path, const char *server, const char *refused,
	       struct err *err)
{
	buf_addch(out, '"');
	for (const char *p = path; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f || strchr(refused, *p)) {
			return err_set(err, ERR_USAGE,
				       "'%s' has a character that no path in a "
				       "configuration of %s can have; move or rename it",
				       path, server);
		}
		if (c == '"' || c == '\\') {
			buf_addch(out, '\\');
		}
		buf_addch(out, *p);
	}
	buf_addch(out, '"');
	return 0;
}

static void warn_unread(const char *path, const char *server, const char *user)
{
	/* A site that was not published yet says nothing. */
	if (access(path, F_OK) == 0 && !run_as_can_read(user, path)) {
		log_warning(
			"no request would be answered: %s, whom Debian's %s runs as, "
			"cannot read '%s'; it must be able to, and to search all folders "
			"above it",
			user, server, path);
	}
}

void edge_warn_unread(const struct edge_job *job, const char *server, const char *user,
		      const char *script)
{
	struct buf path = {0};

	buf_addf(&path, "%s/snapshot.json", job->site.data);
	warn_unread(path.data, server, user);
	if (script) {
		buf_clear(&path);
		buf_addf(&path, "%s/%s", job->folder.data, script);
		warn_unread(path.data, server, user);
	}
	buf_release(&path);
}

int edge_add_part(struct buf *out, const struct edge_job *job, const char *file, int tabs,
		  struct err *err)
{
	struct buf text = {0};
	int rc = beside_read(&text, job->folder.data, file, err);

	for (const char *at = rc == 0 && text.data ? text.data : ""; *at;) {
		size_t len = strcspn(at, "\n");

		for (int i = 0; len > 0 && i < tabs; i++) {
			buf_addch(out, '\t');
		}
		buf_add(out, at, len);
		at += len;
		if (at[0] == '\n' && *++at) {
			buf_addch(out, '\n');
		}
	}
	buf_release(&text);
	return rc;
}
