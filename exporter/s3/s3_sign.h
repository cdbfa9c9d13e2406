/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_SIGN_H
#define EXPORTER_S3_S3_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"

/*
 * s3_sign - AWS Signature Version 4 in a request's Authorization header, as AWS's General
 * Reference and the S3 API's "Authenticating Requests" have it. The test has the examples that
 * AWS publishes.
 *
 * libcurl 7.88 has a signer too (CURLOPT_AWS_SIGV4). It takes the URL as it is given, leaves out
 * x-amz-content-sha256, and has changed in many versions since.
 */

struct s3_sign_key {
	const char *id, *secret;
	const char *region, *service; /* "us-east-1", "s3" */
};

struct s3_sign_header {
	const char *name;  /* lower case */
	const char *value; /* without blanks at its ends, or two in a row */
};

struct s3_sign_request {
	const char *method;
	const char *path;  /* as in the URL, escaped once: "/bucket/a%252Fb.json" */
	const char *query; /* as in the URL: escaped, sorted by name, each with its `=` */
	/* All that the signature binds, sorted by name; `host` among them. */
	const struct s3_sign_header *header;
	size_t headers;
	const char *payload; /* SHA-256 of the body, in hex */
};

#define S3_SIGN_HEX 65  /* of a SHA-256, with its NUL */
#define S3_SIGN_DATE 17 /* "20130524T000000Z", with its NUL */

void s3_sign_hash(char hex[S3_SIGN_HEX], const void *bytes, size_t len);
/* The value of the header x-amz-date. */
void s3_sign_date(char date[S3_SIGN_DATE], int64_t unix_s);

/* Appends the value of the header Authorization. */
void s3_sign(struct buf *out, const struct s3_sign_key *key,
	     const struct s3_sign_request *request, const char date[S3_SIGN_DATE]);

#endif
