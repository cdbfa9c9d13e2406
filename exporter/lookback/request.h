/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_LOOKBACK_REQUEST_H
#define EXPORTER_LOOKBACK_REQUEST_H

#include <stddef.h>

#include "data/base/err.h"
#include "data/format/record.h"
#include "exporter/snapshot/response.h"

/*
 * request - a request of the API as a client sends it, and the row of response_table that
 * answers it (exporter/snapshot/response.h). It takes what the edge takes
 * (exporter/edge/requests.js), so that an auditor can ask for what was asked for then:
 *
 *	api/v1/albums/ID/images/untag[.json]
 *	api/v1/tag_images[.json][?image_ids[]=ID[&image_ids[]=ID]...]
 *
 * with or without SCHEME://HOST or a slash in front. ID is percent-encoded, and in
 * the query a `+` is a space; brackets may be encoded, and case does not matter in the
 * parameter's name; other parameters mean nothing, and neither does what follows a `#`.
 * What could not be an id (not UTF-8, too long, empty) is the id of no image.
 */

#define REQUEST_IDS_MAX 500
#define REQUEST_PARAMETERS_MAX 1000

struct request {
	const struct response *row; /* what answers it */
	/* The ids in its path or its query, each once, in this order. */
	struct record_id *id;
	size_t count;
};

/* Reads a request. ERR_NOTFOUND: nothing answers it; ERR_INPUT: it asks for too much
 * (the edge answers 404 and 400). The caller releases *out in any case. */
int request_read(struct request *out, const char *url, struct err *err);
void request_release(struct request *request);

#endif
