/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_ANSWER_H
#define EXPORTER_S3_S3_ANSWER_H

#include <stdint.h>

#include "data/base/buf.h"
#include "exporter/s3/s3_limits.h"

/* s3_answer - what an S3 server has answered, to those who use s3.h. */

struct s3_answer {
	int status;         /* of HTTP */
	char etag[S3_ETAG]; /* without quotes; "" if there is none */
	int64_t date_s;     /* by the server's clock: when it answered; 0: not said */
	int64_t modified_s; /* Last-Modified; 0: not said */
	struct buf body;
};
/* The same answer may be used again and again; it is emptied by each call. */
void s3_answer_release(struct s3_answer *answer);

/* Fills it with what came of a request (s3_wire.h), and takes the body from there. */
struct s3_wire_request;
void s3_answer_take(struct s3_answer *answer, struct s3_wire_request *wire);

#endif
