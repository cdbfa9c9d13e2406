/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_SNAPSHOT_REDACT_H
#define EXPORTER_SNAPSHOT_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/cli.h"
#include "data/base/err.h"
#include "data/index/query.h"

/*
 * redact - leaves members out of every response, and rounds coordinates. It works on
 * whole bodies, which are canonical before and after, between rendering and putting them
 * into a snapshot.
 *
 *	struct redact *redact = NULL;
 *	struct redact_matched matched = {0};
 *	redact_new(&redact, paths, count, round_gps, err);
 *	redact_body(redact, &matched, &out, QUERY_IMAGES, body, len);
 *	redact_trailers(&message, redact, &matched);
 *	redact_free(redact);
 *
 * A path, such as `exifs` or `infos.location`, starts at the top level of every record
 * that has such a member, whether the record is answered by itself or inside another one.
 * A path that begins with `image.` or `tag.` is about images or tags only: `image.gps` is
 * the member `gps` of images, wherever they stand. An array on the way stands for each of
 * its elements. A name with a dot in it cannot be given.
 *
 * Rounding applies to every member whose name begins with `gps` or is `lat`, `lng`, `lon`,
 * `latitude` or `longitude`, in any case, at any depth, and to all that is inside: numbers
 * are rounded to that many decimals (decimal.h), also those in strings; null stays; any
 * other value, such as "48 deg 51' 42.96\" N", becomes null.
 */

struct redact;

#define REDACT_ROUND_MOST 9 /* decimals */
#define REDACT_PATHS_MOST CLI_LIST_MAX

/* What was matched in all bodies. Each rule counts by itself, also inside of what another
 * one leaves out. */
struct redact_matched {
	uint64_t path[REDACT_PATHS_MOST]; /* members, by redact_path's numbers */
	uint64_t places;  /* members that are rounded, without those inside of others */
	uint64_t records; /* that were looked at */
};

/*
 * *out is NULL if there is nothing to do: no paths, and `round_gps` is -1. Paths, of which
 * there are at most REDACT_PATHS_MOST, are copied. ERR_USAGE: a path has an empty name or a
 * control character in it, or names a member that responses need (id, public_id, album_id,
 * image, tag, image_id, tag_id, created_at, updated_at of a record; name and label of a
 * tag), or there are too many decimals.
 */
int redact_new(struct redact **out, const char *const *paths, size_t count,
	       long long round_gps, struct err *err);
void redact_free(struct redact *redact);

/* The path number `n`, sorted by bytes, each once; NULL: there are fewer. */
const char *redact_path(const struct redact *redact, size_t n);
/* To how many decimals places are rounded; -1: they are not. */
int redact_decimals(const struct redact *redact);

/* Appends the body without what is left out, and adds to *matched. */
void redact_body(const struct redact *redact, struct redact_matched *matched,
		 struct buf *out, enum query_response kind, const char *body, size_t len);

/*
 * Appends the trailers that record this: `Albumen-Drop: PATH; matched N` for each path, and
 * `Albumen-Round-GPS: N; matched M`. Nothing if `redact` is NULL. Those of 0.1.0 ended in
 * front of the semicolon; what it rounded is not the same as what this version rounds.
 */
void redact_trailers(struct buf *out, const struct redact *redact,
		     const struct redact_matched *matched);
/* Reads what the trailers of a commit message record; *out is NULL if that is nothing.
 * ERR_INPUT: there are such trailers that this program would not write. */
int redact_recorded(struct redact **out, const char *message, struct err *err);

/* Appends a text that is equal for equal rules. */
void redact_rules(struct buf *out, const struct redact *redact);
/* Whether both leave out the same. Each may be NULL. */
bool redact_is_same(const struct redact *a, const struct redact *b);

/*
 * Appends the options, such as " --drop 'exifs' --round-gps 2", without which `now` would
 * show what `before` left out. Nothing: `now` covers all of `before`. A path covers itself
 * and what lies below it, and `gps` covers `image.gps`; fewer decimals cover more. Each
 * may be NULL.
 */
void redact_uncovered(struct buf *out, const struct redact *before,
		      const struct redact *now);
/* Appends the options " --drop 'PATH'" of `now` that matched nothing, and that `before` did
 * not have. Each may be NULL. */
void redact_unmatched(struct buf *out, const struct redact *now,
		      const struct redact *before, const struct redact_matched *matched);

#endif
