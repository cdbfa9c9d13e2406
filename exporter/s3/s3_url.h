/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_URL_H
#define EXPORTER_S3_S3_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * s3_url - places in object stores as people write them, s3://BUCKET/PREFIX, and the URLs
 * that a server is asked for.
 */

/* Zeroed is empty. */
struct s3_place {
	char *bucket;
	char *prefix; /* without slashes at its ends; "": all of the bucket */
};

/* Whether a place is meant to be an object store: it begins with s3: (of any case). A folder of
 * such a name is written ./s3:… */
bool s3_url_is(const char *place);

/*
 * Reads s3://BUCKET[/PREFIX][/]. ERR_USAGE: it is something else; a bucket's name has other
 * characters than A-Z a-z 0-9 . _ - or begins with a dot or dash; the prefix has an empty
 * segment, `.` or `..`, a control character or invalid UTF-8, or is longer than 512 bytes.
 */
int s3_url_parse(struct s3_place *out, const char *url, struct err *err);
void s3_url_release(struct s3_place *place);

/* Appends s3://BUCKET/PREFIX/KEY, for messages. */
void s3_url_name(struct buf *out, const struct s3_place *place, const char *key);

/* Appends text as SigV4 wants it in a URL: every byte but A-Z a-z 0-9 - . _ ~ as %XX, in upper
 * case; and but `/`, if `slash`. */
void s3_url_escape(struct buf *out, const char *text, bool slash);

/* Undoes that. False: a % is not followed by two digits, or they spell NUL. */
bool s3_url_unescape(struct buf *out, const char *text);

/* The parts of an endpoint, http[s]://HOST[:PORT][/BASE]. */
struct s3_endpoint {
	char *root; /* http[s]://HOST[:PORT] */
	char *host; /* HOST[:PORT]; without the port that the scheme has anyway */
	char *base; /* "" or "/BASE", escaped */
};
/* ERR_USAGE: it is something else, or has a user, a query or a fragment. `what` names where it
 * comes from. */
int s3_url_endpoint(struct s3_endpoint *out, const char *url, const char *what,
		    struct err *err);
void s3_url_release_endpoint(struct s3_endpoint *endpoint);

#endif
