/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_RESPONSE_H
#define EXPORTER_SNAPSHOT_RESPONSE_H

#include <stddef.h>

#include "data/base/buf.h"
#include "data/index/query.h"

/*
 * response - the table of responses (CONTRACT.md, sections 4 and 5): for each,
 * the request, the site file, the snapshot path and what the index calls it. A
 * new response is a new row here and a new renderer in data/index/query.c.
 *
 * Two more rows are in snapshots alone, so that an auditor who has nothing but a
 * clone need not search all of it: the album of an image, beside the image's own
 * response, and the tags, each with the number of its live tag images.
 */

struct response {
	enum query_response kind;
	enum query_response fed_by; /* whose entry in the change feed says: stale */
	const char *request;        /* for people: "/api/v1/albums/ID/images/untag"; NULL:
			      * in snapshots alone */
	/* Paths as `prefix` N `suffix`; a snapshot puts xx/yy/ before N. */
	const char *prefix;
	const char *suffix;
};

extern const struct response response_table[];
extern const size_t response_count;

/* The row of a kind. */
const struct response *response_of(enum query_response kind);

/* Appends the path of the response about `id` in a site or a snapshot. */
void response_site_path(struct buf *out, const struct response *row, const char *id,
			size_t len);
void response_snapshot_path(struct buf *out, const struct response *row, const char *id,
			    size_t len);

/* Appends "xx/yy/N", what stands between prefix and suffix in a snapshot: it is the
 * same for every row. */
void response_sharded(struct buf *out, const char *id, size_t len);

/* The row of a snapshot path, and where its N is. NULL: none of the table's. */
const struct response *response_parse(const char *path, const char **name, size_t *len);

/* Appends the site path of a snapshot path, and finds its row.
 * NULL (nothing appended) if the path is none of the table's, or in no site. */
const struct response *response_from_snapshot(struct buf *site_path, const char *path);

#endif
