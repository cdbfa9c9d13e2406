/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_print.h"

#include <inttypes.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/format/json.h"
#include "exporter/lookback/when.h"

/* So much is written at a time. */
#define FLUSH_BYTES (64u << 10)

/* What there is goes out; whether it went is asked at the end. */
static void flush(FILE *out, struct buf *text, size_t at_least)
{
	if (text->len >= at_least) {
		fwrite(text->data, 1, text->len, out);
		buf_clear(text);
	}
}

static int finish(FILE *out, struct buf *text, struct err *err)
{
	flush(out, text, 1);
	buf_release(text);
	return fflush(out) || ferror(out) ? err_sys(err, "cannot write the audit") : 0;
}

static void add_share(struct buf *text, const struct audit_counts *counts)
{
	unsigned share = audit_share(counts);

	buf_addf(text, "%u.%04u", share / 10000, share % 10000);
}

/* --- JSON --- */

static void add_id(struct buf *text, const char *member, const char *id)
{
	buf_addf(text, "\"%s\":", member);
	json_quote(text, id, strlen(id));
}

/* A text that is JSON already; `unsaid` stands for what the data do not say. */
static void add_text(struct buf *text, const char *member, const char *json,
		     const char *unsaid)
{
	buf_addf(text, ",\"%s\":%s", member, json ? json : unsaid);
}

static void add_time(struct buf *text, const char *member, int64_t time_s)
{
	char time[WHEN_TEXT];

	when_format(time, time_s);
	buf_addf(text, ",\"%s\":\"%s\"", member, time);
}

static void add_image(struct buf *text, const struct audit_image *image)
{
	buf_addch(text, '{');
	add_id(text, "image", image->id);
	add_text(text, "created_at", image->created_at, "null");
	if (image->since) {
		add_time(text, "since", image->since->time_s);
		buf_addf(text, ",\"snapshot\":\"%s\"}", image->since->commit);
	} else {
		buf_addstr(text, ",\"since\":\"unknown\",\"snapshot\":\"unknown\"}");
	}
}

static void add_last(struct buf *text, const struct audit_last *last)
{
	if (!last->tag_image) {
		buf_addstr(text, "null");
		return;
	}
	buf_addch(text, '{');
	add_id(text, "image", last->image);
	buf_addch(text, ',');
	add_id(text, "tag_image", last->tag_image);
	add_text(text, "created_at", last->created_at, "null");
	add_text(text, "by", last->by, "\"unknown\"");
	buf_addch(text, '}');
}

static void add_tags(struct buf *text, const struct audit_counts *counts)
{
	for (size_t i = 0; i < counts->tag_count; i++) {
		const struct audit_tag_count *count = &counts->tag[i];

		buf_addstr(text, i ? ",{" : "{");
		add_id(text, "tag", count->tag->id);
		add_text(text, "name", count->tag->name, "null");
		add_text(text, "label", count->tag->label, "null");
		buf_addf(text, ",\"images\":%" PRIu64 "}", count->images);
	}
}

static void add_counts(struct buf *text, const struct audit_counts *counts)
{
	buf_addf(text,
		 "\"images\":%" PRIu64 ",\"tagged\":%" PRIu64 ",\"untagged\":%" PRIu64
		 ",\"share\":",
		 counts->images, counts->images - counts->untagged, counts->untagged);
	add_share(text, counts);
	buf_addstr(text, ",\"oldest_untagged\":");
	if (counts->oldest) {
		add_image(text, counts->oldest);
	} else {
		buf_addstr(text, "null");
	}
	buf_addstr(text, ",\"last_tagged\":");
	add_last(text, &counts->last);
	buf_addstr(text, ",\"tags\":[");
	add_tags(text, counts);
	buf_addch(text, ']');
}

int audit_print_json(FILE *out, const struct audit *audit, struct err *err)
{
	struct buf text = {0};

	buf_addf(&text, "{\"snapshot\":\"%s\",\"number\":", audit->commit.hex);
	if (audit->number) {
		buf_addf(&text, "%" PRIu64, audit->number);
	} else {
		buf_addstr(&text, "null");
	}
	add_time(&text, "time", audit->time_s);
	add_time(&text, "as_of", audit->as_of_s);
	buf_addstr(&text, ",\n\"all\":{");
	add_counts(&text, &audit->all);
	buf_addf(&text, ",\"albums\":%zu},\n\"albums\":[", audit->album_count);
	for (size_t i = 0; i < audit->album_count; i++) {
		const struct audit_album *album = &audit->album[i];

		buf_addstr(&text, i ? ",\n{" : "\n{");
		add_id(&text, "album", album->id);
		buf_addch(&text, ',');
		add_counts(&text, &album->counts);
		buf_addstr(&text, ",\"untagged_images\":[");
		for (uint64_t j = 0; j < album->counts.untagged; j++) {
			buf_addstr(&text, j ? "," : "");
			add_image(&text, &album->image[j]);
			flush(out, &text, FLUSH_BYTES);
		}
		buf_addstr(&text, "]}");
		flush(out, &text, FLUSH_BYTES);
	}
	buf_addstr(&text, "]}\n");
	return finish(out, &text, err);
}

/* --- CSV --- */

/* Adds to a field that is open: quotes are doubled. */
static void add_field_part(struct buf *text, const char *part)
{
	for (; *part; part++) {
		if (*part == '"') {
			buf_addch(text, '"');
		}
		buf_addch(text, *part);
	}
}

static void add_field(struct buf *text, const char *value)
{
	buf_addch(text, ',');
	if (value[strcspn(value, ",;\"\r\n")]) {
		buf_addch(text, '"');
		add_field_part(text, value);
		buf_addch(text, '"');
	} else {
		buf_addstr(text, value);
	}
}

/* The value of a JSON string; as it stands there if it has a U+0000 in it. */
static void add_json_field(struct buf *text, const char *json, const char *unsaid)
{
	struct buf value = {0};

	if (json && json_string(&value, json, strlen(json)) < 0) {
		buf_clear(&value);
		buf_addstr(&value, json);
	}
	add_field(text, json ? value.len ? value.data : "" : unsaid);
	buf_release(&value);
}

static void add_tag_field(struct buf *text, const struct audit_counts *counts)
{
	buf_addstr(text, ",\"");
	for (size_t i = 0; i < counts->tag_count; i++) {
		buf_addstr(text, i ? ";" : "");
		add_field_part(text, counts->tag[i].tag->id);
		buf_addf(text, "=%" PRIu64, counts->tag[i].images);
	}
	buf_addch(text, '"');
}

static void add_row(struct buf *text, const char *scope, const char *album,
		    const struct audit_counts *counts)
{
	const struct audit_image *oldest = counts->oldest;
	char since[WHEN_TEXT] = "unknown";

	buf_addstr(text, scope);
	add_field(text, album);
	buf_addf(text, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", counts->images,
		 counts->images - counts->untagged, counts->untagged);
	add_share(text, counts);
	if (oldest && oldest->since) {
		when_format(since, oldest->since->time_s);
	}
	add_field(text, oldest ? oldest->id : "");
	add_field(text, oldest ? since : "");
	add_json_field(text, counts->last.created_at, "");
	add_json_field(text, counts->last.by, counts->last.tag_image ? "unknown" : "");
	add_tag_field(text, counts);
	buf_addstr(text, "\r\n");
}

int audit_print_csv(FILE *out, const struct audit *audit, struct err *err)
{
	struct buf text = {0};

	buf_addstr(&text, "scope,album,images,tagged,untagged,share,oldest_untagged,"
			  "oldest_since,last_tagged_at,last_tagged_by,tags\r\n");
	add_row(&text, "all", "", &audit->all);
	for (size_t i = 0; i < audit->album_count; i++) {
		add_row(&text, "album", audit->album[i].id, &audit->album[i].counts);
		flush(out, &text, FLUSH_BYTES);
	}
	return finish(out, &text, err);
}
