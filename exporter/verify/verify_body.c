/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_body.h"

#include <nettle/sha2.h>
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
	body_release(&body->body);
	record_reader_release(&body->reader);
}

#define FAIL(body, ...)                                                                  \
	do {                                                                             \
		if ((body)->report) {                                                    \
			verify_report_fail((body)->report, (body)->path, __VA_ARGS__);   \
		}                                                                        \
	} while (0)

struct place {
	struct record_id id;
	struct stamp created;
};

/* Whether the record comes after *last, which it then becomes. */
static bool is_in_order(struct place *last, const struct record *record)
{
	const struct record_id *a = &last->id, *b = &record->id;
	int order = stamp_compare(&last->created, &record->created);

	if (!order) {
		order = memcmp(a->bytes, b->bytes, a->len < b->len ? a->len : b->len);
		order = order ? order : a->len - b->len;
	}
	order = a->len ? order : -1;
	*last = (struct place){record->id, record->created};
	return order < 0;
}

void verify_body_records(struct verify_body *body, enum query_response kind,
			 verify_body_fn *each, void *payload)
{
	enum record_kind wanted = kind == QUERY_IMAGES ? RECORD_IMAGE : RECORD_TAG_IMAGE;
	const struct record *record = &body->reader.record[0];
	struct place last = {0};

	if (!body_parse(&body->body, kind)) {
		FAIL(body, "%s", body->body.problem);
		return;
	}
	for (size_t i = 0; i < body->body.count; i++) {
		struct body_text text = body_element(&body->body, i);

		if (record_read(&body->reader, text.data, text.len) < 0) {
			FAIL(body, "record %zu: %s", i + 1, body->reader.reason);
			continue;
		}
		if (record->kind != wanted ||
		    (wanted == RECORD_TAG_IMAGE && !record->embedded)) {
			FAIL(body, "record %zu is no %s%s", i + 1,
			     record_kind_name(wanted),
			     wanted == RECORD_TAG_IMAGE ? " with its image and tag" : "");
			continue;
		}
		if (!is_in_order(&last, record)) {
			FAIL(body, "%s '%s' is out of order, or stands twice",
			     record_kind_name(wanted), record->id.bytes);
		}
		each(text.data, record, payload);
	}
}

bool verify_body_tag(struct verify_body *body, struct record_id *id,
		     struct verify_body_digest *digest, uint64_t *count)
{
	const struct record *record = &body->reader.record[0];
	struct body_text text;

	if (!body_parse(&body->body, QUERY_TAG) || !body_tag(&body->body, count)) {
		FAIL(body, "%s", body->body.problem);
		return false;
	}
	text = body->body.record.text;
	if (record_read(&body->reader, text.data, text.len) < 0) {
		FAIL(body, "%s", body->reader.reason);
		return false;
	}
	if (record->kind != RECORD_TAG) {
		FAIL(body, "not about a tag");
		return false;
	}
	*id = record->id;
	verify_body_digest(digest, text.data, text.len);
	return true;
}
