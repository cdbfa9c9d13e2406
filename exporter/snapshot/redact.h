/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_REDACT_H
#define EXPORTER_SNAPSHOT_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/index/query.h"

/*
 * redact - leaves members out of every response, and rounds coordinates. It works on
 * whole bodies, which are canonical before and after, between rendering and putting them
 * into a snapshot.
 *
 *	struct redact *redact = NULL;
 *	redact_new(&redact, paths, count, round_gps, err);
 *	redact_body(redact, &out, QUERY_IMAGES, body, len);
 *	redact_free(redact);
 *
 * A path, such as `exifs` or `infos.location`, starts at the top level of every record
 * that has such a member, whether the record is answered by itself or inside another one.
 * A path that begins with `image.` or `tag.` is about images or tags only: `image.gps` is
 * the member `gps` of images, wherever they stand. An array on the way stands for each of
 * its elements. A name with a dot in it cannot be given.
 *
 * Rounding applies to the numbers in members `gps`, `gps_ip`, `gps_exifs`, `gps_html`,
 * `latitude` and `longitude` at any depth: to that many decimals, half away from zero,
 * by their decimal text. A number with no more decimals stays as it is written.
 */

struct redact;

#define REDACT_ROUND_MOST 9 /* decimals */

/*
 * *out is NULL if there is nothing to do: no paths, and `round_gps` is -1. Paths, of which
 * there are at most CLI_LIST_MAX, are copied. ERR_USAGE: a path has an empty name or a
 * control character in it, or names a member that responses need (id, public_id, album_id,
 * image, tag, image_id, tag_id, created_at, updated_at of a record; name and label of a
 * tag), or there are too many decimals.
 */
int redact_new(struct redact **out, const char *const *paths, size_t count,
	       long long round_gps, struct err *err);
void redact_free(struct redact *redact);

/* Appends the body without what is left out. */
void redact_body(const struct redact *redact, struct buf *out, enum query_response kind,
		 const char *body, size_t len);

/* Appends the trailers that record this: `Albumen-Drop: PATH` for each path, sorted by
 * bytes, and `Albumen-Round-GPS: N`. Nothing if `redact` is NULL. */
void redact_trailers(struct buf *out, const struct redact *redact);
/* Reads what the trailers of a commit message record; *out is NULL if that is nothing.
 * ERR_INPUT: there are such trailers that this program would not write. */
int redact_recorded(struct redact **out, const char *message, struct err *err);
/* Whether the trailers of a commit message record the same. */
bool redact_is_recorded(const struct redact *redact, const char *message);

/*
 * Appends the options, such as " --drop 'exifs' --round-gps 2", without which `now` would
 * show what `before` left out. Nothing: `now` covers all of `before`. A path covers itself
 * and what lies below it, and `gps` covers `image.gps`; fewer decimals cover more. Either
 * may be NULL.
 */
void redact_uncovered(struct buf *out, const struct redact *before,
		      const struct redact *now);

#endif
