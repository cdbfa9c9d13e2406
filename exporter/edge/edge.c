/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/edge/edge.h"

#include <arpa/inet.h>
#include <assert.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/beside.h"
#include "data/base/log.h"
#include "data/base/pace.h"
#include "exporter/snapshot/response.h"

int edge_listen(struct buf *out, const char *listen, struct err *err)
{
	unsigned char binary[sizeof(struct in6_addr)];
	const char *colon = strrchr(listen, ':');
	const char *port = colon ? colon + 1 : listen;
	size_t digits = strspn(port, "0123456789");
	char address[INET6_ADDRSTRLEN + 2] = "127.0.0.1";
	size_t len = colon ? (size_t)(colon - listen) : 0;
	bool good = digits > 0 && digits <= 5 && port[digits] == '\0' && atoi(port) > 0 &&
		    atoi(port) <= 65535 && len < sizeof(address);

	if (good && colon) {
		memcpy(address, listen, len);
		address[len] = '\0';
		if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
			address[len - 1] = '\0';
			good = inet_pton(AF_INET6, address + 1, binary) == 1;
			address[len - 1] = ']';
		} else {
			good = inet_pton(AF_INET, address, binary) == 1;
		}
	}
	if (!good) {
		return err_set(
			err, ERR_USAGE,
			"'%s' is not an address to listen on; use ADDR:PORT with a "
			"numeric address, as in 127.0.0.1:8080 or [::1]:8080",
			listen);
	}
	buf_addf(out, "%s:%d", address, atoi(port));
	return 0;
}

int edge_quote(struct buf *out, const char *path, struct err *err)
{
	buf_addch(out, '"');
	for (const char *p = path; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f || c == '$') {
			return err_set(err, ERR_USAGE,
				       "'%s' has a character that no path in an nginx "
				       "configuration can have; move or rename it",
				       path);
		}
		if (c == '"' || c == '\\') {
			buf_addch(out, '\\');
		}
		buf_addch(out, *p);
	}
	buf_addch(out, '"');
	return 0;
}

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

/* Appends `path` as an absolute path: nginx reads a relative one from RUNDIR. Links are not
 * resolved, so that operators can switch sites by a link. */
static int add_absolute(struct buf *out, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		return err_sys_find(err, "cannot find the site '%s'", path);
	}
	if (!S_ISDIR(st.st_mode)) {
		return err_set(err, ERR_FAIL, "the site '%s' is not a folder", path);
	}
	if (path[0] != '/') {
		char *here = getcwd(NULL, 0);

		if (!here) {
			return err_sys(err, "cannot find the current folder");
		}
		buf_addstr(out, here);
		buf_addch(out, '/');
		free(here);
	}
	buf_addstr(out, path);
	while (out->len > 1 && out->data[out->len - 1] == '/') {
		buf_setlen(out, out->len - 1);
	}
	return 0;
}

/* follow renews health.json once a minute, so a smaller age is mostly a mistake. */
static int check_age(long long max_age_s, struct err *err)
{
	if (max_age_s == 0) {
		return err_set(
			err, ERR_USAGE,
			"--max-age must not be 0: /healthz would never answer 200");
	}
	if (max_age_s < PACE_MINUTE_S) {
		log_warning("with --max-age %lld, /healthz answers 503 between two "
			    "renewals of the site's health.json, of which there is one a "
			    "minute: give more than %d",
			    max_age_s, PACE_MINUTE_S);
	}
	return 0;
}

/* Appends a part of the configuration, with so many tabs before each line, and without its
 * last line feed. */
static int add_part(struct buf *out, const char *folder, const char *file, int tabs,
		    struct err *err)
{
	struct buf text = {0};
	int rc = beside_read(&text, folder, file, err);

	for (const char *at = text.data; rc == 0 && at && *at;) {
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

/* Appends the template: the words of the result are yet to be replaced. */
static int add_template(struct buf *out, const char *folder, struct err *err)
{
	struct buf whole = {0}, http = {0}, server = {0};
	const struct beside_word parts[] = {{"@HTTP@", &http}, {"@SERVER@", &server}};
	int rc;

	if ((rc = beside_read(&whole, folder, "nginx.conf.in", err)) == 0 &&
	    (rc = add_part(&http, folder, "nginx.http.in", 1, err)) == 0 &&
	    (rc = add_part(&server, folder, "nginx.server.in", 2, err)) == 0) {
		beside_fill(out, whole.data, parts, sizeof(parts) / sizeof(*parts));
	}
	buf_release(&whole);
	buf_release(&http);
	buf_release(&server);
	return rc;
}

int edge_print(FILE *out, const char *site, const char *listen, long long max_age_s,
	       struct err *err)
{
	struct buf root = {0}, path = {0}, template = {0}, text = {0};
	struct buf site_word = {0}, js = {0}, address = {0}, user = {0}, age = {0};
	const struct beside_word words[] = {{"@SITE@", &site_word},
					    {"@JS@", &js},
					    {"@LISTEN@", &address},
					    {"@MAX_AGE@", &age},
					    {"@USER@", &user}};
	int rc;

	buf_addf(&age, "%lld", max_age_s);
	if ((rc = check_age(max_age_s, err)) ||
	    (rc = edge_listen(&address, listen, err)) ||
	    (rc = add_absolute(&root, site, err))) {
		goto out;
	}
	assert(root.data);
	if ((rc = edge_quote(&site_word, root.data, err)) ||
	    (rc = add_user(&user, root.data, err)) ||
	    (rc = beside_find(&path, "edge", "albumen.js", err)) ||
	    (rc = add_template(&template, path.data, err))) {
		goto out;
	}
	buf_addstr(&path, "/albumen.js");
	/* njs writes this path into a script, between single quotes. */
	if (strpbrk(path.data, "'\\")) {
		rc = err_set(err, ERR_USAGE,
			     "'%s' holds a quote or a backslash, which njs cannot import",
			     path.data);
		goto out;
	}
	if ((rc = edge_quote(&js, path.data, err))) {
		goto out;
	}
	beside_fill(&text, template.data, words, sizeof(words) / sizeof(*words));
	if (fwrite(text.data, 1, text.len, out) != text.len || fflush(out) != 0) {
		rc = err_sys(err, "cannot write the configuration");
	}
out:
	buf_release(&site_word);
	buf_release(&js);
	buf_release(&address);
	buf_release(&user);
	buf_release(&age);
	buf_release(&root);
	buf_release(&path);
	buf_release(&template);
	buf_release(&text);
	return rc;
}
