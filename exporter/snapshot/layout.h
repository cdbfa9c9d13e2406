/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_LAYOUT_H
#define EXPORTER_SNAPSHOT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"

/*
 * layout - how a pattern becomes a path, and a path is recognised (albumen(7), "Paths").
 *
 * A pattern is a path in which each `*` stands for an id:
 *
 *	"api/v1/albums/" "*" "/images.json"
 *
 * In a site `*` becomes the id's name N (data/format/name.h). In a snapshot it becomes
 * xx/yy/N, where xxyy is the name's shard. The patterns themselves stand in one table,
 * exporter/snapshot/response.c.
 */

enum layout_place { LAYOUT_SITE, LAYOUT_SNAPSHOT };

#define LAYOUT_IDS_MAX 2 /* as many `*` as a pattern may have */

/* An id, or its name: borrowed bytes. */
struct layout_text {
	const char *at;
	size_t len;
};

/* Appends what `*` becomes for an id. */
void layout_add_name(struct buf *out, enum layout_place place, const char *id,
		     size_t len);

/* Appends the pattern with names[i] in place of the i-th `*`: what layout_add_name made. */
void layout_fill(struct buf *out, const char *pattern, const struct layout_text *names);

/* Whether `path` fits the pattern. names[i] is then the i-th N within `path`. N has
 * the shape of a name; whether it lies in the right shard is not checked. */
bool layout_match(const char *pattern, enum layout_place place, const char *path,
		  struct layout_text names[LAYOUT_IDS_MAX]);

/* Whether `path` (no slash at its end, and not the root) is a folder on the way to paths of
 * the pattern. names[i] is then the i-th N, if the folder has it in its path. */
bool layout_is_folder(const char *pattern, enum layout_place place, const char *path,
		      struct layout_text names[LAYOUT_IDS_MAX]);

#endif
