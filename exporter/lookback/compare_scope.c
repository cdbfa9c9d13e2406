/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "exporter/git/tree/pathset.h"
#include "exporter/lookback/compare_inner.h"
#include "exporter/snapshot/response.h"

/*
 * A comparison in a scope goes straight to the few paths that have to do with it.
 *
 * One image. Its tag images hold its text, so their file tells whether it changed.
 * Only an image that is untagged on both sides has its text elsewhere: in the list of
 * its album's untagged images, which is the shorter one.
 *
 * One album. Which of its images have other tag images? The two snapshots are mostly
 * neighbours, which differ in few files: those are looked at for whether they are of
 * the album, without reading them, as the file that names an image's album is the
 * same blob for all of them. Where more than NEIGHBOURS files differ, the album
 * is likely to be the smaller set, and its images are looked up one by one.
 */

#define NEIGHBOURS 1000

/* Paths, and what is found there on one side. */
struct places {
	struct pathset paths;
	uint8_t (*blob)[OBJECT_ID]; /* zeros: no file */
};

static void add_path(struct compare *c, struct pathset *paths, enum query_response row,
		     const struct body_text *id)
{
	buf_clear(&c->path);
	response_snapshot_path(&c->path, response_of(row), id->data, id->len);
	pathset_add(paths, c->path.data);
}

static int compare_paths(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static uint8_t *blob_at(const struct places *places, const char *path)
{
	const struct pathset *paths = &places->paths;
	char **found = bsearch(&path, paths->path, paths->count, sizeof(*paths->path),
			       compare_paths);

	return places->blob[found - paths->path];
}

static int see_blob(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		    void *payload)
{
	(void)old_blob;
	memcpy(blob_at(payload, path), new_blob, OBJECT_ID);
	return 0;
}

/* Finds the places on one side. */
static int find(struct compare *c, struct places *places, int side)
{
	free(places->blob);
	places->blob = xzalloc((places->paths.count + 1) * sizeof(*places->blob));
	return pathset_diff(&places->paths, history_trees(c->history), NULL,
			    c->tree[side], see_blob, places, c->err);
}

/* What was found of a row about an id: it is one of the paths. */
static const uint8_t *found(struct compare *c, const struct places *places,
			    enum query_response row, const struct body_text *id)
{
	buf_clear(&c->path);
	response_snapshot_path(&c->path, response_of(row), id->data, id->len);
	return blob_at(places, c->path.data);
}

static void places_release(struct places *places)
{
	pathset_release(&places->paths);
	free(places->blob);
}

/* Finds one file. */
static int find_one(struct compare *c, uint8_t blob[OBJECT_ID], int side,
		    enum query_response row, const struct body_text *id)
{
	struct places places = {0};
	int rc;

	add_path(c, &places.paths, row, id);
	rc = find(c, &places, side);
	memcpy(blob, places.blob[0], OBJECT_ID);
	places_release(&places);
	return rc;
}

/* Notes what differs in these files. */
static int note(struct compare *c, struct pathset *paths)
{
	return pathset_diff(paths, history_trees(c->history), c->tree[0], c->tree[1],
			    compare_note, c, c->err);
}

static bool same_blob(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, OBJECT_ID) == 0;
}

static int note_tag(struct compare *c, const struct body_text *id)
{
	struct pathset paths = {0};
	int rc;

	add_path(c, &paths, QUERY_TAG, id);
	rc = note(c, &paths);
	pathset_release(&paths);
	return rc;
}

/* Notes the tags that the noted tag images show. */
static int note_tags_shown(struct compare *c)
{
	struct compare_list tags = {0};
	struct pathset paths = {0};
	int rc = compare_pairs_tags(c, &tags);

	for (size_t i = 0; !rc && i < tags.count; i++) {
		const struct compare_record *tag = &tags.record[i];
		struct body_text id = compare_list_text(&tags, tag->id, tag->id_len);

		add_path(c, &paths, QUERY_TAG, &id);
	}
	if (!rc) {
		rc = note(c, &paths);
	}
	pathset_release(&paths);
	compare_list_release(&tags);
	return rc;
}

/* Finds the image among the elements of a body. */
static bool find_image(struct compare *c, struct body_text *text,
		       const struct compare_body *body, const struct body_text *image)
{
	struct body_text id;
	bool found = false;

	buf_clear(&c->path);
	json_quote(&c->path, image->data, image->len);
	for (size_t i = 0; !found && i < body->elements.count; i++) {
		*text = compare_element(body, i);
		found = memmem(text->data, text->len, c->path.data, c->path.len) &&
			compare_record_id(c, &id, text) == 0 && id.len == image->len &&
			memcmp(id.data, image->data, id.len) == 0;
	}
	return found;
}

/* A snapshot has both files of an image or neither. Without the one that names its album
 * nobody can tell what the image has to do with an album: that is no reason to pass
 * over it. */
static int check_both(struct compare *c, const uint8_t *tag_images, const uint8_t *album,
		      const struct body_text *image)
{
	if (compare_is_none(tag_images) == compare_is_none(album)) {
		return 0;
	}
	if (compare_is_none(tag_images)) {
		return compare_bad(c, QUERY_TAG_IMAGES, image);
	}
	return err_set(c->err, ERR_INPUT,
		       "a snapshot does not say which album image '%.*s' lies in: it was "
		       "made by an older albumen, or is damaged; `albumen-exporter "
		       "verify` tells",
		       (int)image->len, image->data);
}

/* An image on one side. */
struct image_side {
	int side;
	uint8_t tag_images[OBJECT_ID], album[OBJECT_ID]; /* none: no such image */
};

/* Makes it of what was found there; both files must be among the places. */
static int image_find(struct compare *c, struct image_side *at,
		      const struct places *places, const struct body_text *image)
{
	memcpy(at->tag_images, found(c, places, QUERY_TAG_IMAGES, image), OBJECT_ID);
	memcpy(at->album, found(c, places, QUERY_ALBUM_OF, image), OBJECT_ID);
	return check_both(c, at->tag_images, at->album, image);
}

static bool is_untagged(const struct compare *c, const struct image_side *at)
{
	return same_blob(at->tag_images, c->empty);
}

/* Notes the text of the image on one side, if it has it. */
static int note_image_side(struct compare *c, const struct body_text *image,
			   const struct image_side *at)
{
	struct compare_body *body = &c->body[1];
	struct buf name = {0};
	struct body_text album, text, tag_image;
	uint8_t list[OBJECT_ID];
	int rc;

	if (compare_is_none(at->album)) {
		return 0;
	}
	rc = compare_album_read(c, &name, at->album, image);
	album = (struct body_text){name.data, name.len};
	if (!rc && !is_untagged(c, at)) {
		rc = compare_body_read(c, body, at->tag_images, QUERY_TAG_IMAGES, image);
		if (!rc) {
			tag_image = compare_element(body, 0);
			rc = compare_embedded(c, &text, &tag_image, "\"image\"")
				     ? compare_bad(c, QUERY_TAG_IMAGES, image)
				     : 0;
		}
	} else if (!rc) {
		rc = find_one(c, list, at->side, QUERY_UNTAGGED, &album);
		if (!rc) {
			rc = compare_body_read(c, body, list, QUERY_UNTAGGED, &album);
		}
		if (!rc && !find_image(c, &text, body, image)) {
			rc = compare_bad(c, QUERY_UNTAGGED, &album);
		}
	}
	if (!rc) {
		compare_list_add(&c->images, at->side == 1, image, &album, &text);
	}
	buf_release(&name);
	return rc;
}

/* Notes the image, which is untagged and in one album on both sides. */
static int note_untagged(struct compare *c, const struct body_text *image,
			 const struct image_side at[2])
{
	struct buf name = {0};
	struct body_text album, text;
	uint8_t list[2][OBJECT_ID] = {{0}, {0}};
	int rc = compare_album_read(c, &name, at[0].album, image);

	album = (struct body_text){name.data, name.len};
	for (int side = 0; !rc && side < 2; side++) {
		rc = find_one(c, list[side], side, QUERY_UNTAGGED, &album);
	}
	if (!rc && !same_blob(list[0], list[1])) {
		for (int side = 0; !rc && side < 2; side++) {
			rc = compare_body_read(c, &c->body[side], list[side],
					       QUERY_UNTAGGED, &album);
		}
		if (!rc) {
			compare_body_differ(&c->body[0], &c->body[1]);
		}
		for (int side = 0; !rc && side < 2; side++) {
			if (find_image(c, &text, &c->body[side], image)) {
				compare_list_add(&c->images, side == 1, image, &album,
						 &text);
			}
		}
	}
	buf_release(&name);
	return rc;
}

static int note_image(struct compare *c, const struct body_text *image)
{
	struct image_side at[2] = {{.side = 0}, {.side = 1}};
	struct places places = {0};
	int rc = 0;

	add_path(c, &places.paths, QUERY_TAG_IMAGES, image);
	add_path(c, &places.paths, QUERY_ALBUM_OF, image);
	for (int side = 0; !rc && side < 2; side++) {
		rc = find(c, &places, side);
		if (!rc) {
			rc = image_find(c, &at[side], &places, image);
		}
	}
	places_release(&places);
	if (rc) {
		return rc;
	}
	if (same_blob(at[0].tag_images, at[1].tag_images) &&
	    same_blob(at[0].album, at[1].album)) {
		return is_untagged(c, &at[0]) ? note_untagged(c, image, at) : 0;
	}
	compare_pair_add(c, image, at[0].tag_images, at[1].tag_images);
	for (int side = 0; !rc && side < 2; side++) {
		rc = note_image_side(c, image, &at[side]);
	}
	return rc ? rc : note_tags_shown(c);
}

/* Where an image has come into the album or left it, it may be in another one on the
 * other side. */
static int note_moves(struct compare *c)
{
	const struct compare_record *before, *after, *any;
	struct compare_list lone = {0};
	struct body_text none = {0};
	struct places places = {0};
	size_t at = 0;
	int rc = 0;

	compare_list_sort(&c->images);
	while ((any = compare_list_next(&c->images, &at, &before, &after))) {
		struct body_text id = compare_list_text(&c->images, any->id, any->id_len);

		if (!before || !after) {
			compare_list_add(&lone, !any->after, &id, &none, &none);
			add_path(c, &places.paths, QUERY_TAG_IMAGES, &id);
			add_path(c, &places.paths, QUERY_ALBUM_OF, &id);
		}
	}
	for (int side = 0; !rc && side < 2; side++) {
		rc = find(c, &places, side);
		for (size_t i = 0; !rc && i < lone.count; i++) {
			const struct compare_record *record = &lone.record[i];
			struct body_text id =
				compare_list_text(&lone, record->id, record->id_len);
			struct image_side there = {.side = side};

			if (record->after != (side == 1)) {
				continue;
			}
			rc = image_find(c, &there, &places, &id);
			if (!rc) {
				rc = note_image_side(c, &id, &there);
			}
		}
	}
	places_release(&places);
	compare_list_release(&lone);
	return rc;
}

/* Differing files, and which of them are of images of one album. */
struct near {
	struct compare *c;
	uint8_t album[OBJECT_ID]; /* the blob that names it */
	struct buf image;         /* of the last differing N.album ... */
	bool inside;              /* ... is or was one of the album's */
	bool said[2];             /* ... was there, is there */
	size_t count;
};

/* Whether the image, whose tag images differ, is or was one of the album's. */
static int look_near(struct near *near, const struct body_text *id,
		     const uint8_t *old_blob, const uint8_t *new_blob, bool *inside)
{
	static const uint8_t none[OBJECT_ID];
	const uint8_t *blob[2] = {old_blob ? old_blob : none, new_blob ? new_blob : none};
	struct compare *c = near->c;
	uint8_t album[OBJECT_ID];
	int rc = 0;

	if (near->image.len != id->len ||
	    memcmp(near->image.data, id->data, id->len) != 0) {
		/* It is the same file on both sides, or there is none. */
		rc = find_one(c, album, new_blob ? 1 : 0, QUERY_ALBUM_OF, id);
		*inside = !rc && same_blob(album, near->album);
		for (int side = 0; !rc && side < 2; side++) {
			rc = check_both(c, blob[side], album, id);
		}
		return rc;
	}
	*inside = near->inside;
	for (int side = 0; !rc && side < 2; side++) {
		rc = check_both(c, blob[side], near->said[side] ? near->album : none, id);
	}
	return rc;
}

#define TOO_MANY 1 /* ends the walk: no error, which is negative */

static int see_near(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		    void *payload)
{
	struct near *near = payload;
	struct compare *c = near->c;
	enum query_response row = compare_path(&c->id, path);
	struct body_text id = {c->id.data, c->id.len};
	bool inside;
	int rc;

	if (++near->count > NEIGHBOURS) {
		return TOO_MANY;
	}
	if (row == QUERY_ALBUM_OF) {
		/* N.album and N.json are neighbours in a tree, in this order. */
		buf_clear(&near->image);
		buf_add(&near->image, id.data, id.len);
		near->inside = (old_blob && same_blob(old_blob, near->album)) ||
			       (new_blob && same_blob(new_blob, near->album));
		near->said[0] = old_blob;
		near->said[1] = new_blob;
	} else if (row == QUERY_TAG_IMAGES) {
		rc = look_near(near, &id, old_blob, new_blob, &inside);
		if (rc) {
			return rc;
		}
		if (inside) {
			compare_pair_add(c, &id, old_blob, new_blob);
		}
	}
	return 0;
}

/* Notes the tag images of the album's images, one by one. */
static int note_each(struct compare *c, uint8_t list[2][OBJECT_ID],
		     const struct body_text *album)
{
	struct pathset paths = {0};
	int rc = 0;

	for (int side = 0; !rc && side < 2; side++) {
		const struct compare_body *body = &c->body[0];

		rc = compare_body_read(c, &c->body[0], list[side], QUERY_IMAGES, album);
		for (size_t i = 0; !rc && i < body->elements.count; i++) {
			struct body_text text = compare_element(body, i);
			struct body_text id;

			if (compare_record_id(c, &id, &text) != 0) {
				rc = compare_bad(c, QUERY_IMAGES, album);
			} else {
				add_path(c, &paths, QUERY_TAG_IMAGES, &id);
			}
		}
	}
	if (!rc) {
		rc = note(c, &paths);
	}
	pathset_release(&paths);
	return rc;
}

static int note_tag_images(struct compare *c, uint8_t list[2][OBJECT_ID],
			   const struct body_text *album)
{
	static const char *const folder[] = {"api/v1/tag_images/"};
	const struct tree_paths only = {.path = folder, .count = 1};
	struct near near = {.c = c};
	int rc;

	buf_clear(&c->path);
	json_quote(&c->path, album->data, album->len);
	object_hash(near.album, OBJECT_BLOB, c->path.data, c->path.len);
	rc = tree_diff_paths(history_trees(c->history), c->tree[0], c->tree[1], &only,
			     see_near, &near, c->err);
	buf_release(&near.image);
	if (rc == TOO_MANY) {
		c->pair_count = 0;
		buf_clear(&c->ids);
		rc = note_each(c, list, album);
	}
	return rc;
}

static int note_album(struct compare *c, const struct body_text *album)
{
	uint8_t list[2][OBJECT_ID] = {{0}, {0}};
	int rc = 0;

	for (int side = 0; !rc && side < 2; side++) {
		rc = find_one(c, list[side], side, QUERY_IMAGES, album);
	}
	if (rc || (compare_is_none(list[0]) && compare_is_none(list[1]))) {
		return rc;
	}
	if (!same_blob(list[0], list[1])) {
		rc = compare_note_album(c, list[0], list[1], album);
		if (!rc) {
			rc = note_moves(c);
		}
	}
	if (!rc) {
		rc = note_tag_images(c, list, album);
	}
	return rc ? rc : note_tags_shown(c);
}

int compare_scope_note(struct compare *c, const struct compare_scope *scope)
{
	const char *id = scope->album   ? scope->album
			 : scope->image ? scope->image
					: scope->tag;
	const struct body_text text = {id, strlen(id)};

	if (scope->album) {
		return note_album(c, &text);
	}
	return scope->image ? note_image(c, &text) : note_tag(c, &text);
}
