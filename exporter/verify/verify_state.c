/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "exporter/verify/verify_state_inner.h"

/*
 * Going from one snapshot to the next: the trees' differences are taken in one by
 * one, the tags first, so that what a tag image shows can be compared at once; then
 * all that was touched is looked at (verify_settle.c), when everything is known.
 *
 * To take back what an image's former file said, that file is read again: it costs
 * no more than reading the new one did, and nothing has to be remembered of it.
 */

struct verify_state *verify_state_new(struct verify_store *store,
				      struct verify_report *report)
{
	struct verify_state *state = xzalloc(sizeof(*state));

	state->store = store;
	state->report = report;
	object_hash(state->empty_list, OBJECT_BLOB, "[]", 2);
	return state;
}

void verify_state_free(struct verify_state *state)
{
	if (state) {
		verify_ids_release(&state->image_ids);
		verify_ids_release(&state->album_ids);
		verify_ids_release(&state->tag_ids);
		verify_ids_release(&state->album_blobs);
		verify_ids_release(&state->shown);
		verify_body_release(&state->body);
		buf_release(&state->blob);
		buf_release(&state->path);
		buf_release(&state->other);
		free(state->shown_count);
		free(state->image);
		free(state->album);
		free(state->tag);
		free(state->images.number);
		free(state->albums.number);
		free(state->tags.number);
		free(state);
	}
}

const struct verify_state_counts *verify_state_counts(const struct verify_state *state)
{
	return &state->counts;
}

/* --- tables --- */

/* Makes room for the number `number` in an array that is indexed by numbers. */
static void *fit(void *array, size_t *cap, uint32_t number, size_t size)
{
	size_t old = *cap;

	if (number < old) {
		return array;
	}
	*cap = (size_t)number + number / 4 + 64;
	array = xreallocarray(array, *cap, size);
	memset((char *)array + old * size, 0, (*cap - old) * size);
	return array;
}

uint32_t verify_state_image(struct verify_state *state, const char *id, size_t len)
{
	uint32_t number = verify_ids_add(&state->image_ids, id, len);

	state->image =
		fit(state->image, &state->image_cap, number, sizeof(*state->image));
	return number;
}

uint32_t verify_state_tag(struct verify_state *state, const char *id, size_t len)
{
	uint32_t number = verify_ids_add(&state->tag_ids, id, len);

	state->tag = fit(state->tag, &state->tag_cap, number, sizeof(*state->tag));
	return number;
}

/* An album, and what the .album files of its images must hold. */
static uint32_t album_of(struct verify_state *state, const char *id, size_t len)
{
	uint32_t number = verify_ids_add(&state->album_ids, id, len);
	struct buf text = {0};
	uint8_t blob[OBJECT_ID];

	if (number > state->album_blobs.count) {
		json_quote(&text, id, len);
		object_hash(blob, OBJECT_BLOB, text.data, text.len);
		buf_release(&text);
		number = verify_ids_add(&state->album_blobs, blob, sizeof(blob));
		assert(number == state->album_ids.count);
		state->album = fit(state->album, &state->album_cap, number,
				   sizeof(*state->album));
	}
	return number;
}

uint32_t verify_state_shown(struct verify_state *state, uint32_t tag,
			    const struct verify_body_digest *text)
{
	char key[sizeof(tag) + sizeof(text->bytes)];
	uint32_t number;

	memcpy(key, &tag, sizeof(tag));
	memcpy(key + sizeof(tag), text->bytes, sizeof(text->bytes));
	number = verify_ids_add(&state->shown, key, sizeof(key));
	state->shown_count = fit(state->shown_count, &state->shown_cap, number,
				 sizeof(*state->shown_count));
	return number;
}

static void list_add(struct verify_list *list, uint32_t number)
{
	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->number =
			xreallocarray(list->number, list->cap, sizeof(*list->number));
	}
	list->number[list->count++] = number;
}

void verify_state_touch_image(struct verify_state *state, uint32_t number)
{
	if (!state->image[number].touched) {
		state->image[number].touched = true;
		list_add(&state->images, number);
	}
}

void verify_state_touch_album(struct verify_state *state, uint32_t number)
{
	if (number && !state->album[number].touched) {
		state->album[number].touched = true;
		list_add(&state->albums, number);
	}
}

static void touch_tag(struct verify_state *state, uint32_t number)
{
	if (!state->tag[number].touched) {
		state->tag[number].touched = true;
		list_add(&state->tags, number);
	}
}

/* Tells that a blob cannot be read. */
static void fail_blob(struct verify_state *state, const uint8_t *id, const char *path,
		      int rc)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, id);
	verify_report_fail(state->report, path, "object %s is %s", hex,
			   rc == ERR_NOTFOUND ? "missing"
			   : rc               ? "damaged"
					      : "no file");
}

/* A blob whose id says all that is to be known of it must be there all the same. */
static void look_for(struct verify_state *state, const uint8_t *id, const char *path)
{
	int rc = verify_store_look(state->store, id);

	if (rc) {
		fail_blob(state, id, path, rc);
	}
}

bool verify_state_read(struct buf *out, struct verify_state *state, const uint8_t *id,
		       const char *path)
{
	enum object_type type;
	int rc = verify_store_read(out, &type, state->store, id);

	if (!rc && type == OBJECT_BLOB) {
		return true;
	}
	if (path) {
		fail_blob(state, id, path, rc);
	}
	return false;
}

/* --- tags --- */

struct telling {
	struct verify_report *report;
	const char *path;
};

static void tell(const char *problem, void *payload)
{
	struct telling *telling = payload;

	verify_report_fail(telling->report, telling->path, "%s", problem);
}

static void take_tag(struct verify_state *state, const struct verify_tree_change *change)
{
	uint32_t number = verify_state_tag(state, change->id, change->id_len);
	struct verify_tag *tag = &state->tag[number];
	struct telling telling = {state->report, change->path};
	struct record_id id;

	touch_tag(state, number);
	state->counts.tags -= change->old_blob != NULL;
	tag->known = false;
	if (!change->new_blob) {
		return;
	}
	state->counts.tags++;
	tag->known = true;
	memset(&tag->text, 0, sizeof(tag->text));
	tag->said = 0;
	state->body.told = tell;
	state->body.payload = &telling;
	if (verify_state_read(&state->blob, state, change->new_blob, change->path) &&
	    verify_body_tag(&state->body, &state->blob, &id, &tag->text, &tag->said) &&
	    (id.len != change->id_len || memcmp(id.bytes, change->id, id.len) != 0)) {
		verify_report_fail(state->report, change->path,
				   "it is about the tag '%s'", id.bytes);
	}
}

/* --- albums --- */

static void take_list(struct verify_state *state, const struct verify_tree_change *change)
{
	uint32_t number = album_of(state, change->id, change->id_len);
	struct verify_album *album = &state->album[number];

	verify_state_touch_album(state, number);
	if (change->kind == VERIFY_TREE_UNTAGGED) {
		album->has_untagged = change->new_blob != NULL;
		if (change->new_blob) {
			memcpy(album->untagged, change->new_blob, OBJECT_ID);
		}
		return;
	}
	album->relisted = true;
	album->had_list = change->old_blob != NULL;
	album->has_list = change->new_blob != NULL;
	state->counts.albums += album->has_list;
	state->counts.albums -= album->had_list;
	if (change->old_blob) {
		memcpy(album->old_list, change->old_blob, OBJECT_ID);
	}
	if (change->new_blob) {
		memcpy(album->list, change->new_blob, OBJECT_ID);
	}
}

/* --- images --- */

/* Ids that were met, for those that stand twice: they need not be neighbours. */
struct names {
	char **id;
	size_t count, cap;
};

static void add_name(struct names *names, const struct record_id *id)
{
	if (names->count == names->cap) {
		names->cap = names->cap ? names->cap * 2 : 16;
		names->id = xreallocarray(names->id, names->cap, sizeof(*names->id));
	}
	names->id[names->count++] = xmemdup0(id->bytes, id->len);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Tells those that stand twice, and forgets all. */
static void end_names(struct names *names, struct verify_state *state, const char *path)
{
	if (names->count > 1) {
		qsort(names->id, names->count, sizeof(*names->id), by_bytes);
	}
	for (size_t i = 1; i < names->count; i++) {
		if (strcmp(names->id[i - 1], names->id[i]) == 0) {
			verify_report_fail(state->report, path,
					   "tag image '%s' stands twice", names->id[i]);
		}
	}
	for (size_t i = 0; i < names->count; i++) {
		free(names->id[i]);
	}
	free(names->id);
}

struct showing {
	struct verify_state *state;
	const char *path; /* NULL: what is said is taken back */
	uint32_t image;
	uint32_t records;
	struct names names;
};

/* One tag image of an image's file. */
static void take_tag_image(const char *text, const struct record *record, void *payload)
{
	struct showing *showing = payload;
	struct verify_state *state = showing->state;
	struct verify_image *image = &state->image[showing->image];
	uint32_t tag = verify_state_tag(state, record->tag.bytes, record->tag.len);
	struct verify_body_digest digest;
	uint32_t shown;

	verify_body_digest(&digest, text + record[2].text.off, record[2].text.len);
	shown = verify_state_shown(state, tag, &digest);
	touch_tag(state, tag);
	if (!showing->path) {
		state->shown_count[shown]--;
		state->tag[tag].live--;
		return;
	}
	state->shown_count[shown]++;
	state->tag[tag].live++;
	if (!state->tag[tag].known) {
		verify_report_fail(
			state->report, showing->path,
			"tag image '%s' shows the tag '%s', which is not known",
			record->id.bytes, record->tag.bytes);
	} else if (memcmp(&digest, &state->tag[tag].text, sizeof(digest)) != 0) {
		verify_report_fail(state->report, showing->path,
				   "tag image '%s' shows another text of the tag '%s' "
				   "than audit/tags has",
				   record->id.bytes, record->tag.bytes);
	}
	verify_body_digest(&digest, text + record[1].text.off, record[1].text.len);
	if (!showing->records++) {
		image->shown = digest;
	}
	image->mixed |= memcmp(&image->shown, &digest, sizeof(digest)) != 0;
}

/* Checks that each of the tag images is of this image. */
static void check_tag_image(const char *text, const struct record *record, void *payload)
{
	struct showing *showing = payload;
	struct verify_state *state = showing->state;
	size_t len;
	const char *id = verify_ids_get(&state->image_ids, showing->image, &len);

	take_tag_image(text, record, payload);
	add_name(&showing->names, &record->id);
	if (record->image.len != len || memcmp(record->image.bytes, id, len) != 0) {
		verify_report_fail(state->report, showing->path,
				   "tag image '%s' is of the image '%s'",
				   record->id.bytes, record->image.bytes);
	}
}

static bool is_empty_list(const struct verify_state *state, const uint8_t *blob)
{
	return memcmp(blob, state->empty_list, OBJECT_ID) == 0;
}

/* What the image's former file said is no longer said. */
static void forget_tag_images(struct verify_state *state, uint32_t number,
			      const uint8_t *blob)
{
	struct verify_image *image = &state->image[number];
	struct showing showing = {.state = state, .image = number};

	state->counts.images--;
	state->counts.untagged -= image->untagged;
	state->counts.tag_images -= image->live;
	image->has_json = false;
	image->live = 0;
	image->mixed = false;
	if (!is_empty_list(state, blob) &&
	    verify_state_read(&state->blob, state, blob, NULL)) {
		state->body.told = NULL;
		verify_body_records(&state->body, &state->blob, RECORD_TAG_IMAGE,
				    take_tag_image, &showing);
	}
}

static void learn_tag_images(struct verify_state *state, uint32_t number,
			     const struct verify_tree_change *change)
{
	struct showing showing = {.state = state, .path = change->path, .image = number};
	struct telling telling = {state->report, change->path};
	struct verify_image *image = &state->image[number];

	state->counts.images++;
	image->has_json = true;
	image->untagged = is_empty_list(state, change->new_blob);
	state->counts.untagged += image->untagged;
	if (image->untagged) {
		look_for(state, change->new_blob, change->path);
		return;
	}
	if (!verify_state_read(&state->blob, state, change->new_blob, change->path)) {
		return;
	}
	state->body.told = tell;
	state->body.payload = &telling;
	verify_body_records(&state->body, &state->blob, RECORD_TAG_IMAGE, check_tag_image,
			    &showing);
	image->live = showing.records;
	state->counts.tag_images += showing.records;
	end_names(&showing.names, state, change->path);
	if (!showing.records) {
		verify_report_fail(state->report, change->path, "it has no tag image");
	}
	if (image->mixed) {
		verify_report_fail(state->report, change->path,
				   "its tag images show two texts of the image");
	}
}

static void take_image(struct verify_state *state,
		       const struct verify_tree_change *change)
{
	uint32_t number = verify_state_image(state, change->id, change->id_len);
	struct verify_image *image = &state->image[number];
	bool was_untagged = image->has_json && image->untagged;

	verify_state_touch_image(state, number);
	if (change->kind == VERIFY_TREE_ALBUM_OF) {
		image->has_album = change->new_blob != NULL;
		image->said = change->new_blob
				      ? verify_ids_find(&state->album_blobs,
							change->new_blob, OBJECT_ID)
				      : 0;
		if (change->new_blob) {
			look_for(state, change->new_blob, change->path);
		}
		return;
	}
	if (change->old_blob) {
		forget_tag_images(state, number, change->old_blob);
	}
	if (change->new_blob) {
		learn_tag_images(state, number, change);
	}
	if (was_untagged != (image->has_json && image->untagged)) {
		verify_state_touch_album(state, image->album);
	}
}

static void take(const struct verify_tree_change *change, void *payload)
{
	struct verify_state *state = payload;

	switch (change->kind) {
	case VERIFY_TREE_TAG:
		take_tag(state, change);
		break;
	case VERIFY_TREE_IMAGES:
	case VERIFY_TREE_UNTAGGED:
		take_list(state, change);
		break;
	case VERIFY_TREE_TAG_IMAGES:
	case VERIFY_TREE_ALBUM_OF:
		take_image(state, change);
		break;
	}
}

void verify_state_step(struct verify_state *state, const uint8_t *from,
		       const uint8_t to[OBJECT_ID])
{
	verify_tree_walk(state->store, state->report, from, to, take, state);
	verify_state_settle(state);
}
