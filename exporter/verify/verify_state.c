/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_state.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/git/commit.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/response.h"
#include "exporter/verify/verify_agree.h"
#include "exporter/verify/verify_apply.h"
#include "exporter/verify/verify_rows.h"

/*
 * A step applies each file that differs to the rows, tags first, so that what a tag
 * image shows can be compared at once. That marks the rows which it touches. When all is
 * applied, the marked rows are compared with each other.
 */

struct verify_state {
	struct verify_rows rows;
	struct verify_rows_counts
		total;            /* of files, and of what is too large to have one */
	struct oversize oversize; /* what the last trailers name */
};

struct verify_state *verify_state_new(struct verify_store *store,
				      struct verify_report *report)
{
	struct verify_state *state = xzalloc(sizeof(*state));

	verify_rows_init(&state->rows, store, report);
	return state;
}

void verify_state_free(struct verify_state *state)
{
	if (state) {
		verify_rows_release(&state->rows);
		oversize_release(&state->oversize);
		free(state);
	}
}

const struct verify_rows_counts *verify_state_counts(const struct verify_state *state)
{
	return &state->total;
}

/* --- the trailers --- */

/* What a trailer names. 0: no response that can be too large. */
static enum query_response read_path(struct verify_state *state, const char *path,
				     struct buf *id)
{
	enum query_response kind = body_path(id, path);
	bool good = (kind == QUERY_TAG_IMAGES || kind == QUERY_IMAGES ||
		     kind == QUERY_UNTAGGED) &&
		    !record_id_fault(id->data, id->len);

	if (good) {
		buf_clear(&state->rows.path);
		response_snapshot_path(&state->rows.path, response_of(kind), id->data,
				       id->len);
		good = strcmp(state->rows.path.data, path) == 0;
	}
	return good ? kind : (enum query_response)0;
}

/* The trailers name the path, or no longer do. */
static void flag(struct verify_state *state, const char *path, bool on, struct buf *id)
{
	enum query_response kind = read_path(state, path, id);
	struct verify_rows_image *image;
	struct verify_rows_album *album;
	uint32_t number;

	if (kind == QUERY_TAG_IMAGES) {
		number = verify_table_add(&state->rows.images, id->data, id->len);
		image = verify_table_row(&state->rows.images, number);
		image->oversize = on;
		state->rows.oversize_images += on ? 1 : -1;
		verify_table_mark(&state->rows.images, number);
	} else if (kind) {
		number = verify_rows_add_album(&state->rows, id->data, id->len);
		album = verify_table_row(&state->rows.albums, number);
		album->reflagged = true;
		if (kind == QUERY_IMAGES) {
			album->oversize = on;
			state->rows.oversize_albums += on ? 1 : -1;
		} else {
			album->oversize_untagged = on;
		}
		verify_table_mark(&state->rows.albums, number);
	} else if (on) {
		verify_report_fail(state->rows.report, "",
				   "the trailer " OVERSIZE_TRAILER
				   " names no response of a snapshot: '%s'",
				   path);
	}
}

static void check_order(struct verify_state *state, const struct oversize *oversize,
			const char *message)
{
	struct commit_trailers trailers = commit_trailers(message);
	struct buf want = {0}, got = {0}, path = {0};

	oversize_write(&want, oversize);
	while (commit_trailers_next(&trailers, OVERSIZE_TRAILER, &path)) {
		buf_addf(&got, OVERSIZE_TRAILER ": %s\n", path.data);
	}
	if (want.len != got.len || (want.len && strcmp(want.data, got.data) != 0)) {
		verify_report_fail(state->rows.report, "",
				   "the trailers " OVERSIZE_TRAILER
				   " are out of order, or one stands twice");
	}
	buf_release(&want);
	buf_release(&got);
	buf_release(&path);
}

/* Flags the rows that the trailers name; before the files are applied, as the images of an
 * album name it. */
static void apply_trailers(struct verify_state *state, const char *message)
{
	struct oversize now = {0}, *before = &state->oversize;
	struct buf id = {0};
	const char *path;
	size_t at = 0;
	bool changed = false;

	oversize_read(&now, message);
	if (!now.count && !before->count) {
		return;
	}
	if (now.count) {
		check_order(state, &now, message);
	}
	while ((path = oversize_next(before, &at))) {
		if (!oversize_has(&now, path)) {
			changed = true;
			flag(state, path, false, &id);
		}
	}
	for (at = 0; (path = oversize_next(&now, &at));) {
		if (!oversize_has(before, path)) {
			changed = true;
			flag(state, path, true, &id);
		}
	}
	/* The counts of tags are checked in another way now. */
	for (uint32_t n = 1; changed && n <= state->rows.tags.count; n++) {
		verify_table_mark(&state->rows.tags, n);
	}
	oversize_release(before);
	*before = now;
	buf_release(&id);
}

static void add_up(struct verify_state *state)
{
	state->total = state->rows.counts;
	state->total.images += state->rows.oversize_images;
	state->total.albums += state->rows.oversize_albums;
	if (state->rows.oversize_images) {
		state->total.tag_images = state->rows.said;
	}
}

void verify_state_step(struct verify_state *state, const uint8_t *from,
		       const uint8_t to[OBJECT_ID], const char *message)
{
	apply_trailers(state, message);
	verify_tree_walk(state->rows.store, state->rows.report, from, to, verify_apply,
			 &state->rows);
	verify_agree(&state->rows);
	add_up(state);
}