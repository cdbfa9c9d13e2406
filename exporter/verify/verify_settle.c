/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "exporter/snapshot/response.h"
#include "exporter/verify/verify_state_inner.h"

/*
 * The second half of a step: albums first, as they say where images lie, then images
 * and tags. An album's untagged list is not read for what it says: what it must be
 * follows from the album's list and from which of its images are tagged, and that is
 * compared.
 */

static const char *path_of(struct verify_state *state, enum query_response kind,
			   const struct verify_ids *ids, uint32_t number)
{
	size_t len;
	const char *id = verify_ids_get(ids, number, &len);

	buf_clear(&state->path);
	response_snapshot_path(&state->path, response_of(kind), id, len);
	return state->path.data;
}

/* --- albums --- */

struct listing {
	struct verify_state *state;
	uint32_t album;
	bool enter;       /* the list is new; else only the untagged ones are wanted */
	struct buf want;  /* what the untagged list must be */
	uint64_t records; /* in the list */
};

static void leave_list(const char *text, const struct record *record, void *payload)
{
	struct listing *listing = payload;
	struct verify_state *state = listing->state;
	uint32_t number = verify_state_image(state, record->id.bytes, record->id.len);
	struct verify_image *image = &state->image[number];

	(void)text;
	image->lists--;
	if (image->album == listing->album) {
		image->album = 0;
	}
	verify_state_touch_image(state, number);
}

static void enter_list(struct listing *listing, uint32_t number, const char *text,
		       const struct record *record)
{
	struct verify_state *state = listing->state;
	struct verify_image *image = &state->image[number];
	size_t len;
	const char *album = verify_ids_get(&state->album_ids, listing->album, &len);

	if (record->album.len != len || memcmp(record->album.bytes, album, len) != 0) {
		verify_report_fail(
			state->report,
			path_of(state, QUERY_IMAGES, &state->album_ids, listing->album),
			"image '%s' is of the album '%s'", record->id.bytes,
			record->album.bytes);
	}
	image->lists++;
	image->album = listing->album;
	verify_body_digest(&image->text, text, record->text.len);
	verify_state_touch_image(state, number);
}

static void read_listed(const char *text, const struct record *record, void *payload)
{
	struct listing *listing = payload;
	struct verify_state *state = listing->state;
	uint32_t number = verify_state_image(state, record->id.bytes, record->id.len);

	if (listing->enter) {
		enter_list(listing, number, text, record);
	}
	listing->records++;
	if (state->image[number].has_json && state->image[number].untagged) {
		if (listing->want.len > 1) {
			buf_addch(&listing->want, ',');
		}
		buf_add(&listing->want, text, record->text.len);
	}
}

static void tell(const char *problem, void *payload)
{
	struct listing *listing = payload;
	struct verify_state *state = listing->state;

	verify_report_fail(
		state->report,
		path_of(state, QUERY_IMAGES, &state->album_ids, listing->album), "%s",
		problem);
}

static void check_untagged(struct listing *listing)
{
	struct verify_state *state = listing->state;
	const struct verify_album *album = &state->album[listing->album];
	const char *path =
		path_of(state, QUERY_UNTAGGED, &state->album_ids, listing->album);

	if (!album->has_list) {
		if (album->has_untagged) {
			verify_report_fail(state->report, path,
					   "the album has no list of its images");
		}
		return;
	}
	if (!album->has_untagged) {
		verify_report_fail(state->report, path, "the file is missing");
		return;
	}
	if (verify_state_read(&state->other, state, album->untagged, path) &&
	    (state->other.len != listing->want.len ||
	     memcmp(state->other.data, listing->want.data, listing->want.len) != 0)) {
		verify_report_fail(state->report, path,
				   "these are not the album's images that no tag image "
				   "is of, as its images.json has them");
	}
}

static void settle_album(struct verify_state *state, uint32_t number)
{
	struct verify_album *album = &state->album[number];
	struct listing listing = {.state = state, .album = number};

	album->touched = false;
	listing.enter = album->relisted;
	if (album->relisted && album->had_list &&
	    verify_state_read(&state->blob, state, album->old_list, NULL)) {
		state->body.told = NULL;
		verify_body_records(&state->body, &state->blob, RECORD_IMAGE, leave_list,
				    &listing);
	}
	buf_addch(&listing.want, '[');
	if (album->has_list) {
		const char *path =
			path_of(state, QUERY_IMAGES, &state->album_ids, number);

		state->body.told = listing.enter ? tell : NULL;
		state->body.payload = &listing;
		if (verify_state_read(&state->blob, state, album->list,
				      listing.enter ? path : NULL)) {
			verify_body_records(&state->body, &state->blob, RECORD_IMAGE,
					    read_listed, &listing);
			if (listing.enter && !listing.records) {
				tell("it lists no image", &listing);
			}
		}
	}
	buf_addch(&listing.want, ']');
	album->relisted = false;
	check_untagged(&listing);
	buf_release(&listing.want);
}

/* --- images --- */

static void check_album_of(struct verify_state *state, uint32_t number)
{
	const struct verify_image *image = &state->image[number];
	const char *path = path_of(state, QUERY_ALBUM_OF, &state->image_ids, number);
	size_t len;
	const char *album;

	if (!image->has_album) {
		verify_report_fail(state->report, path, "the file is missing");
	} else if (image->album && image->said != image->album) {
		album = verify_ids_get(&state->album_ids, image->album, &len);
		verify_report_fail(state->report, path,
				   "it does not name the album that lists the image, "
				   "'%.*s'",
				   (int)len, album);
	}
}

static void settle_image(struct verify_state *state, uint32_t number)
{
	struct verify_image *image = &state->image[number];
	const char *path = path_of(state, QUERY_TAG_IMAGES, &state->image_ids, number);

	image->touched = false;
	if (!image->lists) {
		if (image->has_json || image->has_album) {
			verify_report_fail(state->report, path,
					   "no album lists the image");
		}
		return;
	}
	if (image->lists > 1) {
		verify_report_fail(state->report, path, "albums list the image %u times",
				   image->lists);
	}
	if (!image->has_json) {
		verify_report_fail(state->report, path, "the file is missing");
	} else if (image->live && !image->mixed &&
		   memcmp(&image->shown, &image->text, sizeof(image->text)) != 0) {
		verify_report_fail(state->report, path,
				   "it shows another text of the image than its album's "
				   "images.json");
	}
	check_album_of(state, number);
}

/* --- tags --- */

static void settle_tag(struct verify_state *state, uint32_t number)
{
	struct verify_tag *tag = &state->tag[number];
	uint32_t shown = verify_state_shown(state, number, &tag->text);
	uint64_t same = state->shown_count[shown];
	const char *path = path_of(state, QUERY_TAG, &state->tag_ids, number);

	tag->touched = false;
	if (!tag->known) {
		if (tag->live) {
			verify_report_fail(state->report, path,
					   "the file is missing: %" PRIu64
					   " tag images show the tag",
					   tag->live);
		}
		return;
	}
	if (tag->said != tag->live) {
		verify_report_fail(state->report, path,
				   "it counts %" PRIu64 " tag images; there are %" PRIu64,
				   tag->said, tag->live);
	}
	if (same != tag->live) {
		verify_report_fail(state->report, path,
				   "%" PRIu64 " tag images show another text of the tag",
				   tag->live - same);
	}
}

void verify_state_settle(struct verify_state *state)
{
	for (size_t i = 0; i < state->albums.count; i++) {
		settle_album(state, state->albums.number[i]);
	}
	state->albums.count = 0;
	for (size_t i = 0; i < state->images.count; i++) {
		settle_image(state, state->images.number[i]);
	}
	state->images.count = 0;
	for (size_t i = 0; i < state->tags.count; i++) {
		settle_tag(state, state->tags.number[i]);
	}
	state->tags.count = 0;
}
