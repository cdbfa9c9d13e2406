/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_REDACT_H
#define EXPORTER_SNAPSHOT_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/index/query.h"

/*
 * redact - what is left out of every response: members by name, and how exactly
 * places on earth are given. Applied to whole bodies, canonical before and after,
 * between rendering them and putting them into a snapshot.
 *
 *	struct redact *redact = NULL;
 *	redact_new(&redact, paths, count, round_gps, err);
 *	redact_body(redact, &out, QUERY_IMAGES, body, len);
 *	redact_free(redact);
 *
 * A path, `exifs` or `infos.location`, names members from the top level of every
 * record that has them, whether it is answered by itself or within another one. Where
 * it begins with `image.` or `tag.` and goes on, it is of images or of tags alone:
 * `image.gps` is `gps` of images, wherever they stand. Arrays on the way are passed
 * through: it holds for each element. A name with a dot in it cannot be named.
 *
 * Rounding changes the numbers in members `gps`, `gps_ip`, `gps_exifs`, `gps_html`,
 * `latitude` and `longitude` at any depth: to that many decimals, half away from
 * zero, by their decimal text. A number with no more decimals stays as it is written.
 */

struct redact;

#define REDACT_ROUND_MOST 9 /* decimals */

/*
 * *out is NULL where there is nothing to do: no paths, and `round_gps` is -1. Paths
 * are copied. ERR_USAGE: a path with an empty name or control characters in it, one
 * of a member that responses need (id, public_id, album_id, image, tag, image_id,
 * tag_id, created_at, updated_at of a record), too many decimals.
 */
int redact_new(struct redact **out, const char *const *paths, size_t count,
	       long long round_gps, struct err *err);
void redact_free(struct redact *redact);

/* Appends what is left of the response's body. */
void redact_body(const struct redact *redact, struct buf *out, enum query_response kind,
		 const char *body, size_t len);

/* Appends trailers that say what is done: `Albumen-Drop: PATH`, one for each path,
 * in their order by bytes, and `Albumen-Round-GPS: N`. NULL: none. */
void redact_trailers(struct buf *out, const struct redact *redact);
/* Whether the trailers of a commit's message say the same. */
bool redact_is_said(const struct redact *redact, const char *message);

/* Appends the JSON number, rounded. */
void redact_round(struct buf *out, const char *number, size_t len, unsigned decimals);

#endif
