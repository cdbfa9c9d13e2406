/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "data/format/json.h"
#include "exporter/lookback/compare.h"

/* An event as JSON. */

const char *compare_kind_name(enum compare_kind kind)
{
	static const char *const name[] = {
		[COMPARE_TAG_APPEARED] = "tag_appeared",
		[COMPARE_TAG_DISAPPEARED] = "tag_disappeared",
		[COMPARE_TAG_RENAMED] = "tag_renamed",
		[COMPARE_TAG_CHANGED] = "tag_changed",
		[COMPARE_IMAGE_APPEARED] = "image_appeared",
		[COMPARE_IMAGE_DISAPPEARED] = "image_disappeared",
		[COMPARE_IMAGE_CHANGED] = "image_changed",
		[COMPARE_TAGGED] = "tagged",
		[COMPARE_UNTAGGED] = "untagged",
		[COMPARE_TAG_IMAGE_CHANGED] = "tag_image_changed",
	};

	return name[kind];
}

static struct body_text span_of(const struct body_text *text,
				const struct json_span *span)
{
	return (struct body_text){text->data + span->off, span->len};
}

/* The value of the member of `object` whose key is that of `member`. */
static struct body_text same_member(const struct body_text *text,
				    const struct json_object *object,
				    const struct body_text *key)
{
	for (size_t i = 0; i < object->count; i++) {
		const struct json_member *m = &object->member[i];

		if (m->key.len == key->len &&
		    memcmp(text->data + m->key.off, key->data, key->len) == 0) {
			return span_of(text, &m->value);
		}
	}
	return (struct body_text){0};
}

void compare_members(const struct compare_event *event, compare_member_fn *each,
		     void *payload)
{
	struct json_object before = {0}, after = {0};

	if (event->before.data) {
		json_members(&before, event->before.data, event->before.len);
	}
	if (event->after.data) {
		json_members(&after, event->after.data, event->after.len);
	}
	for (size_t i = 0; i < before.count; i++) {
		struct compare_member m = {
			.name = span_of(&event->before, &before.member[i].key),
			.before = span_of(&event->before, &before.member[i].value),
		};

		m.after = same_member(&event->after, &after, &m.name);
		if (!m.after.data || m.after.len != m.before.len ||
		    memcmp(m.after.data, m.before.data, m.after.len) != 0) {
			each(&m, payload);
		}
	}
	for (size_t i = 0; i < after.count; i++) {
		struct compare_member m = {
			.name = span_of(&event->after, &after.member[i].key),
			.after = span_of(&event->after, &after.member[i].value),
		};

		if (!same_member(&event->before, &before, &m.name).data) {
			each(&m, payload);
		}
	}
	json_object_release(&before);
	json_object_release(&after);
}

static void write_member(const struct compare_member *member, void *payload)
{
	struct buf *out = payload;

	buf_addstr(out, out->data[out->len - 1] == '[' ? "" : ",");
	buf_addstr(out, "{\"member\":");
	buf_add(out, member->name.data, member->name.len);
	if (member->before.data) {
		buf_addstr(out, ",\"before\":");
		buf_add(out, member->before.data, member->before.len);
	}
	if (member->after.data) {
		buf_addstr(out, ",\"after\":");
		buf_add(out, member->after.data, member->after.len);
	}
	buf_addch(out, '}');
}

static void write_id(struct buf *out, const char *name, const struct body_text *id)
{
	if (id->data) {
		buf_addf(out, ",\"%s\":", name);
		json_quote(out, id->data, id->len);
	}
}

static void write_label(struct buf *out, const struct body_text *tag)
{
	static const struct body_text key = {"\"label\"", 7};
	struct json_object object = {0};
	struct body_text label;

	json_members(&object, tag->data, tag->len);
	label = same_member(tag, &object, &key);
	if (label.data) {
		buf_addstr(out, ",\"label\":");
		buf_add(out, label.data, label.len);
	}
	json_object_release(&object);
}

void compare_write(struct buf *out, const struct compare_event *event)
{
	const struct body_text *record =
		event->after.data ? &event->after : &event->before;

	buf_addf(out, "{\"change\":\"%s\"", compare_kind_name(event->kind));
	write_id(out, "image", &event->image);
	write_id(out, "album", &event->album);
	write_id(out, "tag_image", &event->tag_image);
	write_id(out, "tag", &event->tag);
	if (event->kind == COMPARE_TAG_APPEARED ||
	    event->kind == COMPARE_TAG_DISAPPEARED) {
		write_label(out, record);
	}
	if (event->before.data && event->after.data) {
		buf_addstr(out, ",\"members\":[");
		compare_members(event, write_member, out);
		buf_addch(out, ']');
	}
	buf_addstr(out, ",\"record\":");
	buf_add(out, record->data, record->len);
	buf_addch(out, '}');
}
