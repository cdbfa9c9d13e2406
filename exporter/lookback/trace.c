/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/trace.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/body/body.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/snapshot/response.h"

/*
 * Which files have to do with the scope depends on the snapshot, so as the walk goes
 * back the set of paths is made anew wherever one of those differs that say so.
 *
 * Image: its tag images, which hold its own text too; the file that names its album;
 * and if it is untagged, so that there is no such text, the album's list of images.
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
	struct buf list_path; /* the album's list of images */
	/* Of the current step. */
	struct trace_entry entry;
	struct buf label;
	bool hit;      /* a path differs */
	bool outdated; /* the paths are to be collected anew */
	bool any_event;
	int64_t more_untagged_before; /* than afterwards, in the album */
	/* scratch */
	struct buf path;
	struct body body;
};

/* Adds the file of a row about `id` to the paths that are followed. */
static void add_path(struct trace *trace, enum query_response row,
		     const struct body_text *id)
{
	buf_clear(&trace->path);
	response_snapshot_path(&trace->path, response_of(row), id->data, id->len);
	pathset_add(&trace->paths, trace->path.data);
}

/* The same, and finds the file. ERR_NOTFOUND, quietly. */
static int add_found(struct trace *trace, uint8_t blob[OBJECT_ID],
		     const uint8_t tree[OBJECT_ID], enum query_response row,
		     const struct body_text *id)
{
	add_path(trace, row, id);
	return tree_find(blob, history_trees(trace->history), tree, trace->path.data,
			 trace->err);
}

static int read_body(struct trace *trace, const uint8_t blob[OBJECT_ID],
		     enum query_response row, const struct body_text *id)
{
	return body_read(&trace->body, trace->history, blob, row, id, trace->err);
}

/* --- which paths to follow --- */

static int follow_tag(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	const struct body_text id = {trace->scope->tag, strlen(trace->scope->tag)};
	uint8_t blob[OBJECT_ID];
	struct body_text label;
	int rc = add_found(trace, blob, tree, QUERY_TAG, &id);

	if (!rc) {
		rc = read_body(trace, blob, QUERY_TAG, &id);
	}
	if (!rc && !body_tag(&trace->body, &trace->entry.tag_images)) {
		rc = body_fail(&trace->body, trace->err);
	}
	if (rc) {
		return rc;
	}
	label = body_member(&trace->body.record, "label");
	if (label.data) {
		buf_add(&trace->label, label.data, label.len);
		trace->entry.label = trace->label.data;
	}
	return 0;
}

static int follow_image(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	const struct body_text id = {trace->scope->image, strlen(trace->scope->image)};
	uint8_t tag_images[OBJECT_ID], blob[OBJECT_ID];
	struct body_text album;
	int rc = add_found(trace, tag_images, tree, QUERY_TAG_IMAGES, &id);
	int found = add_found(trace, blob, tree, QUERY_ALBUM_OF, &id);

	if (rc || !body_is_empty(tag_images)) {
		return rc;
	}
	/* An older albumen did not write which album an image lies in. */
	if (found) {
		return found == ERR_NOTFOUND ? 0 : found;
	}
	rc = read_body(trace, blob, QUERY_ALBUM_OF, &id);
	if (!rc && !body_album(&trace->body, &album)) {
		rc = body_fail(&trace->body, trace->err);
	}
	if (!rc) {
		add_path(trace, QUERY_IMAGES, &album);
	}
	return rc;
}

static int count_untagged(const char *path, const uint8_t *old_blob,
			  const uint8_t *new_blob, void *payload)
{
	struct trace *trace = payload;

	(void)path;
	(void)old_blob;
	trace->entry.untagged += body_is_empty(new_blob);
	return 0;
}

static int follow_album(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	const struct body_text album = {trace->scope->album, strlen(trace->scope->album)};
	const struct body *body = &trace->body;
	uint8_t blob[OBJECT_ID];
	struct body_text image;
	int rc = tree_find(blob, history_trees(trace->history), tree,
			   trace->list_path.data, trace->err);

	if (!rc) {
		rc = read_body(trace, blob, QUERY_IMAGES, &album);
	}
	for (size_t i = 0; !rc && i < body->count; i++) {
		if (body_record(&trace->body, i, &image)) {
			add_path(trace, QUERY_TAG_IMAGES, &image);
		} else {
			rc = body_fail(body, trace->err);
		}
	}
	if (!rc) {
		trace->entry.images = body->count;
		rc = pathset_diff(&trace->paths, history_trees(trace->history), NULL,
				  tree, count_untagged, trace, trace->err);
	}
	pathset_add(&trace->paths, trace->list_path.data);
	return rc;
}

/* Makes the paths for a step into the snapshot with this tree, and counts. */
static int follow(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	int rc;

	pathset_clear(&trace->paths);
	buf_clear(&trace->label);
	trace->entry = (struct trace_entry){0};
	if (trace->scope->album) {
		rc = follow_album(trace, tree);
	} else if (trace->scope->image) {
		rc = follow_image(trace, tree);
	} else {
		rc = follow_tag(trace, tree);
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
		trace->outdated = true;
	} else {
		trace->more_untagged_before += body_is_empty(old_blob);
		trace->more_untagged_before -= body_is_empty(new_blob);
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
	struct compare_scope scope = *trace->scope;
	int rc;

	trace->any_event = false;
	memset(trace->entry.events, 0, sizeof(trace->entry.events));
	trace->entry.step = step;
	if (scope.album) {
		scope.album_paths = &trace->paths;
	}
	rc = compare_trees(trace->history, step->has_parent ? step->parent_tree : NULL,
			   step->tree, &scope, see_event, trace, trace->err);
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
	trace->hit = trace->outdated = false;
	trace->more_untagged_before = 0;
	rc = pathset_diff(&trace->paths, history_trees(trace->history),
			  step->has_parent ? step->parent_tree : NULL, step->tree,
			  see_path, trace, trace->err);
	if (!rc && trace->hit) {
		rc = tell(trace, step);
	}
	if (!rc && trace->outdated && step->has_parent) {
		return follow(trace, step->parent_tree);
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
			rc = follow(trace, step.tree);
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
	if (scope->album) {
		response_snapshot_path(&trace.list_path, response_of(QUERY_IMAGES),
				       scope->album, strlen(scope->album));
	}
	rc = walk(&trace, commit);
	pathset_release(&trace.paths);
	buf_release(&trace.list_path);
	buf_release(&trace.label);
	buf_release(&trace.path);
	body_release(&trace.body);
	history_free(trace.history);
	return rc;
}
