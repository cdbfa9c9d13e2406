/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_WIRE_H
#define EXPORTER_S3_S3_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/s3/s3_limits.h"

/*
 * s3_wire - HTTP requests in parallel, by libcurl. The only file that includes <curl/curl.h>.
 *
 * libcurl is loaded by dlopen(3) when a wire is first opened: with it come some twenty libraries,
 * which would triple the time that every other command takes to start.
 *
 *	s3_wire_open(&wire, NULL, err);
 *	s3_wire_start(wire, &request, err);	(any number)
 *	while (...) {
 *		s3_wire_step(wire, 1000, err);
 *		while ((request = s3_wire_next(wire))) { ... }
 *	}
 *	s3_wire_close(wire);
 *
 * From then on the process ignores SIGPIPE: a broken connection is a failed request.
 *
 * No redirect is followed. HTTP/1.1, connections are kept. http_proxy, https_proxy and no_proxy
 * hold as everywhere.
 */

/* Of the body of an answer that is no success: bytes. */
#define S3_WIRE_ERROR_MAX 65536

enum s3_wire_result {
	S3_WIRE_ANSWERED, /* `status` and the rest are set */
	S3_WIRE_LARGE,    /* a success, but the body has more than `max` bytes */
	S3_WIRE_BROKEN,   /* no whole answer; trying again may help */
	S3_WIRE_WRONG,    /* no answer, and there will be none: a certificate, a URL */
};

/* Zeroed, with what is asked set, it is ready. All of that is borrowed until it is done. */
struct s3_wire_request {
	/* what is asked */
	const char *method, *url;
	const char *const *header; /* "Name: value" */
	size_t headers;
	const void *body; /* NULL: none */
	uint64_t len;
	size_t max; /* of the answer's body */
	void *owner;
	/* what came of it */
	enum s3_wire_result result;
	char why[256]; /* unless ANSWERED */
	int status;
	char etag[S3_ETAG];                        /* without quotes */
	char region[64];                           /* x-amz-bucket-region */
	int64_t date_s, modified_s, retry_after_s; /* 0: not said */
	bool rgw;                                  /* it is Ceph's radosgw that answers */
	struct buf answer;                         /* the body; the caller releases it */
	/* of the wire */
	void *easy, *list;
	bool enough; /* the body was not read to its end */
};

struct s3_wire;

/* `ca_bundle`: a file of certificates, or NULL for the system's. ERR_FAIL: there is no libcurl. */
int s3_wire_open(struct s3_wire **out, const char *ca_bundle, struct err *err);
/* Nothing may be under way. NULL is allowed. */
void s3_wire_close(struct s3_wire *wire);

/* Clears what came of it, and begins. */
int s3_wire_start(struct s3_wire *wire, struct s3_wire_request *request, struct err *err);
/* Cuts a request that has not ended: nothing more of it is sent, not even what the kernel has. */
void s3_wire_cut(struct s3_wire *wire, struct s3_wire_request *request);
/* Sends and receives what there is; waits for that, at most `timeout_ms`, if nothing has ended. */
int s3_wire_step(struct s3_wire *wire, int timeout_ms, struct err *err);
/* One that has ended, or NULL. */
struct s3_wire_request *s3_wire_next(struct s3_wire *wire);

#endif
