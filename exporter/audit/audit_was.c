/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_was.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/format/stamp.h"
#include "exporter/git/history.h"

struct audit_was {
	struct history *history;
	struct body body;
	struct body_object tag;
};

struct audit_was *audit_was_new(struct snapshot_repo *repo)
{
	struct audit_was *was = xzalloc(sizeof(*was));

	was->history = history_new(repo);
	return was;
}

void audit_was_free(struct audit_was *was)
{
	if (was) {
		history_free(was->history);
		body_release(&was->body);
		body_object_release(&was->tag);
		free(was);
	}
}

static bool has_instant(const struct body_text *created_at)
{
	struct stamp stamp;

	return created_at->data &&
	       stamp_read(&stamp, created_at->data + 1, created_at->len - 2) == 0;
}

int audit_was_read(struct audit_was_tag *out, struct audit_was *was,
		   const struct audit_image *image, struct err *err)
{
	const struct body_text about = {image->id, strlen(image->id)};
	struct body *body = &was->body;
	struct body_text id, tag;
	int rc;

	*out = (struct audit_was_tag){.id = {NULL, 0}};
	if (!image->was) {
		return 0;
	}
	rc = body_read(body, was->history, image->was, QUERY_TAG_IMAGES, &about, err);
	if (rc || !body->count) {
		return rc;
	}
	/* They are in the order of (created_at, id). */
	if (!body_record(body, body->count - 1, &id)) {
		return body_fail(body, err);
	}
	out->created_at = body_string(&body->record, "created_at");
	if (body->count > 1 && !has_instant(&out->created_at)) {
		return 0;
	}
	tag = body_member(&body->record, "tag");
	if (!body_object(&was->tag, &tag) || !body_id(&was->tag, &out->id)) {
		body->problem = "a tag image without its tag";
		return body_fail(body, err);
	}
	out->label = body_string(&was->tag, "label");
	out->name = body_string(&was->tag, "name");
	out->by = body_string(&body->record, "user");
	return 0;
}
