/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_collect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "data/format/json.h"
#include "exporter/audit/audit_count.h"
#include "exporter/audit/audit_order.h"
#include "exporter/audit/audit_since.h"
#include "exporter/body/body.h"
#include "exporter/body/words.h"
#include "exporter/git/history.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/response.h"

/*
 * An audit in three passes.
 *
 * Albums: of all albums only the names and the untagged lists are read, because the
 * file beside each image's tag images names its album; of a single album, its list of
 * images. Where a list is too large for the snapshot, and so is not there, the images that
 * name the album are those of the list.
 *
 * Images, in the order of their folders, which is their order in a pack: of untagged
 * images nothing is read, of the others their tag images, which go into the counts.
 *
 * History, back to the snapshot that answers the last question (audit_since.h). Only then is
 * known which image has been untagged for longest (audit_order.h).
 */

/* An album that is being collected. */
struct draft {
	struct audit_album album;
	uint8_t mark[OBJECT_ID]; /* the blob beside its images that names it */
	uint64_t listed;         /* images in its untagged list */
	bool unlisted;           /* that list is too large; instead: */
	struct audit_image *found;
	size_t found_count, found_cap;
	struct stamp last; /* created_at of counts.last ... */
	char *last_texts;  /* ... whose texts are here: they often change */
};

struct collect {
	struct audit *audit;
	struct history *history;
	const struct tree_store *trees;
	uint8_t commit[OBJECT_ID], tree[OBJECT_ID];
	const char *only; /* the album asked for, or NULL */
	unsigned flags;
	struct audit_counter *counter;
	struct draft *draft;
	size_t count, cap;
	/* The album of the image `image`: its .album file comes before its .json. */
	struct draft *here;
	struct buf image;
	struct pathset paths; /* of tag images */
	size_t only_images;   /* in the list of the only album */
	bool only_unlisted;   /* that list is too large */
	struct oversize oversize;
	size_t oversize_cap; /* of audit->oversize */
	struct buf id;
	struct body body;
	struct body_object inner;
	struct log_progress progress;
	struct err *err;
};

static int contradiction(struct collect *c, const char *album, const char *what)
{
	return err_set(c->err, ERR_INPUT,
		       "snapshot %s contradicts itself about album '%s': %s; "
		       "`albumen-exporter verify` checks the whole repository",
		       c->audit->commit.hex, album, what);
}

static struct draft *add_draft(struct collect *c, const char *id, size_t len)
{
	struct draft *draft;
	struct buf mark = {0};

	c->draft = xgrow(c->draft, c->count, &c->cap, sizeof(*c->draft));
	draft = &c->draft[c->count++];
	*draft = (struct draft){.album.id = arena_text(&c->audit->arena, id, len)};
	json_quote(&mark, id, len);
	object_hash(draft->mark, OBJECT_BLOB, mark.data, mark.len);
	buf_release(&mark);
	return draft;
}

/* --- responses that are too large --- */

static bool is_oversize(struct collect *c, enum query_response kind,
			const struct body_text *id)
{
	struct buf path = {0};
	bool is;

	if (!c->oversize.count) {
		return false;
	}
	response_snapshot_path(&path, response_of(kind), id->data, id->len);
	is = oversize_has(&c->oversize, path.data);
	buf_release(&path);
	return is;
}

static void note_oversize(struct collect *c, enum query_response kind,
			  const struct body_text *id)
{
	struct audit *audit = c->audit;
	struct buf path = {0};

	response_snapshot_path(&path, response_of(kind), id->data, id->len);
	audit->oversize = xgrow(audit->oversize, audit->oversize_count, &c->oversize_cap,
				sizeof(*audit->oversize));
	audit->oversize[audit->oversize_count++] =
		arena_text(&audit->arena, path.data, path.len);
	buf_release(&path);
}

/* --- images --- */

static const char *keep(struct collect *c, struct body_text text)
{
	return text.data ? arena_text(&c->audit->arena, text.data, text.len) : NULL;
}

/* Keeps what audit_texts reads. */
static void keep_texts(struct collect *c, struct audit_image *out)
{
	const struct body_object *record = &c->body.record;
	const struct body_text title = words_title(record);
	struct body_text mini = {NULL, 0}, thumbnails;

	if (c->flags & AUDIT_THUMBNAILS) {
		thumbnails = body_member(record, "thumbnails");
		if (body_object(&c->inner, &thumbnails)) {
			mini = body_string(&c->inner, "mini");
		}
	}
	if (!title.len && !mini.len) {
		return;
	}
	out->texts_at = spill_length(c->audit->texts);
	out->title_len = (uint32_t)title.len;
	out->thumbnail_len = (uint32_t)mini.len;
	spill_add(c->audit->texts, title.data, title.len);
	spill_add(c->audit->texts, "", 1);
	spill_add(c->audit->texts, mini.data, mini.len);
	spill_add(c->audit->texts, "", 1);
}

static bool read_untagged_image(struct collect *c, size_t n, struct audit_image *out)
{
	struct body_text id;

	if (!body_record(&c->body, n, &id)) {
		return false;
	}
	*out = (struct audit_image){
		.id = keep(c, id),
		.created_at = keep(c, body_string(&c->body.record, "created_at")),
	};
	out->created = audit_stamp(out->created_at);
	keep_texts(c, out);
	return true;
}

static int read_untagged(struct collect *c, struct draft *draft,
			 const uint8_t blob[OBJECT_ID])
{
	const struct body_text album = {draft->album.id, strlen(draft->album.id)};
	struct audit_image *image;
	int rc;

	if (body_is_empty(blob)) {
		return 0;
	}
	rc = body_read(&c->body, c->history, blob, QUERY_UNTAGGED, &album, c->err);
	if (rc) {
		return rc;
	}
	image = arena_alloc(&c->audit->arena, c->body.count * sizeof(*image));
	draft->listed = c->body.count;
	draft->album.image = image;
	for (size_t i = 0; i < c->body.count; i++) {
		if (!read_untagged_image(c, i, &image[i])) {
			return body_fail(&c->body, c->err);
		}
	}
	return 0;
}

static int compare_texts(const struct body_text *a, const char *b)
{
	size_t len = strlen(b);
	int order = memcmp(a->data, b, a->len < len ? a->len : len);

	return order ? order : (a->len > len) - (a->len < len);
}

/* Appends a text and a NUL at *at. */
static const char *put(char **at, struct body_text text)
{
	char *copy = *at;

	if (!text.data) {
		return NULL;
	}
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	*at += text.len + 1;
	return copy;
}

/* The tag image in c->body.record may be the last of the album. */
static void update_last(struct collect *c, struct draft *draft,
			const struct body_text *id, const struct body_text *image)
{
	const struct body_object *record = &c->body.record;
	const struct body_text created_at = body_string(record, "created_at");
	const struct body_text user = body_string(record, "user");
	struct audit_last *last = &draft->album.counts.last;
	struct stamp created = {{0}};
	char *at;
	int order;

	if (created_at.data &&
	    stamp_read(&created, created_at.data + 1, created_at.len - 2) < 0) {
		created = (struct stamp){{0}};
	}
	order = stamp_compare(&created, &draft->last);
	if (last->tag_image &&
	    (order ? order : compare_texts(id, last->tag_image)) <= 0) {
		return;
	}
	free(draft->last_texts);
	at = draft->last_texts =
		xmalloc(id->len + image->len + created_at.len + user.len + 4);
	*last = (struct audit_last){
		.tag_image = put(&at, *id),
		.image = put(&at, *image),
		.created_at = put(&at, created_at),
		.by = put(&at, user),
	};
	draft->last = created;
}

/* An image of the album. */
static int add_image(struct collect *c, struct draft *draft,
		     const struct body_text *image, const uint8_t blob[OBJECT_ID])
{
	struct audit_counts *counts = &draft->album.counts;
	struct body *body = &c->body;
	struct body_text id, tag, tag_id;
	int rc;

	log_progress_step(&c->progress, 1);
	counts->images++;
	if (body_is_empty(blob)) {
		counts->untagged++;
		if (draft->unlisted) {
			draft->found = xgrow(draft->found, draft->found_count,
					     &draft->found_cap, sizeof(*draft->found));
			draft->found[draft->found_count++] =
				(struct audit_image){.id = keep(c, *image)};
		}
		return 0;
	}
	audit_count_image(c->counter, (uint32_t)(draft - c->draft));
	rc = body_read(body, c->history, blob, QUERY_TAG_IMAGES, image, c->err);
	for (size_t i = 0; !rc && i < body->count; i++) {
		if (!body_record(body, i, &id)) {
			return body_fail(body, c->err);
		}
		tag = body_member(&body->record, "tag");
		if (!body_object(&c->inner, &tag) || !body_id(&c->inner, &tag_id)) {
			body->problem = "a tag image without its tag";
			return body_fail(body, c->err);
		}
		audit_count_tag(c->counter, &tag_id, &c->inner);
		update_last(c, draft, &id, image);
	}
	return rc;
}

/* An image of the album whose tag images are too large: it has some. */
static void add_oversize_image(struct collect *c, struct draft *draft,
			       const struct body_text *image)
{
	log_progress_step(&c->progress, 1);
	draft->album.counts.images++;
	note_oversize(c, QUERY_TAG_IMAGES, image);
}

/* --- files --- */

static struct draft *add_album_draft(struct collect *c, const struct body_text *id)
{
	struct draft *draft = add_draft(c, id->data, id->len);

	if (is_oversize(c, QUERY_IMAGES, id)) {
		note_oversize(c, QUERY_IMAGES, id);
	}
	if (is_oversize(c, QUERY_UNTAGGED, id)) {
		note_oversize(c, QUERY_UNTAGGED, id);
		draft->unlisted = true;
	}
	return draft;
}

/* A file in the folder of albums, or one of the only album. An album's list of images
 * comes before that of its untagged ones. */
static int visit_album(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		       void *payload)
{
	struct collect *c = payload;
	enum query_response kind = body_path(&c->id, path);
	const struct body_text id = {c->id.data, c->id.len};
	struct draft *draft = c->count ? &c->draft[c->count - 1] : NULL;
	int rc;

	(void)old_blob;
	if (kind == QUERY_IMAGES) {
		add_album_draft(c, &id);
		if (!c->only) {
			return 0;
		}
		rc = body_read(&c->body, c->history, new_blob, kind, &id, c->err);
		c->only_images = c->body.count;
		return rc ? rc : body_add_images(&c->body, &c->paths, c->err);
	}
	if (kind == QUERY_UNTAGGED && is_oversize(c, QUERY_IMAGES, &id)) {
		draft = add_album_draft(c, &id);
	}
	if (kind == QUERY_UNTAGGED) {
		return draft && strcmp(draft->album.id, id.data) == 0
			       ? read_untagged(c, draft, new_blob)
			       : contradiction(c, id.data,
					       "it has untagged images, but no images");
	}
	return 0;
}

static int compare_marks(const void *a, const void *b)
{
	const struct draft *x = a, *y = b;

	return memcmp(x->mark, y->mark, OBJECT_ID);
}

/* The blob names the album of the image c->id. */
static int find_album(struct collect *c, const uint8_t blob[OBJECT_ID])
{
	struct draft key = {.listed = 0};

	memcpy(key.mark, blob, OBJECT_ID);
	c->here = c->count ? bsearch(&key, c->draft, c->count, sizeof(*c->draft),
				     compare_marks)
			   : NULL;
	buf_clear(&c->image);
	buf_add(&c->image, c->id.data, c->id.len);
	if (c->here || c->only) {
		return 0;
	}
	return err_set(c->err, ERR_INPUT,
		       "snapshot %s has no list of images of the album that image '%s' "
		       "lies in; `albumen-exporter verify` checks the whole repository",
		       c->audit->commit.hex, c->id.data);
}

/* A file in the folder of tag images, or the tag images of one of the only album. */
static int visit_file(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		      void *payload)
{
	struct collect *c = payload;
	enum query_response kind = body_path(&c->id, path);
	const struct body_text image = {c->id.data, c->id.len};
	int rc;

	(void)old_blob;
	if (kind == QUERY_ALBUM_OF) {
		rc = find_album(c, new_blob);
		if (!rc && c->here && is_oversize(c, QUERY_TAG_IMAGES, &image)) {
			add_oversize_image(c, c->here, &image);
		}
		return rc;
	}
	if (kind != QUERY_TAG_IMAGES) {
		return 0;
	}
	if (c->only && !c->only_unlisted) {
		return add_image(c, c->draft, &image, new_blob);
	}
	if (c->only && !c->here) {
		return 0;
	}
	if (!c->here || strcmp(image.data, c->image.data) != 0) {
		return err_set(c->err, ERR_INPUT,
			       "snapshot %s does not say which album image '%s' lies in: "
			       "it was made by an older albumen; `--album ID` audits it "
			       "album by album",
			       c->audit->commit.hex, image.data);
	}
	return add_image(c, c->here, &image, new_blob);
}

static int visit_paths(struct collect *c, struct pathset *paths, tree_diff_fn *each)
{
	return pathset_diff(paths, c->trees, response_walk_fault, NULL, c->tree, each, c,
			    c->err);
}

/* Adds the albums that have neither list. */
static void add_unlisted_albums(struct collect *c)
{
	const char *path;
	size_t at = 0;

	while ((path = oversize_next(&c->oversize, &at))) {
		bool is_list = body_path(&c->id, path) == QUERY_IMAGES;
		const struct body_text id = {c->id.data, c->id.len};

		if (is_list && is_oversize(c, QUERY_UNTAGGED, &id) &&
		    (!c->only || strcmp(c->only, id.data) == 0)) {
			add_album_draft(c, &id);
		}
	}
}

/* Adds the images of the only album whose tag images are too large: the paths of the others
 * are known from its list. */
static int add_oversize_images(struct collect *c)
{
	const char *path;
	size_t at = 0;
	int rc = 0;

	while (!rc && (path = oversize_next(&c->oversize, &at))) {
		uint8_t album[OBJECT_ID];
		bool is_image = body_path(&c->id, path) == QUERY_TAG_IMAGES;
		const struct body_text image = {c->id.data, c->id.len};

		if (!is_image) {
			continue;
		}
		rc = body_find(album, c->history, c->tree, QUERY_ALBUM_OF, &image,
			       c->err);
		if (!rc && memcmp(album, c->draft->mark, OBJECT_ID) == 0) {
			add_oversize_image(c, c->draft, &image);
		}
		rc = rc == ERR_NOTFOUND ? 0 : rc;
	}
	return rc;
}

static int collect_files(struct collect *c)
{
	struct pathset albums = {0};
	int rc;

	if (c->only) {
		const struct body_text only = {c->only, strlen(c->only)};

		body_add_path(&albums, QUERY_IMAGES, &only);
		body_add_path(&albums, QUERY_UNTAGGED, &only);
	} else {
		body_add_folder(&albums, QUERY_IMAGES);
		body_add_folder(&c->paths, QUERY_TAG_IMAGES);
	}
	rc = visit_paths(c, &albums, visit_album);
	pathset_release(&albums);
	if (!rc) {
		add_unlisted_albums(c);
	}
	if (!rc && c->only && !c->count) {
		rc = err_set(c->err, ERR_NOTFOUND, "no album '%s' in snapshot %s",
			     c->only, c->audit->commit.hex);
	}
	if (rc) {
		return rc;
	}
	if (c->count) {
		qsort(c->draft, c->count, sizeof(*c->draft), compare_marks);
	}
	if (c->only) {
		const struct body_text only = {c->only, strlen(c->only)};

		c->only_unlisted = is_oversize(c, QUERY_IMAGES, &only);
	}
	if (c->only_unlisted) {
		body_add_folder(&c->paths, QUERY_TAG_IMAGES);
	} else if (c->only) {
		rc = add_oversize_images(c);
	}
	rc = rc ? rc : visit_paths(c, &c->paths, visit_file);
	if (!rc && c->only && !c->only_unlisted &&
	    c->draft->album.counts.images != c->only_images) {
		rc = contradiction(c, c->only, "not every image of it has tag images");
	}
	return rc;
}

/* --- the result --- */

static const char *keep_text(struct collect *c, const char *text)
{
	return text ? arena_text(&c->audit->arena, text, strlen(text)) : NULL;
}

/* Lists the untagged images that were found in place of those that a list has. */
static void list_found(struct collect *c, struct draft *draft)
{
	size_t bytes = draft->found_count * sizeof(*draft->found);

	draft->listed = draft->found_count;
	draft->album.image = arena_alloc(&c->audit->arena, bytes);
	if (bytes) {
		memcpy(draft->album.image, draft->found, bytes);
	}
}

static int finish_album(struct collect *c, size_t number)
{
	struct draft *draft = &c->draft[number];
	struct audit_counts *counts = &draft->album.counts;
	struct audit_last *last = &counts->last;

	if (draft->unlisted) {
		list_found(c, draft);
	}
	if (counts->untagged != draft->listed || counts->images == 0) {
		return contradiction(c, draft->album.id,
				     "its list of untagged images and the images "
				     "without tag images are not the same");
	}
	*last = (struct audit_last){
		.tag_image = keep_text(c, last->tag_image),
		.image = keep_text(c, last->image),
		.created_at = keep_text(c, last->created_at),
		.by = keep_text(c, last->by),
	};
	audit_count_album(c->counter, (uint32_t)number, counts);
	c->audit->album[number] = draft->album;
	return 0;
}

/* The order of two records by (created_at, id). */
static int compare_created(const char *a_created, const char *a_id, const char *b_created,
			   const char *b_id)
{
	struct stamp a = audit_stamp(a_created), b = audit_stamp(b_created);
	int order = stamp_compare(&a, &b);

	return order ? order : strcmp(a_id, b_id);
}

/* Adds an album to all together. */
static void add_album(struct audit_counts *all, const struct audit_counts *album)
{
	const struct audit_last *last = &album->last;

	all->images += album->images;
	all->untagged += album->untagged;
	if (last->tag_image &&
	    (!all->last.tag_image ||
	     compare_created(last->created_at, last->tag_image, all->last.created_at,
			     all->last.tag_image) > 0)) {
		all->last = *last;
	}
}

static int finish(struct collect *c)
{
	struct audit *audit = c->audit;
	int rc = 0;

	audit->album = xreallocarray(NULL, c->count + 1, sizeof(*audit->album));
	audit->album_count = c->count;
	for (size_t i = 0; !rc && i < c->count; i++) {
		rc = finish_album(c, i);
		if (!rc) {
			add_album(&audit->all, &audit->album[i].counts);
		}
	}
	if (!rc) {
		audit_count_all(c->counter, &audit->all);
	}
	return rc;
}

static int collect(struct collect *c)
{
	int rc = collect_files(c);

	log_progress_end(&c->progress);
	rc = rc ? rc : finish(c);
	/* Nothing is printed if there was no room for the texts. */
	rc = rc ? rc : spill_read(c->audit->texts, &c->id, 0, 0, c->err);
	rc = rc ? rc
		: audit_since_find(c->audit, c->history, c->commit, c->only,
				   c->flags & AUDIT_WAS, c->err);
	if (!rc) {
		audit_order_oldest(c->audit);
		audit_order_albums(c->audit, AUDIT_BY_UNTAGGED);
	}
	return rc;
}

/* Whether the files are as many as the commit says: otherwise folders of them may be gone, and
 * nothing in what is left need contradict that. */
static int check_count(struct collect *c, const char *message, const char *trailer,
		       const char *what, uint64_t found)
{
	uint64_t said = message_count(message, trailer, found);

	return said == found ? 0
			     : err_set(c->err, ERR_INPUT,
				       "snapshot %s contradicts itself: its commit says "
				       "%" PRIu64 " %s, and its files have %" PRIu64
				       "; `albumen-exporter verify` checks the whole "
				       "repository",
				       c->audit->commit.hex, said, what, found);
}

static int check_counts(struct collect *c, const char *message)
{
	const struct audit *audit = c->audit;
	int rc = check_count(c, message, MESSAGE_IMAGES, "images", audit->all.images);

	rc = rc ? rc
		: check_count(c, message, MESSAGE_UNTAGGED, "untagged images",
			      audit->all.untagged);
	return rc ? rc
		  : check_count(c, message, MESSAGE_ALBUMS, "albums", audit->album_count);
}

static void release(struct collect *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->draft[i].last_texts);
		free(c->draft[i].found);
	}
	free(c->draft);
	audit_count_free(c->counter);
	history_free(c->history);
	pathset_release(&c->paths);
	body_release(&c->body);
	body_object_release(&c->inner);
	buf_release(&c->image);
	buf_release(&c->id);
	oversize_release(&c->oversize);
}

int audit_collect(struct audit **out, struct snapshot_repo *repo,
		  const struct snapshot_info *info, int64_t as_of_s, const char *album,
		  unsigned flags, struct err *err)
{
	struct collect c = {.only = album, .flags = flags, .err = err};
	int rc;

	*out = NULL;
	if (!object_unhex(c.commit, info->commit.hex) ||
	    !object_unhex(c.tree, info->tree.hex)) {
		return err_set(err, ERR_INPUT, "'%s' is not a snapshot",
			       info->commit.hex);
	}
	c.audit = xzalloc(sizeof(*c.audit));
	c.audit->texts = xzalloc(sizeof(*c.audit->texts));
	c.audit->texts->dir = file_temp_folder();
	c.audit->commit = info->commit;
	c.audit->number = message_count(info->message, MESSAGE_NUMBER, 0);
	c.audit->time_s = info->time_s;
	if (message_name(&c.id, info->message, err) == 0) {
		c.audit->library = arena_text(&c.audit->arena, c.id.data, c.id.len);
	}
	c.audit->as_of_s = as_of_s;
	c.audit->count_observed = flags & AUDIT_OBSERVED;
	oversize_read(&c.oversize, info->message);
	c.history = history_new(repo);
	c.trees = history_trees(c.history);
	c.counter = audit_count_new(&c.audit->arena);
	log_progress_start(&c.progress, "auditing",
			   album ? 0 : message_count(info->message, MESSAGE_IMAGES, 0));
	rc = collect(&c);
	rc = rc || album ? rc : check_counts(&c, info->message);
	release(&c);
	if (rc) {
		audit_free(c.audit);
		return rc;
	}
	*out = c.audit;
	return 0;
}
