/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_STATE_INNER_H
#define EXPORTER_VERIFY_VERIFY_STATE_INNER_H

#include "exporter/verify/verify_body.h"
#include "exporter/verify/verify_ids.h"
#include "exporter/verify/verify_state.h"

/*
 * verify_state, from the inside: verify_state.c takes in what changed;
 * verify_settle.c looks at all that it touched.
 *
 * Things are numbered by their ids (verify_ids), and numbers count from 1.
 */

struct verify_image {
	struct verify_body_digest text;  /* as the album's list has it */
	struct verify_body_digest shown; /* as its tag images have it */
	uint32_t album;                  /* that lists it; 0: none */
	uint32_t said;                   /* the album that its .album names; 0: none */
	uint32_t live;                   /* tag images */
	uint32_t lists;                  /* how often it stands in a list */
	bool has_json : 1, has_album : 1, untagged : 1, mixed : 1, touched : 1;
};

struct verify_album {
	uint8_t list[OBJECT_ID], old_list[OBJECT_ID], untagged[OBJECT_ID];
	bool has_list : 1, had_list : 1, has_untagged : 1;
	bool relisted : 1; /* the list is another one, and old_list what it was */
	bool touched : 1;
};

struct verify_tag {
	struct verify_body_digest text;
	uint64_t said; /* tag images, as its file has it */
	uint64_t live; /* as they were counted */
	bool known : 1, touched : 1;
};

/* Numbers of what is to be looked at. */
struct verify_list {
	uint32_t *number;
	size_t count, cap;
};

struct verify_state {
	struct verify_store *store;
	struct verify_report *report;
	uint8_t empty_list[OBJECT_ID]; /* the blob "[]": no tag images */
	struct verify_ids image_ids, album_ids, tag_ids;
	struct verify_ids album_blobs; /* what .album files hold: number = the album's */
	struct verify_ids shown;       /* (tag, text): what tag images show; by number: */
	uint64_t *shown_count;
	size_t shown_cap;
	struct verify_image *image;
	struct verify_album *album;
	struct verify_tag *tag;
	size_t image_cap, album_cap, tag_cap;
	struct verify_list images, albums, tags; /* touched */
	struct verify_state_counts counts;
	/* scratch */
	struct verify_body body;
	struct buf blob, path, other;
};

/* Reads a blob of the snapshot; a failure is told, at `path`, unless that is NULL. */
bool verify_state_read(struct buf *out, struct verify_state *state, const uint8_t *id,
		       const char *path);

void verify_state_touch_image(struct verify_state *state, uint32_t number);
void verify_state_touch_album(struct verify_state *state, uint32_t number);
/* The image, which is made if it is new, as is the album. */
uint32_t verify_state_image(struct verify_state *state, const char *id, size_t len);
uint32_t verify_state_tag(struct verify_state *state, const char *id, size_t len);
/* The number of (tag, text) in `shown`. */
uint32_t verify_state_shown(struct verify_state *state, uint32_t tag,
			    const struct verify_body_digest *text);

/* verify_settle.c: looks at what is touched. */
void verify_state_settle(struct verify_state *state);

#endif
