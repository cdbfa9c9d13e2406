/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_RESPONSE_H
#define EXPORTER_SNAPSHOT_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/index/query.h"
#include "exporter/git/pack/object.h"
#include "exporter/snapshot/layout.h"

/*
 * response - the table of responses (albumen(7), "Responses" and "Paths"). To answer one
 * more request, add a row here; README, "Contributing", walks through it.
 *
 * A row is of one of three sorts:
 *
 * - rendered from the index (data/index/query.c) into snapshot and site;
 * - rendered into snapshots alone (`request` is NULL): what lets an audit of a clone do
 *   without searching all of it, such as the album of an image;
 * - collected (`collected` is true) from the other files of one snapshot, for sites that
 *   ask for it by --collections: it costs the whole data (exporter/collection).
 */

/* A larger body is not put into a snapshot (oversize.h). */
#define RESPONSE_MAX OBJECT_MAX

struct response {
	/* What query_body renders for it, and the key by which other code finds the row.
	 * 0: the response is collected. */
	enum query_response kind;
	/* A set of 1 << kind: an entry of such a kind in the change feed makes the response
	 * stale; where it is collected, a file of such a kind that changed. */
	unsigned stale_by;
	bool collected;
	/* Where it lies: a pattern of exporter/snapshot/layout.h. */
	const char *path;
	/* The request that it answers, as such a pattern, without the slash in front;
	 * `.json` may follow. NULL: none. */
	const char *request;
	/* The id stands in the query, as this parameter: it may be there several times, and
	 * the answer is the arrays of all, joined in that order. NULL: no query is read. */
	const char *parameter;
};

extern const struct response response_table[];
extern const size_t response_count;

/* The row of a kind that is rendered. */
const struct response *response_of(enum query_response kind);

/* Appends the path of the response about the id in a site or a snapshot. A row whose
 * pattern has no `*` takes any id. */
void response_site_path(struct buf *out, const struct response *row, const char *id,
			size_t len);
void response_snapshot_path(struct buf *out, const struct response *row, const char *id,
			    size_t len);

/* The row of a snapshot's file, and the name of its id within `path`. NULL: `path` fits no
 * row. */
const struct response *response_parse(const char *path, struct layout_text *name);

/* Appends the site path of a snapshot's file, and returns its row.
 * NULL (nothing is appended): `path` fits no row, or the row is not in sites. */
const struct response *response_from_snapshot(struct buf *site_path, const char *path);

/*
 * What is wrong with a file, or a folder, of that path in a snapshot (no slash at its end),
 * as "lies in the wrong shard"; NULL: nothing. Both are tree_fault_fns. An id has one name,
 * and a name one shard. So no folder with a name in it fits in two places, and a walk that
 * asks reads no more trees than there are.
 */
const char *response_fault(const char *path, bool is_folder);
/* The same for a walk that passes over single files which are of no row, and over what is
 * wrong with the id of a name: that is for verification to say. */
const char *response_walk_fault(const char *path, bool is_folder);

/* Whether the row has a file for each id, or one file alone. */
bool response_is_many(const struct response *row);

/* Appends the folder of sites that holds all files of the row, as "api/v1/albums"; or its
 * one file. */
void response_site_root(struct buf *out, const struct response *row);

#endif
