/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_csv.h"

#include <inttypes.h>
#include <string.h>

#include "data/base/buf.h"
#include "exporter/audit/audit_print.h"
#include "exporter/body/words.h"
#include "exporter/lookback/when.h"

/*
 * Whether a spreadsheet could run the text instead of showing it: it begins, behind white
 * space, as a formula does (= + - @, also the wide ones of East Asia). Such a text gets an
 * apostrophe in front, by which spreadsheets know text. So does one that begins with an
 * apostrophe itself: removing one from every field that has it gives the exact texts back.
 */
static bool needs_apostrophe(const char *text)
{
	static const char *const wide[] = {"\uff1d", "\uff0b", "\uff0d", "\uff20"};

	if (*text == '\'' || (*text && strchr("\t\r\n", *text))) {
		return true;
	}
	text += strspn(text, " \t\r\n");
	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++) {
		if (strncmp(text, wide[i], strlen(wide[i])) == 0) {
			return true;
		}
	}
	return *text && strchr("=+-@", *text);
}

/* Adds to an open field: quotes are doubled. */
static void csv_part(struct buf *text, const char *part)
{
	for (; *part; part++) {
		buf_addstr(text, *part == '"' ? "\"" : "");
		buf_addch(text, *part);
	}
}

/* The first field of a row. */
static void csv_first(struct buf *text, const char *value)
{
	bool quoted = value[strcspn(value, ",;\"\r\n")];

	buf_addstr(text, quoted ? "\"" : "");
	buf_addstr(text, needs_apostrophe(value) ? "'" : "");
	csv_part(text, value);
	buf_addstr(text, quoted ? "\"" : "");
}

/* A field that holds a text. Numbers of our own never need the apostrophe. */
static void csv_field(struct buf *text, const char *value)
{
	buf_addch(text, ',');
	csv_first(text, value);
}

/* The value of a JSON string; with U+0000 in it, its JSON. `absent` is for NULL. */
static void csv_text(struct buf *text, const struct body_text *json, const char *absent)
{
	struct buf value = {0};

	words_text(&value, json);
	csv_field(text, json->data ? value.len ? value.data : "" : absent);
	buf_release(&value);
}

static void csv_json(struct buf *text, const char *json, const char *absent)
{
	csv_text(text, &(struct body_text){json, json ? strlen(json) : 0}, absent);
}

/* Each tag has an apostrophe of its own: where lists are separated by semicolons, each is
 * a field of its own. */
static void csv_tags(struct buf *text, const struct audit_counts *counts)
{
	buf_addstr(text, ",\"");
	for (size_t i = 0; i < counts->tag_count; i++) {
		buf_addstr(text, i ? ";" : "");
		buf_addstr(text, needs_apostrophe(counts->tag[i].tag->id) ? "'" : "");
		csv_part(text, counts->tag[i].tag->id);
		buf_addf(text, "=%" PRIu64, counts->tag[i].images);
	}
	buf_addch(text, '"');
}

static void csv_time(struct buf *text, int64_t time_s)
{
	char time[WHEN_TEXT];

	when_format(time, time_s);
	csv_field(text, time);
}

/* Since when an image has been untagged: five fields, empty ones for NULL. */
static void csv_since(struct buf *text, const struct audit_image *image)
{
	if (!image) {
		buf_addstr(text, ",,,,,");
		return;
	}
	csv_json(text, image->created_at, "");
	csv_field(text, audit_print_counted_from(image));
	csv_time(text, image->since->time_s);
	csv_field(text, image->earlier ? "yes" : "no");
	csv_field(text, image->since->commit);
}

/* Of each row. */
static void csv_snapshot(struct buf *text, const struct audit *audit)
{
	csv_field(text, audit->commit.hex);
	csv_time(text, audit->time_s);
	csv_field(text, audit->library ? audit->library : "");
	buf_addstr(text, "\r\n");
}

static void csv_row(struct buf *text, const struct audit *audit, const char *scope,
		    const char *album, const struct audit_counts *counts)
{
	const struct audit_image *oldest = counts->oldest;

	buf_addstr(text, scope);
	csv_field(text, album);
	buf_addf(text, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", counts->images,
		 counts->images - counts->untagged, counts->untagged);
	audit_print_fraction(text, counts);
	csv_field(text, oldest ? oldest->id : "");
	if (oldest) {
		csv_time(text, oldest->from_s);
	} else {
		csv_field(text, "");
	}
	csv_json(text, counts->last.created_at, "");
	csv_json(text, counts->last.by, counts->last.tag_image ? "unknown" : "");
	csv_tags(text, counts);
	csv_since(text, oldest);
	csv_snapshot(text, audit);
}

static void csv_albums(FILE *out, struct buf *text, const struct audit *audit,
		       uint64_t rows)
{
	buf_addstr(text, "scope,album,images,tagged,untagged,share,oldest_untagged,"
			 "oldest_since,last_tagged_at,last_tagged_by,tags,"
			 "oldest_created_at,oldest_counted_from,oldest_observed_since,"
			 "oldest_or_earlier,oldest_commit,commit,time,library\r\n");
	csv_row(text, audit, "all", "", &audit->all);
	for (size_t i = 0; i < rows; i++) {
		csv_row(text, audit, "album", audit->album[i].id,
			&audit->album[i].counts);
		audit_print_part(out, text);
	}
}

/* A text that is UTF-8. */
static void csv_bytes(struct buf *text, const struct body_text *utf8)
{
	struct buf value = {0};

	buf_add(&value, utf8->data, utf8->len);
	csv_field(text, value.data);
	buf_release(&value);
}

static int csv_was(struct buf *text, const struct audit_view *view,
		   const struct audit_image *image, struct err *err)
{
	struct audit_was_tag tag;
	int rc = audit_was_read(&tag, view->was, image, err);

	if (rc || !tag.id.data) {
		buf_addstr(text, ",,,,");
		return rc;
	}
	csv_bytes(text, &tag.id);
	csv_text(text, &tag.label, "");
	csv_text(text, &tag.created_at, "");
	csv_text(text, &tag.by, "unknown");
	return 0;
}

static int csv_images(FILE *out, struct buf *text, const struct audit *audit,
		      const struct audit_view *view, struct err *err)
{
	struct audit_texts texts;
	struct buf scratch = {0};
	int rc = 0;

	buf_addstr(text, "album,image,title,since,age_days,created_at,counted_from,"
			 "observed_since,or_earlier,observed_commit,last_tag,"
			 "last_tag_label,last_tagged_at,last_tagged_by,commit,time,"
			 "library\r\n");
	for (uint64_t i = 0; !rc && i < view->rows; i++) {
		const struct audit_image *image = view->row[i].image;
		int64_t age_s = audit->as_of_s - image->from_s;
		char since[WHEN_TEXT];

		when_format(since, image->from_s);
		csv_first(text, view->row[i].album->id);
		csv_field(text, image->id);
		rc = audit_texts(&texts, &scratch, audit, image, err);
		csv_json(text, texts.title, "");
		buf_addf(text, ",%s,%" PRId64, since, age_s > 0 ? age_s / 86400 : 0);
		csv_since(text, image);
		rc = rc ? rc : csv_was(text, view, image, err);
		csv_snapshot(text, audit);
		audit_print_part(out, text);
	}
	buf_release(&scratch);
	return rc;
}

int audit_csv_print(FILE *out, const struct audit *audit, const struct audit_view *view,
		    struct err *err)
{
	struct buf text = {0};
	int rc = 0;

	if (view->row) {
		rc = csv_images(out, &text, audit, view, err);
	} else {
		csv_albums(out, &text, audit, view->rows);
	}
	if (rc) {
		buf_release(&text);
		return rc;
	}
	return audit_print_end(out, &text, err);
}
