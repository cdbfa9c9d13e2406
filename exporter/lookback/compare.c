/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/compare.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/log.h"
#include "data/format/json_print.h"
#include "exporter/lookback/findings.h"
#include "exporter/snapshot/response.h"

/*
 * Trees say which files differ, in the order of their shards; events come by id. So
 * what differs is noted first: the texts of tags and images on the sides that have
 * them, and the blobs of tag images.
 *
 * The file of an image's tag images changes also when the image or a tag in it does,
 * so its elements are compared in the form that has neither (compare.h). There may be
 * a million such files: they are noted by their blobs, and read one image at a time
 * when they are reported.
 */

/* A file that holds an array, on one side. */
struct side {
	struct body body;
	struct body_text *element; /* those that are left to compare */
	size_t count, cap;
};

struct compare {
	struct history *history;
	const uint8_t *tree[2]; /* before (NULL: nothing) and after */
	compare_event_fn *each;
	void *payload;
	struct err *err;
	struct findings tags, images;
	struct findings pairs; /* images whose tag images differ; text: the two blobs */
	struct findings *only; /* the images to note, by side; NULL: all */
	size_t only_noted;     /* how many of them were noted */
	struct side side[2];
	const struct compare_scope *scope; /* may be NULL */
	uint64_t skipped;
	/* scratch */
	struct body_object object, image, tag;
	struct findings tag_images; /* of one image; of: the tag */
	struct buf id, own;
	struct buf album; /* of the last find_image */
};

static bool is_none(const uint8_t *blob)
{
	static const uint8_t none[OBJECT_ID];

	return !blob || memcmp(blob, none, OBJECT_ID) == 0;
}

/* --- what a snapshot lacks --- */

#define WARNINGS_MAX 10

static void skip(struct compare *c, const char *path)
{
	if (c->skipped++ < WARNINGS_MAX) {
		log_warning(
			"'%s' is not compared: one of the snapshots lacks it, as it is "
			"larger than %zu MiB",
			path, RESPONSE_MAX >> 20);
	}
	if (c->scope->skipped) {
		(*c->scope->skipped)++;
	}
}

static bool does_lack(const struct compare *c, int side, const char *path)
{
	return c->scope && c->scope->lacks[side] &&
	       oversize_has(c->scope->lacks[side], path);
}

/* Whether a snapshot lacks the file about `id`, which is then skipped. */
static bool skips(struct compare *c, int side, enum query_response kind,
		  const struct body_text *id)
{
	struct buf path = {0};
	bool lacks;

	if (!c->scope || !c->scope->lacks[side] || !c->scope->lacks[side]->count) {
		return false;
	}
	response_snapshot_path(&path, response_of(kind), id->data, id->len);
	lacks = does_lack(c, side, path.data);
	if (lacks) {
		skip(c, path.data);
	}
	buf_release(&path);
	return lacks;
}

/* --- arrays --- */

static int side_read(struct compare *c, struct side *side, const uint8_t *blob,
		     enum query_response kind, const struct body_text *id)
{
	struct body *body = &side->body;
	int rc;

	side->count = 0;
	if (is_none(blob) || body_is_empty(blob)) {
		return 0;
	}
	rc = body_read(body, c->history, blob, kind, id, c->err);
	if (rc) {
		return rc;
	}
	if (body->count > side->cap) {
		side->cap = body->count;
		side->element =
			xreallocarray(side->element, side->cap, sizeof(*side->element));
	}
	side->count = body->count;
	for (size_t i = 0; i < side->count; i++) {
		side->element[i] = body_element(body, i);
	}
	return 0;
}

static int compare_elements(const void *left, const void *right)
{
	const struct body_text *a = left, *b = right;

	if (a->len != b->len) {
		return a->len < b->len ? -1 : 1;
	}
	return memcmp(a->data, b->data, a->len);
}

/* Leaves the elements from `begin` to `end`, in the order of their texts. */
static void side_cut(struct side *side, size_t begin, size_t end)
{
	side->count = end - begin;
	if (side->count) {
		memmove(side->element, side->element + begin,
			side->count * sizeof(*side->element));
		qsort(side->element, side->count, sizeof(*side->element),
		      compare_elements);
	}
}

/* Leaves the elements of each side that the other does not have. Most files differ in
 * a few elements, so what they have in common at both ends is dropped first. */
static void sides_differ(struct side *a, struct side *b)
{
	size_t begin = 0, a_end = a->count, b_end = b->count;
	size_t i = 0, j = 0, a_kept = 0, b_kept = 0;

	while (begin < a_end && begin < b_end &&
	       body_text_equal(&a->element[begin], &b->element[begin])) {
		begin++;
	}
	while (a_end > begin && b_end > begin &&
	       body_text_equal(&a->element[a_end - 1], &b->element[b_end - 1])) {
		a_end--;
		b_end--;
	}
	side_cut(a, begin, a_end);
	side_cut(b, begin, b_end);
	while (i < a->count || j < b->count) {
		int order = i == a->count ? 1
			    : j == b->count
				    ? -1
				    : compare_elements(&a->element[i], &b->element[j]);

		if (order < 0) {
			a->element[a_kept++] = a->element[i++];
		} else if (order > 0) {
			b->element[b_kept++] = b->element[j++];
		} else {
			i++;
			j++;
		}
	}
	a->count = a_kept;
	b->count = b_kept;
}

/* Reads both sides of a file and leaves what differs. */
static int sides_read(struct compare *c, const uint8_t *old_blob, const uint8_t *new_blob,
		      enum query_response kind, const struct body_text *id)
{
	int rc = side_read(c, &c->side[0], old_blob, kind, id);

	rc = rc ? rc : side_read(c, &c->side[1], new_blob, kind, id);
	if (!rc) {
		sides_differ(&c->side[0], &c->side[1]);
	}
	return rc;
}

static int side_fail(struct compare *c, int side, const char *problem)
{
	c->side[side].body.problem = problem;
	return body_fail(&c->side[side].body, c->err);
}

/* --- noting what differs --- */

static int note_images(struct compare *c, const uint8_t *old_blob,
		       const uint8_t *new_blob, enum query_response kind,
		       const struct body_text *album)
{
	int rc = sides_read(c, old_blob, new_blob, kind, album);

	for (int side = 0; !rc && side < 2; side++) {
		for (size_t i = 0; i < c->side[side].count; i++) {
			struct finding finding = {.after = side == 1,
						  .of = *album,
						  .text = c->side[side].element[i]};

			if (!body_object(&c->object, &finding.text) ||
			    !body_id(&c->object, &finding.id)) {
				return side_fail(c, side, "an image has no id");
			}
			if (!c->only ||
			    findings_find(c->only, &finding.id, finding.after)) {
				findings_add(&c->images, &finding);
				c->only_noted++;
			}
		}
	}
	return rc;
}

static int note_tag(struct compare *c, const uint8_t *old_blob, const uint8_t *new_blob,
		    const struct body_text *id)
{
	const uint8_t *const blob[] = {old_blob, new_blob};
	struct body *body = &c->side[0].body;
	uint64_t count;
	int rc = 0;

	for (int side = 0; !rc && side < 2; side++) {
		if (is_none(blob[side])) {
			continue;
		}
		rc = body_read(body, c->history, blob[side], QUERY_TAG, id, c->err);
		if (!rc && !body_tag(body, &count)) {
			rc = body_fail(body, c->err);
		}
		if (!rc) {
			findings_add(&c->tags,
				     &(struct finding){.after = side == 1,
						       .id = *id,
						       .text = body->record.text});
		}
	}
	return rc;
}

static void note_pair(struct compare *c, const uint8_t *old_blob, const uint8_t *new_blob,
		      const struct body_text *image)
{
	const uint8_t *const blob[] = {old_blob, new_blob};
	uint8_t pair[2][OBJECT_ID] = {{0}, {0}};

	for (int side = 0; side < 2; side++) {
		if (blob[side] && !body_is_empty(blob[side])) {
			memcpy(pair[side], blob[side], OBJECT_ID);
		}
	}
	if (!is_none(pair[0]) || !is_none(pair[1])) {
		findings_add(&c->pairs, &(struct finding){.id = *image,
							  .text = {(const char *)pair,
								   sizeof(pair)}});
	}
}

/* A tree_diff_fn. */
static int note_file(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		     void *payload)
{
	struct compare *c = payload;
	enum query_response kind = body_path(&c->id, path);
	const struct body_text id = {c->id.data, c->id.len};

	if ((!old_blob && does_lack(c, 0, path)) ||
	    (!new_blob && does_lack(c, 1, path))) {
		/* Of the list of untagged images nothing is wanted, mostly. */
		if (kind != QUERY_UNTAGGED || c->only) {
			skip(c, path);
		}
		return 0;
	}
	switch (kind) {
	case QUERY_IMAGES:
		return note_images(c, old_blob, new_blob, kind, &id);
	case QUERY_UNTAGGED:
		/* All images are in images.json, too. */
		return c->only ? note_images(c, old_blob, new_blob, kind, &id) : 0;
	case QUERY_TAG:
		return note_tag(c, old_blob, new_blob, &id);
	case QUERY_TAG_IMAGES:
		note_pair(c, old_blob, new_blob, &id);
		return 0;
	default:
		return 0;
	}
}

/* --- tag images --- */

/* Opens the object in a member of c->object. */
static bool open_member(struct compare *c, struct body_object *object,
			struct body_text *id, const char *name)
{
	const struct body_text text = body_member(&c->object, name);

	return body_object(object, &text) && body_id(object, id);
}

/* Notes a tag image in the form of compare.h. */
static bool note_tag_image(struct compare *c, int side, const struct body_text *text)
{
	struct finding finding = {.after = side == 1, .shown = *text};
	struct body_text image;
	bool plain;

	if (!body_object(&c->object, text) || !body_id(&c->object, &finding.id) ||
	    !open_member(c, &c->image, &image, "image") ||
	    !open_member(c, &c->tag, &finding.of, "tag")) {
		return false;
	}
	plain = body_member(&c->object, "image_id").data ||
		body_member(&c->object, "tag_id").data;
	buf_clear(&c->own);
	json_print_open(&c->own, NULL, '{');
	for (size_t i = 0; i < c->object.members.count; i++) {
		const struct json_member *m = &c->object.members.member[i];
		const char *value = text->data + m->value.off;

		if (value == c->image.text.data) {
			json_print_bytes(&c->own, plain ? "image" : "image_id",
					 image.data, image.len);
		} else if (value == c->tag.text.data) {
			json_print_bytes(&c->own, plain ? "tag" : "tag_id",
					 finding.of.data, finding.of.len);
		} else {
			json_print_name(&c->own, NULL);
			buf_add(&c->own, text->data + m->key.off,
				m->value.off + m->value.len - m->key.off);
		}
	}
	buf_addch(&c->own, '}');
	finding.text = (struct body_text){c->own.data, c->own.len};
	findings_add(&c->tag_images, &finding);
	return true;
}

/* Notes the tag images of a pair that differ, in order. */
static int read_pair(struct compare *c, const struct finding *pair)
{
	const uint8_t *blob = (const uint8_t *)pair->text.data;
	int rc = sides_read(c, blob, blob + OBJECT_ID, QUERY_TAG_IMAGES, &pair->id);

	findings_clear(&c->tag_images);
	for (int side = 0; !rc && side < 2; side++) {
		for (size_t i = 0; !rc && i < c->side[side].count; i++) {
			if (!note_tag_image(c, side, &c->side[side].element[i])) {
				rc = side_fail(c, side,
					       "a tag image has no id, image or tag");
			}
		}
	}
	findings_sort(&c->tag_images);
	return rc;
}

/* --- scopes --- */

/* Notes what differs in these files. */
static int note_paths(struct compare *c, struct pathset *paths)
{
	return pathset_diff(paths, history_trees(c->history), response_walk_fault,
			    c->tree[0], c->tree[1], note_file, c, c->err);
}

/* The blob of a file on one side; zeros: there is none. */
static int find(struct compare *c, uint8_t blob[OBJECT_ID], int side,
		enum query_response kind, const struct body_text *id)
{
	int rc = body_find(blob, c->history, c->tree[side], kind, id, c->err);

	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Notes the tags that differing tag images show. */
static int note_tags_shown(struct compare *c)
{
	struct pathset paths = {0};
	int rc = 0;

	for (size_t i = 0; !rc && i < c->pairs.count; i++) {
		rc = read_pair(c, &c->pairs.finding[i]);
		for (size_t j = 0; !rc && j < c->tag_images.count; j++) {
			body_add_path(&paths, QUERY_TAG, &c->tag_images.finding[j].of);
		}
	}
	rc = rc ? rc : note_paths(c, &paths);
	pathset_release(&paths);
	return rc;
}

/* An image on one side: its files, zeros if there is no such image. */
struct place {
	uint8_t album_of[OBJECT_ID], tag_images[OBJECT_ID];
	struct body_text album; /* in c->album, until the next find_image */
};

static int find_image(struct compare *c, struct place *place, int side,
		      const struct body_text *image)
{
	struct body *body = &c->side[0].body;
	struct body_text album;
	int rc = find(c, place->album_of, side, QUERY_ALBUM_OF, image);

	rc = rc ? rc : find(c, place->tag_images, side, QUERY_TAG_IMAGES, image);
	if (rc || (is_none(place->album_of) && is_none(place->tag_images))) {
		return rc;
	}
	if (is_none(place->album_of)) {
		return err_set(
			c->err, ERR_INPUT,
			"a snapshot does not say which album image '%.*s' lies in: "
			"it was made by an older albumen, or is damaged "
			"(`albumen-exporter verify` finds out)",
			(int)image->len, image->data);
	}
	rc = body_read(body, c->history, place->album_of, QUERY_ALBUM_OF, image, c->err);
	if (!rc && !body_album(body, &album)) {
		rc = body_fail(body, c->err);
	}
	if (!rc) {
		buf_clear(&c->album);
		buf_add(&c->album, album.data, album.len);
		place->album = (struct body_text){c->album.data, c->album.len};
	}
	return rc;
}

/* Notes these images, and only these, in the albums' lists. `expected` of them must be
 * found. */
static int note_only(struct compare *c, struct pathset *lists, struct findings *images,
		     size_t expected)
{
	int rc;

	findings_sort(images);
	c->only = images;
	c->only_noted = 0;
	rc = note_paths(c, lists);
	c->only = NULL;
	if (!rc && c->only_noted < expected) {
		rc = err_set(c->err, ERR_INPUT,
			     "a snapshot contradicts itself: an image such as '%s' is "
			     "not in the lists of its album; `albumen-exporter verify` "
			     "checks the whole repository",
			     images->finding[0].id.data);
	}
	return rc;
}

/* Notes an image that is tagged on one side: its tag images hold its text. */
static int note_tagged(struct compare *c, int side, const struct place *place,
		       const struct body_text *image)
{
	struct finding finding = {.after = side == 1, .id = *image, .of = place->album};
	struct side *tagged = &c->side[side];
	int rc = side_read(c, tagged, place->tag_images, QUERY_TAG_IMAGES, image);

	if (rc) {
		return rc;
	}
	if (tagged->count && body_object(&c->object, &tagged->element[0])) {
		finding.text = body_member(&c->object, "image");
	}
	if (!finding.text.data) {
		return side_fail(c, side, "a tag image has no image");
	}
	findings_add(&c->images, &finding);
	return 0;
}

/* Whether a snapshot lacks the file that holds the image's text, and which tells what it is
 * tagged with. */
static int skips_image(struct compare *c, const struct body_text *image, bool *skipped)
{
	int rc = 0;

	for (int side = 0; !rc && !*skipped && side < 2; side++) {
		struct place place = {0};

		if (!c->scope->lacks[side] || !c->scope->lacks[side]->count) {
			continue;
		}
		rc = find_image(c, &place, side, image);
		if (rc || is_none(place.album_of)) {
			continue;
		}
		*skipped = body_is_empty(place.tag_images)
				   ? skips(c, side, QUERY_UNTAGGED, &place.album)
				   : skips(c, side, QUERY_TAG_IMAGES, image);
	}
	return rc;
}

/* If the image is untagged, only the lists of its album hold its text. The list of the
 * untagged images is the shorter one. */
static int note_image(struct compare *c, const struct body_text *image)
{
	struct place place[2] = {0};
	struct pathset lists = {0};
	struct findings sides = {0};
	size_t expected = 0;
	bool skipped = false;
	int rc = skips_image(c, image, &skipped);

	if (rc || skipped) {
		return rc;
	}

	for (int side = 0; !rc && side < 2; side++) {
		findings_add(&sides, &(struct finding){.after = side == 1, .id = *image});
		rc = find_image(c, &place[side], side, image);
		if (!rc && body_is_empty(place[side].tag_images)) {
			body_add_path(&lists, QUERY_UNTAGGED, &place[side].album);
			expected++;
		} else if (!rc && !is_none(place[side].tag_images)) {
			rc = note_tagged(c, side, &place[side], image);
		}
	}
	/* If it is untagged in the same album on both sides, it may have no difference. */
	if (memcmp(place[0].album_of, place[1].album_of, OBJECT_ID) == 0 &&
	    expected == 2) {
		expected = 0;
	}
	rc = rc ? rc : note_only(c, &lists, &sides, expected);
	note_pair(c, place[0].tag_images, place[1].tag_images, image);
	pathset_release(&lists);
	findings_release(&sides);
	return rc ? rc : note_tags_shown(c);
}

/* Adds what compare_scope::album_paths would have. */
static int add_album_paths(struct compare *c, struct pathset *paths,
			   const struct body_text *album)
{
	struct body *body = &c->side[1].body;
	int rc = body_load(body, c->history, c->tree[1], QUERY_IMAGES, album, c->err);

	body_add_path(paths, QUERY_IMAGES, album);
	rc = rc ? rc : body_add_images(body, paths, c->err);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Images that are in the album on one side alone may be in another one on the other:
 * notes them there. Notes the tag images of those that left it. */
static int note_moved(struct compare *c)
{
	const struct finding *before, *after, *any;
	struct pathset lists = {0}, own = {0};
	struct findings lone = {0};
	struct place place = {0};
	size_t at = 0, expected = 0;
	int rc = 0;

	findings_sort(&c->images);
	while ((any = findings_next(&c->images, &at, &before, &after))) {
		if (!before || !after) {
			findings_add(&lone,
				     &(struct finding){.after = !after, .id = any->id});
		}
	}
	for (size_t i = 0; !rc && i < lone.count; i++) {
		const struct finding *image = &lone.finding[i];

		rc = find_image(c, &place, image->after, &image->id);
		if (!rc && !is_none(place.album_of) &&
		    !skips(c, image->after, QUERY_IMAGES, &place.album)) {
			body_add_path(&lists, QUERY_IMAGES, &place.album);
			expected++;
		}
		if (image->after) {
			body_add_path(&own, QUERY_TAG_IMAGES, &image->id);
		}
	}
	if (!rc && lone.count) {
		rc = note_only(c, &lists, &lone, expected);
	}
	rc = rc ? rc : note_paths(c, &own);
	pathset_release(&lists);
	pathset_release(&own);
	findings_release(&lone);
	return rc;
}

static int note_album(struct compare *c, const struct body_text *album,
		      struct pathset *paths)
{
	struct pathset own = {0};
	int rc = paths ? 0 : add_album_paths(c, &own, album);

	rc = rc ? rc : note_paths(c, paths ? paths : &own);
	rc = rc ? rc : note_moved(c);
	pathset_release(&own);
	return rc ? rc : note_tags_shown(c);
}

static int note_scope(struct compare *c, const struct compare_scope *scope)
{
	const char *id = scope->album   ? scope->album
			 : scope->image ? scope->image
					: scope->tag;
	const struct body_text text = {id, strlen(id)};
	struct pathset paths = {0};
	int rc;

	if (scope->album) {
		return note_album(c, &text, scope->album_paths);
	}
	if (scope->image) {
		return note_image(c, &text);
	}
	body_add_path(&paths, QUERY_TAG, &text);
	rc = note_paths(c, &paths);
	pathset_release(&paths);
	return rc;
}

/* --- reporting --- */

static enum compare_kind tag_kind(const struct compare_event *event)
{
	if (!event->before.data) {
		return COMPARE_TAG_APPEARED;
	}
	if (!event->after.data) {
		return COMPARE_TAG_DISAPPEARED;
	}
	return compare_member_differs(event, "name") ||
			       compare_member_differs(event, "label")
		       ? COMPARE_TAG_RENAMED
		       : COMPARE_TAG_CHANGED;
}

/* Reports the findings that differ. `image` has the tag images; NULL: they are tags
 * or images. */
static int report(struct compare *c, struct findings *findings,
		  const struct body_text *image)
{
	const struct finding *before, *after, *any;
	size_t at = 0;
	int rc = 0;

	findings_sort(findings);
	while (!rc && (any = findings_next(findings, &at, &before, &after))) {
		struct compare_event event = {0};

		if (before) {
			event.before = before->text;
		}
		if (after) {
			event.after = after->text;
		}
		if (image) {
			event.image = *image;
			event.tag_image = any->id;
			event.tag = any->of;
			event.shown = any->shown;
			event.kind = !before  ? COMPARE_TAGGED
				     : !after ? COMPARE_UNTAGGED
					      : COMPARE_TAG_IMAGE_CHANGED;
		} else if (findings == &c->images) {
			event.image = any->id;
			event.album = any->of;
			event.kind = !before  ? COMPARE_IMAGE_APPEARED
				     : !after ? COMPARE_IMAGE_DISAPPEARED
					      : COMPARE_IMAGE_CHANGED;
		} else {
			event.tag = any->id;
			event.kind = tag_kind(&event);
		}
		rc = c->each(&event, c->payload);
	}
	return rc;
}

static int report_all(struct compare *c)
{
	int rc = report(c, &c->tags, NULL);

	rc = rc ? rc : report(c, &c->images, NULL);
	findings_sort(&c->pairs);
	for (size_t i = 0; !rc && i < c->pairs.count; i++) {
		rc = read_pair(c, &c->pairs.finding[i]);
		rc = rc ? rc : report(c, &c->tag_images, &c->pairs.finding[i].id);
	}
	return rc;
}

static void release(struct compare *c)
{
	findings_release(&c->tags);
	findings_release(&c->images);
	findings_release(&c->pairs);
	findings_release(&c->tag_images);
	for (int side = 0; side < 2; side++) {
		body_release(&c->side[side].body);
		free(c->side[side].element);
	}
	body_object_release(&c->object);
	body_object_release(&c->image);
	body_object_release(&c->tag);
	buf_release(&c->id);
	buf_release(&c->own);
	buf_release(&c->album);
}

int compare_trees(struct history *history, const uint8_t *from,
		  const uint8_t to[OBJECT_ID], const struct compare_scope *scope,
		  compare_event_fn *each, void *payload, struct err *err)
{
	struct compare c = {
		.history = history,
		.tree = {from, to},
		.scope = scope,
		.each = each,
		.payload = payload,
		.err = err,
	};
	int rc;

	if (scope && (scope->album || scope->image || scope->tag)) {
		rc = note_scope(&c, scope);
	} else {
		rc = tree_diff(history_trees(history), response_walk_fault, from, to,
			       note_file, &c, err);
	}
	rc = rc ? rc : report_all(&c);
	release(&c);
	return rc;
}
