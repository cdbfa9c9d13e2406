/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_body.h"

#include <nettle/sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void verify_body_digest(struct verify_body_digest *out, const void *text, size_t len)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, text);
	sha256_digest(&ctx, sizeof(out->bytes), out->bytes);
}

void verify_body_release(struct verify_body *body)
{
	buf_release(&body->canon);
	json_object_release(&body->elements);
	json_object_release(&body->members);
	record_reader_release(&body->reader);
}

__attribute__((format(printf, 2, 3))) static void fail(const struct verify_body *body,
						       const char *fmt, ...)
{
	char problem[512];
	va_list ap;

	if (body->told) {
		va_start(ap, fmt);
		vsnprintf(problem, sizeof(problem), fmt, ap);
		va_end(ap);
		body->told(problem, body->payload);
	}
}

/* Whether the text is one value in canonical text that begins with `first`. */
static bool is_canonical(struct verify_body *body, const struct buf *text, char first)
{
	struct json_value value;

	buf_clear(&body->canon);
	if (json_read(&body->canon, &value, text->data, text->len) < 0) {
		fail(body, "not JSON: %s at byte %zu", value.reason, value.failed_at);
		return false;
	}
	if (value.unusable) {
		fail(body, "%s at byte %zu", value.unusable, value.unusable_at);
		return false;
	}
	if (body->canon.len != text->len ||
	    memcmp(body->canon.data, text->data, text->len) != 0) {
		fail(body, "not in canonical text");
		return false;
	}
	if (*text->data != first) {
		fail(body, first == '[' ? "not an array" : "not an object");
		return false;
	}
	return true;
}

static int compare_ids(const struct record_id *a, const struct record_id *b)
{
	int order = memcmp(a->bytes, b->bytes, a->len < b->len ? a->len : b->len);

	return order ? order : a->len - b->len;
}

static bool is_of_kind(const struct record_reader *reader, enum record_kind kind)
{
	const struct record *record = &reader->record[0];

	return record->kind == kind && (kind != RECORD_TAG_IMAGE || record->embedded);
}

void verify_body_records(struct verify_body *body, const struct buf *text,
			 enum record_kind kind, verify_body_fn *each, void *payload)
{
	struct record_id last_id = {.len = 0};
	struct stamp last_created = {{0}};

	if (!is_canonical(body, text, '[')) {
		return;
	}
	json_elements(&body->elements, text->data, text->len);
	for (size_t i = 0; i < body->elements.count; i++) {
		const struct json_span *span = &body->elements.member[i].value;
		const struct record *record = &body->reader.record[0];
		int order;

		if (record_read(&body->reader, text->data + span->off, span->len) < 0) {
			fail(body, "record %zu: %s", i + 1, body->reader.reason);
			continue;
		}
		if (!is_of_kind(&body->reader, kind)) {
			fail(body, "record %zu is no %s%s", i + 1, record_kind_name(kind),
			     kind == RECORD_TAG_IMAGE ? " with its image and tag" : "");
			continue;
		}
		order = stamp_compare(&last_created, &record->created);
		order = order ? order : compare_ids(&last_id, &record->id);
		if (last_id.len && order >= 0) {
			fail(body, "%s '%s' is out of order, or stands twice",
			     record_kind_name(kind), record->id.bytes);
		}
		last_created = record->created;
		last_id = record->id;
		each(text->data + span->off, record, payload);
	}
}

/* A number as it is written for a count: no sign, no needless zero. */
static bool read_count(uint64_t *out, const char *text, size_t len)
{
	char digits[21] = "";

	if (!len || len > 19 || (len > 1 && *text == '0')) {
		return false;
	}
	memcpy(digits, text, len);
	*out = strtoull(digits, NULL, 10);
	return strspn(digits, "0123456789") == len;
}

bool verify_body_tag(struct verify_body *body, const struct buf *text,
		     struct record_id *id, struct verify_body_digest *digest,
		     uint64_t *count)
{
	const struct json_member *tag = NULL, *images = NULL;

	if (!is_canonical(body, text, '{')) {
		return false;
	}
	json_members(&body->members, text->data, text->len);
	if (body->members.count == 2) {
		tag = &body->members.member[0];
		images = &body->members.member[1];
	}
	if (!tag || json_find(&body->members, text->data, "\"tag\"") != tag ||
	    json_find(&body->members, text->data, "\"tag_images\"") != images ||
	    !read_count(count, text->data + images->value.off, images->value.len)) {
		fail(body, "not {\"tag\":{...},\"tag_images\":COUNT}");
		return false;
	}
	if (record_read(&body->reader, text->data + tag->value.off, tag->value.len) < 0) {
		fail(body, "%s", body->reader.reason);
		return false;
	}
	if (body->reader.record[0].kind != RECORD_TAG) {
		fail(body, "not about a tag");
		return false;
	}
	*id = body->reader.record[0].id;
	verify_body_digest(digest, text->data + tag->value.off, tag->value.len);
	return true;
}
