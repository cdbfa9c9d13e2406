/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/trace.h"

#include <string.h>

#include "exporter/body/body.h"
#include "exporter/git/tree/pathset.h"
#include "exporter/snapshot/response.h"

/*
 * The paths that matter depend on the snapshot. So as the walk goes back, they are
 * collected anew wherever a file differs that decides about them.
 *
 * Image: its tag images, which contain its own text too, and the file that names its
 * album; if it is untagged, its text is in the album's list of untagged images.
 *
 * Album: the list of its images, and the tag images of each. The list says how many
 * images there are, and the tag images that are `[]` are counted: a step in which
 * only tag images differ needs no list.
 *
 * Tag: its one file.
 */

struct trace {
	struct history *history;
	const struct compare_scope *scope;
	struct body_text id; /* of the scope */
	struct trace_end *end;
	trace_event_fn *each_event;
	trace_entry_fn *each;
	void *payload;
	struct err *err;

	struct pathset paths;
	/* Of the current step. */
	struct trace_entry entry;
	struct buf label, name;
	bool hit;      /* a path differs */
	bool outdated; /* the paths are to be collected anew */
	bool any_event;
	int64_t more_untagged_before; /* in the album: before less afterwards */
	struct buf found;             /* scratch: the id in a path */
	struct body body;
};

/* --- which paths to follow --- */

/* Follows the file about `id`, and reads it. ERR_NOTFOUND (no message). */
static int follow_file(struct trace *trace, const uint8_t tree[OBJECT_ID],
		       enum query_response kind, const struct body_text *id)
{
	body_add_path(&trace->paths, kind, id);
	return body_load(&trace->body, trace->history, tree, kind, id, trace->err);
}

/* A member of the body's record, in `out`; NULL if there is none. */
static const char *copy_member(struct buf *out, const struct body *body, const char *name)
{
	const struct body_text text = body_member(&body->record, name);

	buf_clear(out);
	buf_add(out, text.data, text.len);
	return text.data ? out->data : NULL;
}

static int follow_tag(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	int rc = follow_file(trace, tree, QUERY_TAG, &trace->id);

	if (!rc && !body_tag(&trace->body, &trace->entry.tag_images)) {
		rc = body_fail(&trace->body, trace->err);
	}
	if (!rc) {
		trace->entry.label = copy_member(&trace->label, &trace->body, "label");
		trace->entry.name = copy_member(&trace->name, &trace->body, "name");
	}
	return rc;
}

static int follow_image(struct trace *trace, const uint8_t tree[OBJECT_ID])
{
	uint8_t blob[OBJECT_ID];
	struct body_text album;
	int rc = body_find(blob, trace->history, tree, QUERY_TAG_IMAGES, &trace->id,
			   trace->err);

	body_add_path(&trace->paths, QUERY_TAG_IMAGES, &trace->id);
	if (rc || !body_is_empty(blob)) {
		body_add_path(&trace->paths, QUERY_ALBUM_OF, &trace->id);
		return rc;
	}
	rc = follow_file(trace, tree, QUERY_ALBUM_OF, &trace->id);
	if (rc == ERR_NOTFOUND) {
		return 0; /* an older albumen did not write which album an image is in */
	}
	if (!rc && !body_album(&trace->body, &album)) {
		rc = body_fail(&trace->body, trace->err);
	}
	if (!rc) {
		body_add_path(&trace->paths, QUERY_UNTAGGED, &album);
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
	int rc = follow_file(trace, tree, QUERY_IMAGES, &trace->id);

	if (!rc) {
		trace->entry.images = trace->body.count;
		rc = body_add_images(&trace->body, &trace->paths, trace->err);
	}
	rc = rc ? rc
		: pathset_diff(&trace->paths, history_trees(trace->history),
			       response_walk_fault, NULL, tree, count_untagged, trace,
			       trace->err);
	return rc;
}

/* Whether the snapshot has what is traced, though not its file. */
static bool is_oversize(struct trace *trace, const char *message)
{
	const struct response *row =
		response_of(trace->scope->album ? QUERY_IMAGES : QUERY_TAG_IMAGES);
	struct oversize oversize = {0};
	struct buf path = {0};
	bool is;

	response_snapshot_path(&path, row, trace->id.data, trace->id.len);
	oversize_read(&oversize, message);
	is = !trace->scope->tag && oversize_has(&oversize, path.data);
	oversize_release(&oversize);
	buf_release(&path);
	return is;
}

/* Collects the paths for a step into the snapshot with this tree, and counts. */
static int follow(struct trace *trace, const uint8_t tree[OBJECT_ID], const char *message)
{
	int rc;

	pathset_clear(&trace->paths);
	trace->entry = (struct trace_entry){0};
	if (trace->scope->album) {
		rc = follow_album(trace, tree);
	} else if (trace->scope->image) {
		rc = follow_image(trace, tree);
	} else {
		rc = follow_tag(trace, tree);
	}
	body_empty_bytes(&trace->body);
	trace->end->seen |= rc == 0 || is_oversize(trace, message);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* --- steps --- */

static int visit_path(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		      void *payload)
{
	struct trace *trace = payload;

	trace->hit = true;
	if (!trace->scope->album || body_path(&trace->found, path) == QUERY_IMAGES) {
		trace->outdated = true;
	} else {
		trace->more_untagged_before += body_is_empty(old_blob);
		trace->more_untagged_before -= body_is_empty(new_blob);
	}
	return 0;
}

static int count_event(const struct compare_event *event, void *payload)
{
	struct trace *trace = payload;

	trace->entry.events[event->kind]++;
	trace->any_event = true;
	return trace->each_event(event, trace->payload);
}

/* Compares the step's snapshot with the one before, and reports it. */
static int report(struct trace *trace, const struct history_step *step)
{
	struct compare_scope scope = *trace->scope;
	struct oversize lacks[2] = {0};
	int rc;

	trace->any_event = false;
	memset(trace->entry.events, 0, sizeof(trace->entry.events));
	trace->entry.step = step;
	if (scope.album) {
		scope.album_paths = &trace->paths;
	}
	oversize_read(&lacks[0], step->parent_message);
	oversize_read(&lacks[1], step->message);
	scope.lacks[0] = &lacks[0];
	scope.lacks[1] = &lacks[1];
	scope.skipped = &trace->end->skipped;
	rc = compare_trees(trace->history, step->has_parent ? step->parent_tree : NULL,
			   step->tree, &scope, count_event, trace, trace->err);
	oversize_release(&lacks[0]);
	oversize_release(&lacks[1]);
	/* A tag's file differs also when only the count of its tag images does. */
	if (!rc && (trace->any_event || trace->scope->tag)) {
		rc = trace->each(&trace->entry, trace->payload);
	}
	return rc;
}

static int trace_step(struct trace *trace, const struct history_step *step)
{
	int rc;

	if (history_is_cut(trace->history)) {
		trace->end->cut = true;
		return 0;
	}
	trace->hit = trace->outdated = false;
	trace->more_untagged_before = 0;
	rc = pathset_diff(&trace->paths, history_trees(trace->history),
			  response_walk_fault,
			  step->has_parent ? step->parent_tree : NULL, step->tree,
			  visit_path, trace, trace->err);
	if (!rc && trace->hit) {
		rc = report(trace, step);
	}
	if (!rc && trace->outdated && step->has_parent) {
		return follow(trace, step->parent_tree, step->parent_message);
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
			rc = follow(trace, step.tree, step.message);
			first = false;
		}
		rc = rc ? rc : trace_step(trace, &step);
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
	trace.id.data = scope->album   ? scope->album
			: scope->image ? scope->image
				       : scope->tag;
	trace.id.len = strlen(trace.id.data);
	rc = walk(&trace, commit);
	pathset_release(&trace.paths);
	buf_release(&trace.label);
	buf_release(&trace.name);
	buf_release(&trace.found);
	body_release(&trace.body);
	history_free(trace.history);
	return rc;
}
