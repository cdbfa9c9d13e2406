/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_SAY_H
#define EXPORTER_S3_S3_SAY_H

#include <stdbool.h>

#include "data/base/err.h"
#include "exporter/s3/s3_url.h"
#include "exporter/s3/s3_wire.h"

/*
 * s3_say - what an answer of an S3 server means: the code, whether to try again, and a message
 * that says what mends it. s3.h lists the codes.
 */

/* Who asks, and whom. All borrowed. */
struct s3_who {
	const struct s3_place *place;
	const char *endpoint, *id, *id_from, *region;
};

/* What was asked: GET, PUT, DELETE of a key; LIST of a prefix. */
struct s3_say {
	const char *method, *key;
};

/*
 * Judges what came of a request. *again: it may succeed later (the code is then
 * ERR_UNREACHABLE); or, of a PUT, may have been done. `condition`: the name of the header that
 * the PUT had, or NULL. ERR_CHANGED, ERR_NOTFOUND, ERR_LARGE: as s3.h has it.
 */
int s3_say_outcome(const struct s3_who *who, const struct s3_say *what,
		   const struct s3_wire_request *wire, const char *condition, bool *again,
		   struct err *err);

/* ERR_FAIL: whatever answers there is no S3 server, as `why` shows. */
int s3_say_no_s3(const struct s3_who *who, const struct s3_say *what, const char *why,
		 struct err *err);

#endif
