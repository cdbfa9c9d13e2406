/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/erase/erase_records.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/log.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/snapshot/response.h"

/* An image that is erased, or has lost tag images, in the snapshot of the last step. */
struct image {
	bool there;     /* it is erased, and the snapshot has it */
	bool untagged;  /* it is erased, and has no tag image */
	bool inserted;  /* it is untagged now, and was not */
	uint32_t album; /* its number; 0: not needed, or unknown */
	uint32_t lost;  /* how many tag images */
	uint32_t *tag;  /* the tag of each; a number */
};

struct album {
	uint64_t there;    /* erased images in it */
	uint64_t inserted; /* images that are untagged now */
	bool gone;         /* no image is left */
	bool dirty;        /* the step has to write its lists */
};

struct tag {
	uint64_t lost; /* tag images */
	bool there;    /* it is erased, and the snapshot has it */
	bool dirty;
};

struct list {
	uint32_t *number;
	size_t count, cap;
};

struct erase_records {
	const struct erase_what *what;
	struct erase_store *store;
	bool scan; /* look at every file that changed */
	const uint8_t *now;
	const struct oversize *lacks;
	struct err *err;

	struct erase_ids images, albums, tags;
	struct image *image; /* by number, less 1 */
	struct album *album;
	struct tag *tag;
	size_t image_cap, album_cap, tag_cap;
	struct list dirty_albums, dirty_tags;
	struct erase_counts counts;
	struct pathset paths; /* unless everything is looked at */
	bool paths_good;
	bool *found_image, *found_tag_image, *found_tag;
	uint64_t found_members[REDACT_PATHS_MOST];
	bool warned;

	/* Of the last step. */
	struct edits edits;
	uint8_t (*object)[OBJECT_ID];
	size_t objects, object_cap;
	struct redact_matched matched;

	/* Scratch. */
	struct body body, list;
	struct body_object inner;
	struct buf id, path, text, redacted, needles;
};

/* --- tables --- */

static uint32_t image_number(struct erase_records *r, const struct body_text *id)
{
	size_t before = r->images.count;
	uint32_t n = erase_ids_add(&r->images, id);

	if (r->images.count > before) {
		r->image = xgrow(r->image, before, &r->image_cap, sizeof(*r->image));
		r->image[n - 1] = (struct image){0};
	}
	return n;
}

static uint32_t album_number(struct erase_records *r, const struct body_text *id)
{
	size_t before = r->albums.count;
	uint32_t n = erase_ids_add(&r->albums, id);

	if (r->albums.count > before) {
		r->album = xgrow(r->album, before, &r->album_cap, sizeof(*r->album));
		r->album[n - 1] = (struct album){0};
	}
	return n;
}

static uint32_t tag_number(struct erase_records *r, const struct body_text *id)
{
	size_t before = r->tags.count;
	uint32_t n = erase_ids_add(&r->tags, id);

	if (r->tags.count > before) {
		r->tag = xgrow(r->tag, before, &r->tag_cap, sizeof(*r->tag));
		r->tag[n - 1] = (struct tag){0};
	}
	return n;
}

static void push(struct list *list, uint32_t number)
{
	list->number =
		xgrow(list->number, list->count, &list->cap, sizeof(*list->number));
	list->number[list->count++] = number;
}

static void soil_album(struct erase_records *r, uint32_t number)
{
	if (number && !r->album[number - 1].dirty) {
		r->album[number - 1].dirty = true;
		push(&r->dirty_albums, number);
	}
}

static void soil_tag(struct erase_records *r, uint32_t number)
{
	if (!r->tag[number - 1].dirty) {
		r->tag[number - 1].dirty = true;
		push(&r->dirty_tags, number);
	}
}

/* The canonical string of each id, with a NUL behind it, which a body must hold if the record
 * is in it. */
static void add_needles(struct buf *out, const struct erase_ids *ids)
{
	for (size_t i = 0; i < ids->count; i++) {
		json_quote(out, ids->id[i].data, ids->id[i].len);
		buf_addch(out, '\0');
	}
}

struct erase_records *erase_records_new(const struct erase_what *what,
					struct erase_store *store)
{
	struct erase_records *r = xzalloc(sizeof(*r));

	r->what = what;
	r->store = store;
	r->scan = what->tag_images.count || what->tags.count || what->members;
	add_needles(&r->needles, &what->tag_images);
	add_needles(&r->needles, &what->tags);
	r->found_tag_image = xzalloc(what->tag_images.count + 1);
	r->found_tag = xzalloc(what->tags.count + 1);
	return r;
}

static void release_list(struct list *list)
{
	free(list->number);
}

void erase_records_free(struct erase_records *r)
{
	if (!r) {
		return;
	}
	for (size_t i = 0; i < r->images.count; i++) {
		free(r->image[i].tag);
	}
	free(r->image);
	free(r->album);
	free(r->tag);
	erase_ids_release(&r->images);
	erase_ids_release(&r->albums);
	erase_ids_release(&r->tags);
	release_list(&r->dirty_albums);
	release_list(&r->dirty_tags);
	pathset_release(&r->paths);
	edits_release(&r->edits);
	free(r->object);
	free(r->found_image);
	free(r->found_tag_image);
	free(r->found_tag);
	body_release(&r->body);
	body_release(&r->list);
	body_object_release(&r->inner);
	buf_release(&r->id);
	buf_release(&r->path);
	buf_release(&r->text);
	buf_release(&r->redacted);
	buf_release(&r->needles);
	free(r);
}

/* --- edits --- */

static int edit_path(struct erase_records *r, enum query_response kind,
		     const struct body_text *id, uint32_t object)
{
	buf_clear(&r->path);
	response_snapshot_path(&r->path, response_of(kind), id->data, id->len);
	return edits_add(&r->edits, r->path.data, object, r->err);
}

static int edit_remove(struct erase_records *r, enum query_response kind,
		       const struct body_text *id)
{
	return edit_path(r, kind, id, EDITS_REMOVE);
}

static int edit_object(struct erase_records *r, enum query_response kind,
		       const struct body_text *id, const uint8_t object[OBJECT_ID])
{
	r->object = xgrow(r->object, r->objects, &r->object_cap, sizeof(*r->object));
	memcpy(r->object[r->objects], object, OBJECT_ID);
	return edit_path(r, kind, id, (uint32_t)r->objects++);
}

/* Puts a body, without the members that are erased. */
static int edit_body(struct erase_records *r, enum query_response kind,
		     const struct body_text *id, const struct buf *body)
{
	const struct buf *last = body;
	uint8_t object[OBJECT_ID];

	if (r->what->members) {
		buf_empty(&r->redacted);
		redact_body(r->what->members, &r->matched, &r->redacted, kind, body->data,
			    body->len);
		last = &r->redacted;
	}
	erase_store_add(r->store, object, OBJECT_BLOB, last->data, last->len);
	return edit_object(r, kind, id, object);
}

/* Starts an array in r->text, and adds its elements. */
static void begin_array(struct erase_records *r)
{
	buf_empty(&r->text);
	buf_addch(&r->text, '[');
}

static void add_element(struct erase_records *r, const struct body_text *element)
{
	if (r->text.len > 1) {
		buf_addch(&r->text, ',');
	}
	buf_add(&r->text, element->data, element->len);
}

/* --- images and their tag images --- */

/* Takes away (-1) or adds (1) what the image means for its album, its tags and the counts. */
static void account(struct erase_records *r, const struct image *image, int sign)
{
	uint64_t one = (uint64_t)(int64_t)sign;

	r->counts.images -= sign * image->there;
	r->counts.untagged -= sign * image->untagged;
	r->counts.untagged += sign * image->inserted;
	r->counts.tag_images -= sign * (int64_t)image->lost;
	if (image->album && (image->there || image->inserted)) {
		r->album[image->album - 1].there += image->there ? one : 0;
		r->album[image->album - 1].inserted += image->inserted ? one : 0;
		soil_album(r, image->album);
	}
	for (uint32_t i = 0; i < image->lost; i++) {
		r->tag[image->tag[i] - 1].lost += one;
		soil_tag(r, image->tag[i]);
	}
}

static void replace_image(struct erase_records *r, uint32_t number, struct image *new)
{
	struct image *image = &r->image[number - 1];

	account(r, image, -1);
	free(image->tag);
	*image = *new;
	account(r, image, 1);
	r->paths_good = false;
}

static void lose(struct image *image, size_t *cap, uint32_t tag)
{
	image->tag = xgrow(image->tag, image->lost, cap, sizeof(*image->tag));
	image->tag[image->lost++] = tag;
}

/* The tag of the record that is open: an id, borrowed. */
static int read_tag(struct erase_records *r, struct body_text *id)
{
	struct body_text tag = body_member(&r->body.record, "tag");

	if (body_object(&r->inner, &tag) && body_id(&r->inner, id)) {
		return 0;
	}
	r->body.problem = "a tag image shows no tag";
	return body_fail(&r->body, r->err);
}

/* Goes through the tag images in r->body: all of them are lost, or those that are erased; what
 * stays is in r->text. */
static int lose_tag_images(struct erase_records *r, struct image *image, bool all)
{
	size_t cap = 0;

	begin_array(r);
	for (size_t i = 0; i < r->body.count; i++) {
		struct body_text element = body_element(&r->body, i), id, tag;
		uint32_t erased, by_tag;
		int rc = body_record(&r->body, i, &id) ? 0 : body_fail(&r->body, r->err);

		erased = rc ? 0 : erase_ids_find(&r->what->tag_images, &id);
		rc = rc ? rc : read_tag(r, &tag);
		if (rc) {
			return rc;
		}
		by_tag = erase_ids_find(&r->what->tags, &tag);
		if (erased) {
			r->found_tag_image[erased] = true;
		}
		if (all || erased || by_tag) {
			lose(image, &cap, tag_number(r, &tag));
		} else {
			add_element(r, &element);
		}
	}
	buf_addch(&r->text, ']');
	return 0;
}

static int read_album(struct erase_records *r, const struct body_text *image,
		      uint32_t *album)
{
	struct body_text id;
	int rc = body_load(&r->list, r->store->history, r->now, QUERY_ALBUM_OF, image,
			   r->err);

	*album = 0;
	if (!rc && !body_album(&r->list, &id)) {
		rc = body_fail(&r->list, r->err);
	}
	if (!rc) {
		*album = album_number(r, &id);
	}
	return rc;
}

/* Whether the snapshot names the file as too large. */
static bool is_lacking(struct erase_records *r, enum query_response kind,
		       const struct body_text *id)
{
	buf_clear(&r->path);
	response_snapshot_path(&r->path, response_of(kind), id->data, id->len);
	return oversize_has(r->lacks, r->path.data);
}

static void warn_lacking(struct erase_records *r)
{
	if (!r->warned) {
		log_warning(
			"a snapshot does not have the tag images of an image, as they "
			"are too large; its counts of tag images stay as they are");
		r->warned = true;
	}
}

/* An image that is erased. */
static int erased_image(struct erase_records *r, uint32_t erased,
			const struct body_text *id)
{
	struct image new = {0};
	int rc = read_album(r, id, &new.album);

	new.there = !rc;
	rc = rc == ERR_NOTFOUND ? 0 : rc;
	if (!rc) {
		rc = body_load(&r->body, r->store->history, r->now, QUERY_TAG_IMAGES, id,
			       r->err);
	}
	if (!rc) {
		new.there = true;
		new.untagged = r->body.count == 0;
		rc = lose_tag_images(r, &new, true);
	} else if (rc == ERR_NOTFOUND) {
		rc = 0;
		if (is_lacking(r, QUERY_TAG_IMAGES, id)) {
			new.there = true;
			warn_lacking(r);
		}
	}
	if (rc) {
		free(new.tag);
		return rc;
	}
	r->found_image[erased] |= new.there;
	replace_image(r, image_number(r, id), &new);
	rc = edit_remove(r, QUERY_TAG_IMAGES, id);
	return rc ? rc : edit_remove(r, QUERY_ALBUM_OF, id);
}

/* Whether one of the needles is in the body. */
static bool is_suspect(const struct erase_records *r)
{
	const struct buf *body = &r->body.bytes;

	for (size_t at = 0; at < r->needles.len;) {
		size_t len = strlen(r->needles.data + at);

		if (memmem(body->data, body->len, r->needles.data + at, len)) {
			return true;
		}
		at += len + 1;
	}
	return false;
}

/* Whether the body has members that are erased. */
static bool has_members(struct erase_records *r)
{
	struct redact_matched ignored = {0};
	const struct buf *body = &r->body.bytes;

	buf_empty(&r->redacted);
	if (r->what->members) {
		redact_body(r->what->members, &ignored, &r->redacted, QUERY_TAG_IMAGES,
			    body->data, body->len);
	}
	return r->what->members && r->redacted.len != body->len;
}

/* An image that may have tag images which are erased. `blob` is the file; NULL: there is
 * none. */
static int other_image(struct erase_records *r, const struct body_text *id,
		       const uint8_t *blob)
{
	uint32_t number = erase_ids_find(&r->images, id);
	struct image new = {0};
	int rc = 0;

	buf_empty(&r->body.bytes);
	if (blob && !body_is_empty(blob)) {
		rc = body_read(&r->body, r->store->history, blob, QUERY_TAG_IMAGES, id,
			       r->err);
		if (!rc && is_suspect(r)) {
			rc = lose_tag_images(r, &new, false);
		}
		new.inserted = rc == 0 && new.lost > 0 && new.lost == r->body.count;
	} else if (!blob && is_lacking(r, QUERY_TAG_IMAGES, id)) {
		warn_lacking(r);
	}
	if (!rc && new.inserted) {
		rc = read_album(r, id, &new.album);
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (rc) {
		free(new.tag);
		return rc;
	}
	/* What is as it was needs no edit: the snapshot changed this file. */
	if (new.lost) {
		rc = edit_body(r, QUERY_TAG_IMAGES, id, &r->text);
	} else if (r->body.bytes.len && has_members(r)) {
		rc = edit_body(r, QUERY_TAG_IMAGES, id, &r->body.bytes);
	}
	if (number || new.lost) {
		replace_image(r, number ? number : image_number(r, id), &new);
	}
	return rc;
}

/* --- the lists of albums --- */

static bool is_erased(const struct erase_records *r, const struct body_text *id)
{
	return erase_ids_find(&r->what->images, id) != 0;
}

static bool is_inserted(const struct erase_records *r, const struct body_text *id)
{
	uint32_t number = erase_ids_find(&r->images, id);

	return number && r->image[number - 1].inserted;
}

/* Reads a list of the album into *body. *has: the snapshot has it. */
static int read_list(struct erase_records *r, struct body *body, bool *has,
		     enum query_response kind, const struct body_text *album)
{
	int rc = body_load(body, r->store->history, r->now, kind, album, r->err);

	*has = !rc;
	if (rc == ERR_NOTFOUND) {
		body_empty_bytes(body);
		rc = 0;
	}
	return rc;
}

/* The images of `body` that are not erased, in r->text. */
static int keep_images(struct erase_records *r, struct body *body)
{
	struct body_text id;

	begin_array(r);
	for (size_t i = 0; i < body->count; i++) {
		struct body_text element = body_element(body, i);

		if (!body_record(body, i, &id)) {
			return body_fail(body, r->err);
		}
		if (!is_erased(r, &id)) {
			add_element(r, &element);
		}
	}
	buf_addch(&r->text, ']');
	return 0;
}

/*
 * The untagged images, in r->text. They are in the order of all images of the album, which is
 * in r->body, and have the same texts: so the list that was is gone through beside it, and
 * those that have become untagged come in where all images have them.
 */
static int keep_untagged(struct erase_records *r)
{
	struct body_text id, next = {0};
	size_t at = 0;

	begin_array(r);
	for (size_t i = 0; i < r->body.count; i++) {
		struct body_text element = body_element(&r->body, i);
		bool was = false;

		if (!body_record(&r->body, i, &id)) {
			return body_fail(&r->body, r->err);
		}
		if (at < r->list.count) {
			if (!body_record(&r->list, at, &next)) {
				return body_fail(&r->list, r->err);
			}
			was = body_text_equal(&next, &id);
			element = was ? body_element(&r->list, at) : element;
			at += was;
		}
		if (!is_erased(r, &id) && (was || is_inserted(r, &id))) {
			add_element(r, &element);
		}
	}
	buf_addch(&r->text, ']');
	if (at < r->list.count) {
		r->list.problem = "it has an image that the album does not have";
		return body_fail(&r->list, r->err);
	}
	return 0;
}

static int refuse_album(struct erase_records *r, const struct body_text *id)
{
	return err_set(r->err, ERR_REFUSED,
		       "a snapshot does not have the lists of the album '%.*s', as they "
		       "are too large, so what they would be cannot be told",
		       (int)id->len, id->data);
}

static int write_album(struct erase_records *r, uint32_t number)
{
	struct album *album = &r->album[number - 1];
	struct body_text id = r->albums.id[number - 1];
	bool has, has_untag, was_gone = album->gone;
	int rc = read_list(r, &r->body, &has, QUERY_IMAGES, &id);

	album->dirty = false;
	album->gone = false;
	if (!rc && has) {
		rc = keep_images(r, &r->body);
		album->gone = !rc && r->text.len == 2;
		rc = rc            ? rc
		     : album->gone ? edit_remove(r, QUERY_IMAGES, &id)
				   : edit_body(r, QUERY_IMAGES, &id, &r->text);
	}
	rc = rc ? rc : read_list(r, &r->list, &has_untag, QUERY_UNTAGGED, &id);
	if (!rc && album->inserted && (!has || !has_untag) && !album->gone) {
		rc = refuse_album(r, &id);
	} else if (!rc && has_untag && album->gone) {
		rc = edit_remove(r, QUERY_UNTAGGED, &id);
	} else if (!rc && has_untag) {
		rc = has ? keep_untagged(r) : keep_images(r, &r->list);
		rc = rc ? rc : edit_body(r, QUERY_UNTAGGED, &id, &r->text);
	}
	r->counts.albums += was_gone - album->gone;
	body_empty_bytes(&r->list);
	return rc;
}

/* --- tags --- */

static int write_tag(struct erase_records *r, uint32_t number)
{
	static const char member[] = ",\"tag_images\":";
	struct tag *tag = &r->tag[number - 1];
	struct body_text id = r->tags.id[number - 1];
	uint32_t erased = erase_ids_find(&r->what->tags, &id);
	bool was_there = tag->there;
	uint64_t count;
	int rc = body_load(&r->body, r->store->history, r->now, QUERY_TAG, &id, r->err);

	tag->dirty = false;
	tag->there = !rc && erased;
	r->counts.tags += was_there - tag->there;
	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (erased) {
		r->found_tag[erased] = true;
		return edit_remove(r, QUERY_TAG, &id);
	}
	if (!body_tag(&r->body, &count)) {
		return body_fail(&r->body, r->err);
	}
	if (count < tag->lost) {
		r->body.problem = "it counts fewer tag images than there are";
		return body_fail(&r->body, r->err);
	}
	buf_empty(&r->text);
	buf_addf(&r->text, "{\"tag\":");
	buf_add(&r->text, r->body.record.text.data, r->body.record.text.len);
	buf_addf(&r->text, "%s%" PRIu64 "}", member, count - tag->lost);
	return edit_body(r, QUERY_TAG, &id, &r->text);
}

/* --- a step --- */

static int see(const char *path, const uint8_t *old, const uint8_t *new, void *payload)
{
	struct erase_records *r = payload;
	enum query_response kind = body_path(&r->id, path);
	struct body_text id = {r->id.data, r->id.len};
	uint32_t n;

	(void)old;
	switch (kind) {
	case QUERY_TAG_IMAGES:
	case QUERY_ALBUM_OF:
		n = erase_ids_find(&r->what->images, &id);
		if (n) {
			return erased_image(r, n, &id);
		}
		if (kind == QUERY_TAG_IMAGES) {
			return other_image(r, &id, new);
		}
		/* It moved; its tag images need not have changed. */
		if (erase_ids_find(&r->images, &id)) {
			uint8_t blob[OBJECT_ID];
			int rc = body_find(blob, r->store->history, r->now,
					   QUERY_TAG_IMAGES, &id, r->err);

			return rc && rc != ERR_NOTFOUND
				       ? rc
				       : other_image(r, &id, rc ? NULL : blob);
		}
		return 0;
	case QUERY_UNTAGGED:
	case QUERY_IMAGES:
		n = r->what->members ? album_number(r, &id)
				     : erase_ids_find(&r->albums, &id);
		if (n && (r->what->members || r->album[n - 1].there ||
			  r->album[n - 1].inserted || r->album[n - 1].gone)) {
			soil_album(r, n);
		}
		return 0;
	case QUERY_TAG:
		n = r->what->members || erase_ids_find(&r->what->tags, &id)
			    ? tag_number(r, &id)
			    : erase_ids_find(&r->tags, &id);
		if (n) {
			soil_tag(r, n);
		}
		return 0;
	}
	return 0;
}

/* Begins anew: nothing is known of any snapshot. */
static void forget(struct erase_records *r)
{
	for (size_t i = 0; i < r->images.count; i++) {
		free(r->image[i].tag);
		r->image[i] = (struct image){0};
	}
	for (size_t i = 0; i < r->albums.count; i++) {
		r->album[i] = (struct album){0};
	}
	for (size_t i = 0; i < r->tags.count; i++) {
		r->tag[i] = (struct tag){0};
	}
	r->counts = (struct erase_counts){0};
	r->dirty_albums.count = r->dirty_tags.count = 0;
	r->paths_good = false;
}

/* The paths that matter, if not all do. */
static void find_paths(struct erase_records *r)
{
	if (r->paths_good) {
		return;
	}
	pathset_clear(&r->paths);
	for (size_t i = 0; i < r->what->images.count; i++) {
		body_add_path(&r->paths, QUERY_TAG_IMAGES, &r->what->images.id[i]);
		body_add_path(&r->paths, QUERY_ALBUM_OF, &r->what->images.id[i]);
	}
	for (size_t i = 0; i < r->albums.count; i++) {
		if (r->album[i].there || r->album[i].gone) {
			body_add_path(&r->paths, QUERY_IMAGES, &r->albums.id[i]);
			body_add_path(&r->paths, QUERY_UNTAGGED, &r->albums.id[i]);
		}
	}
	for (size_t i = 0; i < r->tags.count; i++) {
		if (r->tag[i].lost) {
			body_add_path(&r->paths, QUERY_TAG, &r->tags.id[i]);
		}
	}
	r->paths_good = true;
}

static int look(struct erase_records *r, const uint8_t *before)
{
	const struct tree_store *trees = history_trees(r->store->history);

	if (r->scan) {
		return tree_diff(trees, response_walk_fault, before, r->now, see, r,
				 r->err);
	}
	find_paths(r);
	return pathset_diff(&r->paths, trees, response_walk_fault, before, r->now, see, r,
			    r->err);
}

int erase_records_step(struct erase_records *r, const uint8_t *before,
		       const uint8_t now[OBJECT_ID], const struct oversize *lacks,
		       struct err *err)
{
	int rc;

	if (!r->found_image) {
		r->found_image = xzalloc(r->what->images.count + 1);
	}
	r->now = now;
	r->lacks = lacks;
	r->err = err;
	r->objects = 0;
	r->matched = (struct redact_matched){0};
	edits_release(&r->edits);
	if (!before) {
		forget(r);
	}
	rc = look(r, before);
	for (size_t i = 0; !rc && i < r->dirty_albums.count; i++) {
		rc = write_album(r, r->dirty_albums.number[i]);
	}
	for (size_t i = 0; !rc && i < r->dirty_tags.count; i++) {
		rc = write_tag(r, r->dirty_tags.number[i]);
	}
	r->dirty_albums.count = r->dirty_tags.count = 0;
	for (size_t i = 0; i < REDACT_PATHS_MOST; i++) {
		r->found_members[i] += r->matched.path[i];
	}
	edits_sort(&r->edits);
	return rc ? rc : pack_check(r->store->pack, err);
}

const struct edits *erase_records_edits(const struct erase_records *records)
{
	return &records->edits;
}

const uint8_t *erase_records_object(const struct erase_records *records, uint32_t object)
{
	return records->object[object];
}

const struct erase_counts *erase_records_counts(const struct erase_records *records)
{
	return &records->counts;
}

const struct redact_matched *erase_records_matched(const struct erase_records *records)
{
	return &records->matched;
}

bool erase_records_found_image(const struct erase_records *records, uint32_t number)
{
	return records->found_image && records->found_image[number];
}

bool erase_records_found_tag_image(const struct erase_records *records, uint32_t number)
{
	return records->found_tag_image[number];
}

bool erase_records_found_tag(const struct erase_records *records, uint32_t number)
{
	return records->found_tag[number];
}

bool erase_records_found_member(const struct erase_records *records, size_t path)
{
	return records->found_members[path] != 0;
}
