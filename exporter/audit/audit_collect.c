/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "data/format/name.h"
#include "exporter/audit/audit_inner.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/snapshot/response.h"

/*
 * First the albums: of all of them only their names and
 * untagged lists are read, as which image lies in which album stands beside each
 * image; of a single one the list of its images. Then the images, in the order of
 * their folders, which is that in which they lie in a pack: of the untagged nothing
 * is read, of the others their tag images, which go into the counts.
 */

/* --- paths --- */

bool audit_path_id(struct buf *id, const char *path, const char *suffix)
{
	size_t len = strlen(path), suffix_len = strlen(suffix);
	const char *end, *name;

	if (len < suffix_len || strcmp(path + len - suffix_len, suffix) != 0) {
		return false;
	}
	end = path + len - suffix_len;
	name = memrchr(path, '/', (size_t)(end - path));
	return name && name_to_id(id, name + 1, (size_t)(end - name - 1)) == 0;
}

int audit_find_tree(uint8_t id[OBJECT_ID], const struct tree_store *trees,
		    const uint8_t root[OBJECT_ID], const char *path, struct err *err)
{
	struct buf body = {0};
	int rc = 0;

	memcpy(id, root, OBJECT_ID);
	while (!rc && *path) {
		size_t len = strcspn(path, "/");
		struct tree_cursor cursor;
		struct tree_entry entry;
		bool found = false;

		rc = tree_read(&body, &cursor, trees, id, err);
		while (!rc && !found && tree_next(&cursor, &entry)) {
			found = entry.is_tree && entry.name_len == len &&
				memcmp(entry.name, path, len) == 0;
		}
		if (!rc && !found) {
			rc = tree_end(&cursor, id, err);
			rc = rc ? rc : ERR_NOTFOUND;
		}
		if (!rc) {
			memcpy(id, entry.id, OBJECT_ID);
			path += len + (path[len] == '/');
		}
	}
	buf_release(&body);
	return rc;
}

int audit_collect_contradiction(struct audit_collect *c, const char *album,
				const char *what)
{
	return err_set(c->err, ERR_INPUT,
		       "snapshot %s contradicts itself about album '%s': %s; "
		       "`albumen-exporter verify` checks all of a repository",
		       c->audit->commit.hex, album, what);
}

static struct audit_draft *add_draft(struct audit_collect *c, const char *id, size_t len)
{
	struct audit_draft *draft;
	struct buf mark = {0};

	c->draft = xgrow(c->draft, c->count, &c->cap, sizeof(*c->draft));
	draft = &c->draft[c->count++];
	*draft = (struct audit_draft){.album.id = arena_text(&c->audit->arena, id, len)};
	json_quote(&mark, id, len);
	object_hash(draft->mark, OBJECT_BLOB, mark.data, mark.len);
	buf_release(&mark);
	return draft;
}

/* --- first: albums --- */

static int read_untagged(struct audit_collect *c, struct audit_draft *draft,
			 const uint8_t blob[OBJECT_ID])
{
	const struct body_text album = {draft->album.id, strlen(draft->album.id)};
	struct body *body = &c->reader.body;
	struct arena *arena = &c->audit->arena;
	int rc;

	if (body_is_empty(blob)) {
		return 0;
	}
	rc = body_read(body, c->history, blob, QUERY_UNTAGGED, &album, c->err);
	if (rc) {
		return rc;
	}
	draft->listed = body->count;
	draft->album.image =
		arena_alloc(arena, body->count * sizeof(*draft->album.image));
	for (size_t i = 0; i < body->count; i++) {
		if (!audit_read_image(&c->reader, i, arena, c->flags,
				      &draft->album.image[i])) {
			return body_fail(body, c->err);
		}
	}
	return 0;
}

/* A file below api/v1/albums; an album's images.json comes before its untagged ones. */
static int see_album(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		     void *payload)
{
	struct audit_collect *c = payload;
	int rc = 0;

	(void)old_blob;
	buf_clear(&c->id);
	if (audit_path_id(&c->id, path, "/images.json")) {
		add_draft(c, c->id.data, c->id.len);
	} else if (audit_path_id(&c->id, path, "/images/untag.json")) {
		struct audit_draft *draft = c->count ? &c->draft[c->count - 1] : NULL;

		rc = draft && strcmp(draft->album.id, c->id.data) == 0
			     ? read_untagged(c, draft, new_blob)
			     : audit_collect_contradiction(
				       c, c->id.data,
				       "it has untagged images, but no images");
	}
	return rc;
}

static int compare_marks(const void *a, const void *b)
{
	const struct audit_draft *x = a, *y = b;

	return memcmp(x->mark, y->mark, OBJECT_ID);
}

static int collect_albums(struct audit_collect *c)
{
	uint8_t root[OBJECT_ID];
	int rc = audit_find_tree(root, c->trees, c->tree, "api/v1/albums", c->err);

	if (!rc) {
		rc = tree_diff(c->trees, NULL, root, see_album, c, c->err);
	}
	if (c->count > 1) {
		qsort(c->draft, c->count, sizeof(*c->draft), compare_marks);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* --- then: images --- */

static const char *heap_text(const char *text, size_t len)
{
	return text ? xmemdup0(text, len) : NULL;
}

void audit_collect_drop_last(struct audit_last *last)
{
	free((char *)(uintptr_t)last->tag_image);
	free((char *)(uintptr_t)last->image);
	free((char *)(uintptr_t)last->created_at);
	free((char *)(uintptr_t)last->by);
	*last = (struct audit_last){0};
}

static void see_last(struct audit_draft *draft, const struct audit_tagging *tagging,
		     const char *image)
{
	struct audit_last *last = &draft->album.counts.last;
	int order = stamp_compare(&tagging->created, &draft->last);

	if (last->tag_image &&
	    (order ? order : strcmp(tagging->id, last->tag_image)) <= 0) {
		return;
	}
	audit_collect_drop_last(last);
	*last = (struct audit_last){
		.tag_image = xstrdup(tagging->id),
		.image = xstrdup(image),
		.created_at =
			heap_text(tagging->created_at.data, tagging->created_at.len),
		.by = heap_text(tagging->user.data, tagging->user.len),
	};
	draft->last = tagging->created;
}

/* An image of the album. */
static int see_image(struct audit_collect *c, struct audit_draft *draft,
		     const char *image, const uint8_t blob[OBJECT_ID])
{
	const struct body_text id = {image, strlen(image)};
	struct audit_counts *counts = &draft->album.counts;
	struct body *body = &c->reader.body;
	int rc;

	log_progress_step(&c->progress, 1);
	counts->images++;
	if (body_is_empty(blob)) {
		counts->untagged++;
		return 0;
	}
	rc = body_read(body, c->history, blob, QUERY_TAG_IMAGES, &id, c->err);
	for (size_t i = 0; !rc && i < body->count; i++) {
		struct audit_tagging tagging;

		if (!audit_read_tagging(&c->reader, i, &tagging)) {
			return body_fail(body, c->err);
		}
		audit_counter_see(c->counter, &tagging);
		see_last(draft, &tagging, image);
	}
	audit_counter_next(c->counter, (uint32_t)(draft - c->draft));
	return rc;
}

/* A file below api/v1/tag_images: that which names an image's album comes first. */
static int see_file(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		    void *payload)
{
	struct audit_collect *c = payload;
	struct audit_draft key = {.listed = 0};

	(void)old_blob;
	buf_clear(&c->id);
	if (audit_path_id(&c->id, path, ".album")) {
		memcpy(key.mark, new_blob, OBJECT_ID);
		c->here = c->count ? bsearch(&key, c->draft, c->count, sizeof(*c->draft),
					     compare_marks)
				   : NULL;
		buf_clear(&c->image_name);
		buf_add(&c->image_name, c->id.data, c->id.len);
		return c->here ? 0
			       : err_set(c->err, ERR_INPUT,
					 "snapshot %s lists no images of the album that "
					 "image '%s' lies in; `albumen-exporter verify` "
					 "checks all of a repository",
					 c->audit->commit.hex, c->id.data);
	}
	if (!audit_path_id(&c->id, path, ".json")) {
		return 0;
	}
	if (!c->here || strcmp(c->id.data, c->image_name.data) != 0) {
		return err_set(c->err, ERR_INPUT,
			       "snapshot %s does not say which album image '%s' lies in: "
			       "it was made by an older albumen; `--album ID` audits it "
			       "album by album",
			       c->audit->commit.hex, c->id.data);
	}
	return see_image(c, c->here, c->id.data, new_blob);
}

static int collect_images(struct audit_collect *c)
{
	uint8_t root[OBJECT_ID];
	int rc = audit_find_tree(root, c->trees, c->tree, "api/v1/tag_images", c->err);

	if (!rc) {
		rc = tree_diff(c->trees, NULL, root, see_file, c, c->err);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* --- both, for a single album --- */

/* One of the album's images. */
static int see_own_file(const char *path, const uint8_t *old_blob,
			const uint8_t *new_blob, void *payload)
{
	struct audit_collect *c = payload;

	(void)old_blob;
	buf_clear(&c->id);
	return new_blob && audit_path_id(&c->id, path, ".json")
		       ? see_image(c, c->draft, c->id.data, new_blob)
		       : 0;
}

/* The paths of the tag images of the album's images. */
static int list_own(struct audit_collect *c, struct pathset *paths,
		    const uint8_t blob[OBJECT_ID])
{
	const struct response *row = response_of(QUERY_TAG_IMAGES);
	const struct body_text album = {c->only, strlen(c->only)};
	struct body *body = &c->reader.body;
	struct body_text image;
	int rc = body_read(body, c->history, blob, QUERY_IMAGES, &album, c->err);

	for (size_t i = 0; !rc && i < body->count; i++) {
		if (!body_record(body, i, &image)) {
			return body_fail(body, c->err);
		}
		buf_clear(&c->id);
		response_snapshot_path(&c->id, row, image.data, image.len);
		pathset_add(paths, c->id.data);
	}
	return rc;
}

/* The blob of the only album's response. */
static int find_own(struct audit_collect *c, uint8_t blob[OBJECT_ID],
		    enum query_response kind)
{
	int rc;

	buf_clear(&c->id);
	response_snapshot_path(&c->id, response_of(kind), c->only, strlen(c->only));
	rc = tree_find(blob, c->trees, c->tree, c->id.data, c->err);
	if (rc == ERR_NOTFOUND) {
		rc = err_set(c->err, rc, "no album '%s' in snapshot %s", c->only,
			     c->audit->commit.hex);
	}
	return rc;
}

static int collect_own(struct audit_collect *c)
{
	struct pathset paths = {0};
	struct audit_draft *draft;
	uint8_t blob[OBJECT_ID];
	size_t listed = 0;
	int rc = find_own(c, blob, QUERY_IMAGES);

	if (!rc) {
		rc = list_own(c, &paths, blob);
		listed = c->reader.body.count;
	}
	if (!rc) {
		draft = add_draft(c, c->only, strlen(c->only));
		rc = pathset_diff(&paths, c->trees, NULL, c->tree, see_own_file, c,
				  c->err);
		if (!rc && draft->album.counts.images != listed) {
			rc = audit_collect_contradiction(c, c->only,
							 "images have no tag images");
		}
	}
	if (!rc && (rc = find_own(c, blob, QUERY_UNTAGGED)) == 0) {
		rc = read_untagged(c, c->draft, blob);
	}
	pathset_release(&paths);
	return rc;
}

int audit_collect_drafts(struct audit_collect *c)
{
	int rc;

	if (c->only) {
		return collect_own(c);
	}
	rc = collect_albums(c);
	return rc ? rc : collect_images(c);
}
