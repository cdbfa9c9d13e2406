/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both kinds for nginx have the same two parts, for `http` and for `server`, in a frame of
 * their own. What nginx wants to be different in each of several servers, names of zones
 * and log formats, ends with @OWN@.
 */
#include <assert.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporter/edge/edge_kind.h"
#include "exporter/snapshot/response.h"

/* True if every user may search the folder `path` and all folders above it. */
static bool is_open_to_all(const char *path)
{
	char *copy = xstrdup(path);
	bool open = true;

	for (char *p = copy + strlen(copy); open; p--) {
		struct stat st;

		if (*p != '/' && *p != '\0') {
			continue;
		}
		*p = '\0';
		open = stat(p == copy ? "/" : copy, &st) == 0 && (st.st_mode & S_IXOTH);
		if (p == copy) {
			break;
		}
	}
	free(copy);
	return open;
}

/* True if every user may read the files of the site. They were all made with one umask, so
 * one file and one folder show whether it was strict. */
static bool is_readable_by_all(const char *site)
{
	struct buf path = {0};
	struct stat st;
	bool readable;

	buf_addf(&path, "%s/", site);
	response_site_root(&path, response_of(QUERY_TAG_IMAGES));
	readable = access(path.data, F_OK) < 0 || is_open_to_all(path.data);
	buf_clear(&path);
	buf_addf(&path, "%s/snapshot.json", site);
	if (stat(path.data, &st) == 0 && !(st.st_mode & S_IROTH)) {
		readable = false;
	}
	buf_release(&path);
	return readable && is_open_to_all(site);
}

/* Workers of an nginx that root starts run as `nobody`. That user cannot read a site in a
 * folder that is closed to others, such as a home folder or one made by mktemp: then the
 * workers run as the owner of the site. */
static int add_user(struct buf *out, const char *site, struct err *err)
{
	struct passwd *user;
	struct group *group;
	struct stat st;

	if (geteuid() != 0 || is_readable_by_all(site)) {
		return 0;
	}
	if (stat(site, &st) < 0) {
		return err_sys(err, "cannot stat '%s'", site);
	}
	user = getpwuid(st.st_uid);
	group = user ? getgrgid(user->pw_gid) : NULL;
	if (!group) {
		return err_set(
			err, ERR_FAIL,
			"nginx's workers cannot read '%s': only its owner can, "
			"and the owner's user id %lu has no name, which nginx needs",
			site, (unsigned long)st.st_uid);
	}
	buf_addf(out,
		 "\n# Only the owner of the site can read it.\n"
		 "user %s %s;\n",
		 user->pw_name, group->gr_name);
	return 0;
}

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
	struct buf js = {0}, site = {0}, script = {0};
	const struct beside_word parts[] = {{"@HTTP@", &http}, {"@SERVER@", &server}};
	struct beside_word all[WORDS_MAX] = {
		{"@SITE@", &site}, {"@JS@", &script}, {"@MAX_AGE@", &job->max_age}};
	int rc;

	assert(count <= WORDS_MAX - 3);
	memcpy(all + 3, words, count * sizeof(*words));

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
	    (rc = edge_add_part(&server, job, "nginx.server.in", tabs + 1, err))) {
		goto out;
	}
	beside_fill(&framed, whole.data, parts, sizeof(parts) / sizeof(*parts));
	/* All words at once: a path may look like one. */
	beside_fill(out, framed.data, all, 3 + count);
out:
	buf_release(&whole);
	buf_release(&framed);
	buf_release(&http);
	buf_release(&server);
	buf_release(&js);
	buf_release(&site);
	buf_release(&script);
	return rc;
}

int edge_nginx(struct buf *out, const struct edge_job *job, struct err *err)
{
	struct buf user = {0}, own = {0};
	const struct beside_word words[] = {
		{"@LISTEN@", &job->listen}, {"@USER@", &user}, {"@OWN@", &own}};
	int rc = add_user(&user, job->site.data, err);

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
