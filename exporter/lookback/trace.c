/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/trace.h"

#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/snapshot/response.h"

/*
 * Which files have to do with the scope depends on the snapshot, so as the walk goes
 * back the set of paths is made anew wherever one of those differs that say so.
 *
 * Image: its tag images, which hold its own text too; the file that names its album;
 * and where it is untagged, so that there is no such text, the album's list of
 * untagged images, which holds it.
 *
 * Album: the list of its images, and the tag images of each. From that list the
 * number of images is known, and from which tag images are `[]` how many of them are
 * untagged: so a step in which images were tagged need not read either list.
 *
 * Tag: its one file.
 */

struct trace {
	struct history *history;
	const struct compare_scope *scope;
	struct trace_end *end;
	trace_event_fn *each_event;
	trace_entry_fn *each;
	void *payload;
	struct err *err;

	struct pathset paths;
	struct buf list_path;     /* the album's list of images */
	uint8_t empty[OBJECT_ID]; /* the blob `[]` */
	/* Of the current step. */
	struct trace_entry entry;
	struct buf label;
	bool hit, aim; /* a path differs; the paths are to be made anew */
	bool any_event;
	int64_t more_untagged_before; /* than afterwards, in the album */
	/* scratch */
	struct buf path, body, canon;
	struct json_object list, object;
};

static void set_path(struct trace *trace, enum query_response kind, const char *id,
		     size_t len)
{
	buf_clear(&trace->path);
	response_snapshot_path(&trace->path, response_of(kind), id, len);
}

static int bad_file(struct trace *trace)
{
	return err_set(trace->err, ERR_INPUT,
		       "'%s' in the snapshot is not as albumen writes it",
		       trace->path.data);
}

static bool is_untagged(const struct trace *trace, const uint8_t *blob)
{
	return blob && memcmp(blob, trace->empty, OBJECT_ID) == 0;
}

/* Finds the file trace->path. ERR_NOTFOUND, quietly. */
static int find(struct trace *trace, uint8_t blob[OBJECT_ID],
		const uint8_t tree[OBJECT_ID])
{
	return tree_find(blob, history_trees(trace->history), tree, trace->path.data,
			 trace->err);
}

/* Reads the blob of trace->path into trace->canon: it is somebody's clone, so what
 * it holds must be found to be canonical before it is taken apart. */
static int read_canonical(struct trace *trace, const uint8_t blob[OBJECT_ID], char first)
{
	struct json_value value;
	int rc;

	buf_clear(&trace->body);
	buf_clear(&trace->canon);
	rc = history_blob(trace->history, &trace->body, blob, trace->err);
	if (rc) {
		return rc;
	}
	if (json_read(&trace->canon, &value, trace->body.data, trace->body.len) < 0 ||
	    value.unusable || trace->canon.len != trace->body.len ||
	    memcmp(trace->canon.data, trace->body.data, trace->body.len) != 0 ||
	    trace->canon.data[0] != first) {
		return bad_file(trace);
	}
	return 0;
}

/* --- which paths --- */

static int aim_at_tag(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	const char *id = trace->scope->tag;
	uint8_t blob[OBJECT_ID];
	const struct json_member *tag, *label, *count;
	const char *canon;
	int rc;

	set_path(trace, QUERY_TAG, id, strlen(id));
	pathset_add(&trace->paths, trace->path.data);
	rc = find(trace, blob, tree);
	if (!rc) {
		rc = read_canonical(trace, blob, '{');
	}
	if (rc) {
		return rc;
	}
	canon = trace->canon.data;
	json_members(&trace->object, canon, trace->canon.len);
	tag = json_find(&trace->object, canon, "\"tag\"");
	count = json_find(&trace->object, canon, "\"tag_images\"");
	if (!tag || !count || canon[tag->value.off] != '{') {
		return bad_file(trace);
	}
	trace->entry.tag_images = strtoull(canon + count->value.off, NULL, 10);
	canon += tag->value.off;
	json_members(&trace->object, canon, tag->value.len);
	label = json_find(&trace->object, canon, "\"label\"");
	if (label) {
		buf_add(&trace->label, canon + label->value.off, label->value.len);
		trace->entry.label = trace->label.data;
	}
	return 0;
}

static int aim_at_image(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	const char *id = trace->scope->image;
	uint8_t blob[OBJECT_ID];
	struct buf album = {0};
	int rc;

	set_path(trace, QUERY_TAG_IMAGES, id, strlen(id));
	pathset_add(&trace->paths, trace->path.data);
	rc = find(trace, blob, tree);
	set_path(trace, QUERY_ALBUM_OF, id, strlen(id));
	pathset_add(&trace->paths, trace->path.data);
	if (rc || !is_untagged(trace, blob)) {
		return rc;
	}
	rc = find(trace, blob, tree);
	if (!rc) {
		rc = read_canonical(trace, blob, '"');
	}
	if (!rc && json_string(&album, trace->canon.data, trace->canon.len) < 0) {
		rc = bad_file(trace);
	}
	if (!rc) {
		set_path(trace, QUERY_UNTAGGED, album.data, album.len);
		pathset_add(&trace->paths, trace->path.data);
	}
	buf_release(&album);
	/* Of a version of albumen that did not say which album it was in. */
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Adds the tag images of the image whose record is `text`. */
static int add_image(struct trace *trace, const char *text, size_t len)
{
	struct json_object *object = &trace->object;
	const struct json_member *id;
	struct buf bytes = {0};
	int rc = 0;

	object->count = 0;
	if (*text == '{') {
		json_members(object, text, len);
	}
	id = json_find(object, text, "\"id\"");
	if (!id || text[id->value.off] != '"') {
		id = json_find(object, text, "\"public_id\"");
	}
	if (!id || text[id->value.off] != '"' ||
	    json_string(&bytes, text + id->value.off, id->value.len) < 0) {
		rc = bad_file(trace);
	} else {
		set_path(trace, QUERY_TAG_IMAGES, bytes.data, bytes.len);
		pathset_add(&trace->paths, trace->path.data);
	}
	buf_release(&bytes);
	return rc;
}

static int count_untagged(const char *path, const uint8_t *old_blob,
			  const uint8_t *new_blob, void *payload)
{
	struct trace *trace = payload;

	(void)path;
	(void)old_blob;
	trace->entry.untagged += is_untagged(trace, new_blob);
	return 0;
}

static int aim_at_album(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	uint8_t blob[OBJECT_ID];
	int rc;

	set_path(trace, QUERY_IMAGES, trace->scope->album, strlen(trace->scope->album));
	rc = find(trace, blob, tree);
	if (!rc) {
		rc = read_canonical(trace, blob, '[');
	}
	if (!rc) {
		json_elements(&trace->list, trace->canon.data, trace->canon.len);
		trace->entry.images = trace->list.count;
	}
	for (size_t i = 0; !rc && i < trace->list.count; i++) {
		const struct json_span *span = &trace->list.member[i].value;

		rc = add_image(trace, trace->canon.data + span->off, span->len);
	}
	if (!rc) {
		rc = pathset_diff(&trace->paths, history_trees(trace->history), NULL,
				  tree, count_untagged, trace, trace->err);
	}
	pathset_add(&trace->paths, trace->list_path.data);
	return rc;
}

/* Makes the paths for a step into the snapshot with this tree, and counts. */
static int take_aim(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	int rc;

	pathset_clear(&trace->paths);
	buf_clear(&trace->label);
	trace->entry = (struct trace_entry){0};
	if (trace->scope->album) {
		rc = aim_at_album(trace, tree);
	} else if (trace->scope->image) {
		rc = aim_at_image(trace, tree);
	} else {
		rc = aim_at_tag(trace, tree);
	}
	trace->end->seen |= rc == 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* --- steps --- */

static int see_path(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		    void *payload)
{
	struct trace *trace = payload;

	trace->hit = true;
	if (!trace->scope->album || strcmp(path, trace->list_path.data) == 0) {
		trace->aim = true;
	} else {
		trace->more_untagged_before += is_untagged(trace, old_blob);
		trace->more_untagged_before -= is_untagged(trace, new_blob);
	}
	return 0;
}

static int see_event(const struct compare_event *event, void *payload)
{
	struct trace *trace = payload;

	trace->entry.events[event->kind]++;
	trace->any_event = true;
	return trace->each_event(event, trace->payload);
}

/* Compares the step's snapshot with the one before, and tells of it. */
static int tell(struct trace *trace, const struct history_step *step)
{
	int rc;

	trace->any_event = false;
	memset(trace->entry.events, 0, sizeof(trace->entry.events));
	trace->entry.step = step;
	rc = compare_trees(trace->history, step->has_parent ? step->parent_tree : NULL,
			   step->tree, trace->scope, see_event, trace, trace->err);
	/* The number of a tag's tag images is no part of its record. */
	if (!rc && (trace->any_event || trace->scope->tag)) {
		rc = trace->each(&trace->entry, trace->payload);
	}
	return rc;
}

static int take_step(struct trace *trace, const struct history_step *step)
{
	int rc;

	if (history_is_cut(trace->history)) {
		trace->end->cut = true;
		return 0;
	}
	trace->hit = trace->aim = false;
	trace->more_untagged_before = 0;
	rc = pathset_diff(&trace->paths, history_trees(trace->history),
			  step->has_parent ? step->parent_tree : NULL, step->tree,
			  see_path, trace, trace->err);
	if (!rc && trace->hit) {
		rc = tell(trace, step);
	}
	if (!rc && trace->aim && step->has_parent) {
		return take_aim(trace, step->parent_tree);
	}
	trace->entry.untagged += (uint64_t)trace->more_untagged_before;
	return rc;
}

static int walk(struct trace *trace, const uint8_t commit[OBJECT_ID])
{
	struct history_step step;
	bool first = true;
	int rc;

	history_start(trace->history, commit);
	while ((rc = history_next(trace->history, &step, trace->err)) == 0) {
		if (first) {
			rc = take_aim(trace, step.tree);
			first = false;
		}
		if (!rc) {
			rc = take_step(trace, &step);
		}
		if (rc) {
			return rc;
		}
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int trace_run(struct trace_end *end, struct snapshot_repo *repo,
	      const struct snapshot_id *from, const struct compare_scope *scope,
	      trace_event_fn *each_event, trace_entry_fn *each, void *payload,
	      struct err *err)
{
	struct trace trace = {
		.scope = scope,
		.end = end,
		.each_event = each_event,
		.each = each,
		.payload = payload,
		.err = err,
	};
	uint8_t commit[OBJECT_ID];
	int rc;

	*end = (struct trace_end){0};
	if (!object_unhex(commit, from->hex)) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of a snapshot",
			       from->hex);
	}
	trace.history = history_new(repo);
	object_hash(trace.empty, OBJECT_BLOB, "[]", 2);
	if (scope->album) {
		response_snapshot_path(&trace.list_path, response_of(QUERY_IMAGES),
				       scope->album, strlen(scope->album));
	}
	rc = walk(&trace, commit);
	pathset_release(&trace.paths);
	buf_release(&trace.list_path);
	buf_release(&trace.label);
	buf_release(&trace.path);
	buf_release(&trace.body);
	buf_release(&trace.canon);
	json_object_release(&trace.list);
	json_object_release(&trace.object);
	history_free(trace.history);
	return rc;
}
