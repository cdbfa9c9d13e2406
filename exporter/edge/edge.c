/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/edge/edge.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/log.h"
#include "data/base/pace.h"
#include "exporter/edge/edge_kind.h"
#include "exporter/edge/tokens.h"
#include "exporter/s3/s3_url.h"

enum option {
	LISTEN = 1,
	SERVER_NAME = 2,
	TLS = 4,
	LIBRARIES = 8,
	STORE = 16, /* the site may be s3://BUCKET/PREFIX */
	TOKENS = 32,
};

static const struct kind {
	const char *name;
	unsigned needs, takes; /* of enum option */
	int (*print)(struct buf *out, const struct edge_job *job, struct err *err);
} kinds[] = {
	{"nginx", LISTEN, TOKENS, edge_nginx},
	{"nginx-server", SERVER_NAME, LISTEN | TLS | TOKENS, edge_nginx_server},
	{"apache", SERVER_NAME, LISTEN | TLS, edge_apache},
	{"caddy", SERVER_NAME, LISTEN | TLS, edge_caddy},
	{"worker", 0, LIBRARIES | STORE | TOKENS, edge_worker},
};

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

/* Appends `path` as an absolute path: a server reads a relative one from a folder of its
 * own. */
static int add_absolute(struct buf *out, const char *path, struct err *err)
{
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

static int check_site(const struct kind *kind, const char *site, struct err *err)
{
	struct stat st;

	if (s3_url_is(site)) {
		return kind->takes & STORE ? 0
					   : err_set(err, ERR_USAGE,
						     "%s cannot read the site '%s': it "
						     "needs a folder; "
						     "--for worker reads object stores",
						     kind->name, site);
	}

	if (stat(site, &st) < 0) {
		return err_sys_find(err, "cannot find the site '%s'", site);
	}
	if (!S_ISDIR(st.st_mode)) {
		return err_set(err, ERR_FAIL, "the site '%s' is not a folder", site);
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

/* A host name as in RFC 1123: labels of letters, digits and hyphens, with dots between. */
static int check_name(const char *name, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	size_t len = strlen(name);
	bool good = len > 0 && len <= 253;

	for (const char *at = name; good;) {
		size_t label = strspn(at, letters);

		good = label > 0 && label <= 63 && at[0] != '-' && at[label - 1] != '-' &&
		       (at[label] == '.' || at[label] == '\0');
		if (at[label] == '\0') {
			break;
		}
		at += label + 1;
	}
	return good ? 0
		    : err_set(err, ERR_USAGE,
			      "'%s' is not the name of a server, as photos.example.org "
			      "is",
			      name);
}

static int check_options(const struct kind *kind, const struct edge_request *request,
			 struct err *err)
{
	const struct {
		enum option option;
		bool given;
		const char *name;
	} options[] = {
		{LISTEN, request->listen, "--listen"},
		{SERVER_NAME, request->server_name, "--server-name"},
		{TLS, request->certificate, "--tls-certificate"},
		{TLS, request->key, "--tls-key"},
		{LIBRARIES, request->libraries, "--libraries"},
		{TOKENS, request->tokens, "--tokens"},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (options[i].given &&
		    !((kind->needs | kind->takes) & options[i].option)) {
			return err_set(err, ERR_USAGE, "%s has no meaning with --for %s",
				       options[i].name, kind->name);
		}
		if (!options[i].given && (kind->needs & options[i].option)) {
			return err_set(err, ERR_USAGE, "--for %s needs %s", kind->name,
				       options[i].name);
		}
	}
	if (!request->certificate != !request->key) {
		return err_set(err, ERR_USAGE,
			       "--tls-certificate and --tls-key are given together");
	}
	return 0;
}

/* The first kind if there is no name; NULL: there is no such kind. */
static const struct kind *find_kind(const char *name, struct err *err)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!name || strcmp(kinds[i].name, name) == 0) {
			return &kinds[i];
		}
	}
	err_set(err, ERR_USAGE, "--for takes one of: " EDGE_KINDS "; not '%s'", name);
	return NULL;
}

static int prepare(struct edge_job *job, const struct kind *kind, struct err *err)
{
	const struct edge_request *request = job->request;
	int rc;

	buf_addf(&job->max_age, "%lld", request->max_age_s);
	if ((rc = check_age(request->max_age_s, err)) ||
	    (request->listen && (rc = edge_listen(&job->listen, request->listen, err))) ||
	    (request->server_name && (rc = check_name(request->server_name, err))) ||
	    (request->certificate &&
	     (rc = add_absolute(&job->certificate, request->certificate, err))) ||
	    (request->key && (rc = add_absolute(&job->key, request->key, err))) ||
	    (rc = check_site(kind, request->site, err)) ||
	    (rc = add_absolute(&job->site, request->site, err)) ||
	    (request->tokens &&
	     ((rc = tokens_check(request->tokens, err)) ||
	      (rc = tokens_check_site(request->site, err)) ||
	      (rc = add_absolute(&job->tokens, request->tokens, err))))) {
		return rc;
	}
	return beside_find(&job->folder, "edge", "albumen.js", err);
}

int edge_print(FILE *out, const struct edge_request *request, struct err *err)
{
	struct edge_job job = {.request = request};
	struct buf text = {0};
	const struct kind *kind = find_kind(request->kind, err);
	int rc = kind ? 0 : ERR_USAGE;

	if (kind && (rc = check_options(kind, request, err)) == 0 &&
	    (rc = prepare(&job, kind, err)) == 0 &&
	    (rc = kind->print(&text, &job, err)) == 0 &&
	    (fwrite(text.data, 1, text.len, out) != text.len || fflush(out) != 0)) {
		rc = err_sys(err, "cannot write the configuration");
	}
	buf_release(&job.folder);
	buf_release(&job.site);
	buf_release(&job.listen);
	buf_release(&job.certificate);
	buf_release(&job.key);
	buf_release(&job.tokens);
	buf_release(&job.max_age);
	buf_release(&text);
	return rc;
}
