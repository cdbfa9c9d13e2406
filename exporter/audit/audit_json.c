/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_json.h"

#include "data/base/buf.h"
#include "data/format/json_print.h"
#include "exporter/audit/audit_print.h"
#include "exporter/lookback/when.h"

static void json_time(struct buf *text, const char *member, int64_t time_s)
{
	char time[WHEN_TEXT];

	when_format(time, time_s);
	json_print_string(text, member, time);
}

/* The members of an image. */
static int image_members(struct buf *text, const struct audit *audit,
			 const struct audit_image *image, struct err *err)
{
	struct audit_texts texts;
	struct buf scratch = {0};
	int rc = audit_texts(&texts, &scratch, audit, image, err);

	json_print_string(text, "image", image->id);
	json_print_raw(text, "title", texts.title);
	json_print_raw(text, "created_at", image->created_at);
	json_time(text, "since", image->from_s);
	json_print_string(text, "counted_from", audit_print_counted_from(image));
	json_time(text, "observed_since", image->since->time_s);
	json_print_bool(text, "or_earlier", image->earlier);
	json_print_string(text, "observed_commit", image->since->commit);
	buf_release(&scratch);
	return rc;
}

static int json_image(struct buf *text, const char *member, const struct audit *audit,
		      const struct audit_image *image, struct err *err)
{
	int rc;

	if (!image) {
		json_print_raw(text, member, NULL);
		return 0;
	}
	json_print_open(text, member, '{');
	rc = image_members(text, audit, image, err);
	buf_addch(text, '}');
	return rc;
}

static void json_last(struct buf *text, const struct audit_last *last)
{
	if (!last->tag_image) {
		json_print_raw(text, "last_tagged", NULL);
		return;
	}
	json_print_open(text, "last_tagged", '{');
	json_print_string(text, "image", last->image);
	json_print_string(text, "tag_image", last->tag_image);
	json_print_raw(text, "created_at", last->created_at);
	json_print_raw(text, "by", last->by ? last->by : "\"unknown\"");
	buf_addch(text, '}');
}

static void json_tags(struct buf *text, const struct audit_counts *counts)
{
	json_print_open(text, "tags", '[');
	for (size_t i = 0; i < counts->tag_count; i++) {
		const struct audit_tag_count *count = &counts->tag[i];

		json_print_open(text, NULL, '{');
		json_print_string(text, "tag", count->tag->id);
		json_print_raw(text, "name", count->tag->name);
		json_print_raw(text, "label", count->tag->label);
		json_print_number(text, "images", count->images);
		buf_addch(text, '}');
	}
	buf_addch(text, ']');
}

static int json_counts(struct buf *text, const struct audit *audit,
		       const struct audit_counts *counts, struct err *err)
{
	int rc;

	json_print_number(text, "images", counts->images);
	json_print_number(text, "tagged", counts->images - counts->untagged);
	json_print_number(text, "untagged", counts->untagged);
	json_print_name(text, "share");
	audit_print_fraction(text, counts);
	rc = json_image(text, "oldest_untagged", audit, counts->oldest, err);
	json_last(text, &counts->last);
	json_tags(text, counts);
	return rc;
}

static int json_head(struct buf *text, const struct audit *audit, struct err *err)
{
	int rc;

	json_print_document(text);
	json_print_string(text, "commit", audit->commit.hex);
	json_print_maybe(text, "number", audit->number, audit->number);
	json_time(text, "time", audit->time_s);
	json_print_string(text, "library", audit->library);
	json_time(text, "as_of", audit->as_of_s);
	json_print_string(text, "count_from",
			  audit->count_observed ? "observed" : "created");
	json_print_open(text, "oversize", '[');
	for (size_t i = 0; i < audit->oversize_count; i++) {
		json_print_string(text, NULL, audit->oversize[i]);
	}
	buf_addstr(text, "],\n");
	json_print_open(text, "all", '{');
	rc = json_counts(text, audit, &audit->all, err);
	json_print_number(text, "albums", audit->album_count);
	buf_addstr(text, "},\n");
	return rc;
}

static int json_album(FILE *out, struct buf *text, const struct audit *audit,
		      const struct audit_album *album, struct err *err)
{
	int rc;

	json_print_open(text, NULL, '{');
	json_print_string(text, "album", album->id);
	rc = json_counts(text, audit, &album->counts, err);
	json_print_open(text, "untagged_images", '[');
	for (uint64_t i = 0; !rc && i < album->counts.untagged; i++) {
		rc = json_image(text, NULL, audit, &album->image[i], err);
		audit_print_part(out, text);
	}
	buf_addstr(text, "]}");
	audit_print_part(out, text);
	return rc;
}

static int json_albums(FILE *out, struct buf *text, const struct audit *audit,
		       uint64_t rows, struct err *err)
{
	int rc = 0;

	json_print_open(text, "albums", '[');
	for (size_t i = 0; !rc && i < rows; i++) {
		buf_addstr(text, i ? ",\n" : "\n");
		rc = json_album(out, text, audit, &audit->album[i], err);
	}
	return rc;
}

/* A canonical text that has no NUL behind it, or null. */
static void json_text(struct buf *text, const char *member, const struct body_text *json)
{
	json_print_name(text, member);
	buf_add(text, json->data ? json->data : "null", json->data ? json->len : 4);
}

static int json_was(struct buf *text, const struct audit_view *view,
		    const struct audit_image *image, struct err *err)
{
	struct audit_was_tag tag;
	int rc = audit_was_read(&tag, view->was, image, err);

	if (rc || !tag.id.data) {
		json_print_raw(text, "last_tag", NULL);
		return rc;
	}
	json_print_open(text, "last_tag", '{');
	json_print_bytes(text, "tag", tag.id.data, tag.id.len);
	json_text(text, "name", &tag.name);
	json_text(text, "label", &tag.label);
	json_text(text, "created_at", &tag.created_at);
	if (tag.by.data) {
		json_text(text, "by", &tag.by);
	} else {
		json_print_string(text, "by", "unknown");
	}
	buf_addch(text, '}');
	return 0;
}

static int json_images(FILE *out, struct buf *text, const struct audit *audit,
		       const struct audit_view *view, struct err *err)
{
	int rc = 0;

	json_print_open(text, "untagged_images", '[');
	for (uint64_t i = 0; !rc && i < view->rows; i++) {
		const struct audit_row *row = &view->row[i];

		buf_addstr(text, i ? ",\n" : "\n");
		json_print_open(text, NULL, '{');
		json_print_string(text, "album", row->album->id);
		rc = image_members(text, audit, row->image, err);
		rc = rc ? rc : json_was(text, view, row->image, err);
		buf_addch(text, '}');
		audit_print_part(out, text);
	}
	return rc;
}

int audit_json_print(FILE *out, const struct audit *audit, const struct audit_view *view,
		     struct err *err)
{
	struct buf text = {0};
	int rc = json_head(&text, audit, err);

	rc = rc          ? rc
	     : view->row ? json_images(out, &text, audit, view, err)
			 : json_albums(out, &text, audit, view->rows, err);
	if (rc) {
		buf_release(&text);
		return rc;
	}
	buf_addstr(&text, "]}\n");
	return audit_print_end(out, &text, err);
}
