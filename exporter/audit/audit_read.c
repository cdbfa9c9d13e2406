/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "exporter/audit/audit_inner.h"

void audit_reader_release(struct audit_reader *reader)
{
	body_release(&reader->body);
	body_object_release(&reader->inner);
	buf_release(&reader->ids);
}

static const char *keep(struct arena *arena, struct body_text text)
{
	return text.data ? arena_text(arena, text.data, text.len) : NULL;
}

bool audit_read_image(struct audit_reader *reader, size_t n, struct arena *arena,
		      unsigned flags, struct audit_image *out)
{
	struct body *body = &reader->body;
	struct body_text id, thumbnails;

	if (!body_record(body, n, &id)) {
		return false;
	}
	*out = (struct audit_image){
		.id = keep(arena, id),
		.created_at = keep(arena, body_string(&body->record, "created_at")),
	};
	if (flags & AUDIT_THUMBNAILS) {
		thumbnails = body_member(&body->record, "thumbnails");
		if (body_object(&reader->inner, &thumbnails)) {
			out->thumbnail = keep(arena, body_string(&reader->inner, "mini"));
		}
	}
	return true;
}

static struct stamp read_stamp(struct body_text text)
{
	struct stamp stamp = {{0}};

	if (text.data && stamp_read(&stamp, text.data + 1, text.len - 2) < 0) {
		stamp = (struct stamp){{0}};
	}
	return stamp;
}

struct stamp audit_read_stamp(const char *created_at)
{
	return read_stamp(
		(struct body_text){created_at, created_at ? strlen(created_at) : 0});
}

bool audit_read_tagging(struct audit_reader *reader, size_t n, struct audit_tagging *out)
{
	struct body *body = &reader->body;
	struct body_text id, tag, tag_id;
	size_t tag_at;

	if (!body_record(body, n, &id)) {
		return false;
	}
	tag = body_member(&body->record, "tag");
	if (!body_object(&reader->inner, &tag) || !body_id(&reader->inner, &tag_id)) {
		body->problem = "a tag image without its tag";
		return false;
	}
	buf_clear(&reader->ids);
	buf_add(&reader->ids, id.data, id.len);
	buf_addch(&reader->ids, '\0');
	tag_at = reader->ids.len;
	buf_add(&reader->ids, tag_id.data, tag_id.len);
	*out = (struct audit_tagging){
		.id = reader->ids.data,
		.tag = reader->ids.data + tag_at,
		.created_at = body_string(&body->record, "created_at"),
		.user = body_string(&body->record, "user"),
		.name = body_string(&reader->inner, "name"),
		.label = body_string(&reader->inner, "label"),
	};
	out->created = read_stamp(out->created_at);
	return true;
}
