/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EDGE_EDGE_REQUEST_H
#define EXPORTER_EDGE_EDGE_REQUEST_H

/* edge_request - what is asked of `edge`. */

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

#endif
