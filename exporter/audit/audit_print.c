/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/plain.h"
#include "data/format/json.h"
#include "data/format/json_print.h"
#include "exporter/lookback/when.h"

#define WRITE_BYTES (64u << 10)

/* Writes `text` once it is long, all but its last byte, which json_print looks at.
 * finish() finds write errors. */
static void write_out(FILE *out, struct buf *text)
{
	char last;

	if (text->len > WRITE_BYTES) {
		last = text->data[text->len - 1];
		fwrite(text->data, 1, text->len - 1, out);
		buf_clear(text);
		buf_addch(text, last);
	}
}

static int finish(FILE *out, struct buf *text, struct err *err)
{
	fwrite(text->data, 1, text->len, out);
	buf_release(text);
	return fflush(out) || ferror(out) ? err_sys(err, "cannot write the audit") : 0;
}

/* --- JSON --- */

/* 0.3333 */
static void add_fraction(struct buf *text, const struct audit_counts *counts)
{
	unsigned share = audit_share(counts);

	buf_addf(text, "%u.%04u", share / 10000, share % 10000);
}

static void json_time(struct buf *text, const char *member, int64_t time_s)
{
	char time[WHEN_TEXT];

	when_format(time, time_s);
	json_print_string(text, member, time);
}

/* What the instant that counts is of. */
static const char *counted_from(const struct audit_image *image)
{
	return image->from_created ? "created" : "observed";
}

static void json_image(struct buf *text, const char *member,
		       const struct audit_image *image)
{
	if (!image) {
		json_print_raw(text, member, NULL);
		return;
	}
	json_print_open(text, member, '{');
	json_print_string(text, "image", image->id);
	json_print_raw(text, "title", image->title);
	json_print_raw(text, "created_at", image->created_at);
	json_time(text, "since", image->from_s);
	json_print_string(text, "counted_from", counted_from(image));
	json_time(text, "observed_since", image->since->time_s);
	json_print_bool(text, "or_earlier", image->earlier);
	json_print_string(text, "snapshot", image->since->commit);
	buf_addch(text, '}');
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

static void json_counts(struct buf *text, const struct audit_counts *counts)
{
	json_print_number(text, "images", counts->images);
	json_print_number(text, "tagged", counts->images - counts->untagged);
	json_print_number(text, "untagged", counts->untagged);
	json_print_name(text, "share");
	add_fraction(text, counts);
	json_image(text, "oldest_untagged", counts->oldest);
	json_last(text, &counts->last);
	json_tags(text, counts);
}

int audit_print_json(FILE *out, const struct audit *audit, struct err *err)
{
	struct buf text = {0};

	json_print_open(&text, NULL, '{');
	json_print_string(&text, "snapshot", audit->commit.hex);
	json_print_maybe(&text, "number", audit->number, audit->number);
	json_time(&text, "time", audit->time_s);
	json_print_string(&text, "library", audit->library);
	json_time(&text, "as_of", audit->as_of_s);
	json_print_string(&text, "count_from",
			  audit->count_observed ? "observed" : "created");
	if (audit->oversize_count) {
		json_print_open(&text, "oversize", '[');
		for (size_t i = 0; i < audit->oversize_count; i++) {
			json_print_string(&text, NULL, audit->oversize[i]);
		}
		buf_addch(&text, ']');
	}
	buf_addstr(&text, ",\n");
	json_print_open(&text, "all", '{');
	json_counts(&text, &audit->all);
	json_print_number(&text, "albums", audit->album_count);
	buf_addstr(&text, "},\n");
	json_print_open(&text, "albums", '[');
	for (size_t i = 0; i < audit->album_count; i++) {
		const struct audit_album *album = &audit->album[i];

		buf_addstr(&text, i ? ",\n" : "\n");
		json_print_open(&text, NULL, '{');
		json_print_string(&text, "album", album->id);
		json_counts(&text, &album->counts);
		json_print_open(&text, "untagged_images", '[');
		for (uint64_t j = 0; j < album->counts.untagged; j++) {
			json_image(&text, NULL, &album->image[j]);
			write_out(out, &text);
		}
		buf_addstr(&text, "]}");
		write_out(out, &text);
	}
	buf_addstr(&text, "]}\n");
	return finish(out, &text, err);
}

/* --- CSV --- */

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

/* A field that holds a text. Numbers of our own never need the apostrophe. */
static void csv_field(struct buf *text, const char *value)
{
	bool quoted = value[strcspn(value, ",;\"\r\n")];

	buf_addstr(text, quoted ? ",\"" : ",");
	buf_addstr(text, needs_apostrophe(value) ? "'" : "");
	csv_part(text, value);
	buf_addstr(text, quoted ? "\"" : "");
}

/* The value of a JSON string; with U+0000 in it, its JSON. `absent` is for NULL. */
static void csv_json(struct buf *text, const char *json, const char *absent)
{
	struct buf value = {0};

	if (json && json_string(&value, json, strlen(json)) < 0) {
		buf_clear(&value);
		buf_addstr(&value, json);
	}
	csv_field(text, json ? value.len ? value.data : "" : absent);
	buf_release(&value);
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
	csv_field(text, counted_from(image));
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
	add_fraction(text, counts);
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

int audit_print_csv(FILE *out, const struct audit *audit, struct err *err)
{
	struct buf text = {0};

	buf_addstr(&text, "scope,album,images,tagged,untagged,share,oldest_untagged,"
			  "oldest_since,last_tagged_at,last_tagged_by,tags,"
			  "oldest_created_at,oldest_counted_from,"
			  "oldest_observed_since,oldest_or_earlier,oldest_snapshot,"
			  "snapshot,time,library\r\n");
	csv_row(&text, audit, "all", "", &audit->all);
	for (size_t i = 0; i < audit->album_count; i++) {
		csv_row(&text, audit, "album", audit->album[i].id,
			&audit->album[i].counts);
		write_out(out, &text);
	}
	return finish(out, &text, err);
}

/* --- columns of text --- */

/* The longest texts other than ids, in characters. */
#define LABEL_MAX 50
#define USER_MAX 60
#define CREATED_MAX 29

/* How many bytes the first `most` characters of UTF-8 have. */
static size_t bytes_of(const char *utf8, size_t most)
{
	size_t len = 0;

	while (utf8[len] && most--) {
		len++;
		while ((utf8[len] & 0xc0) == 0x80) {
			len++;
		}
	}
	return len;
}

static void add_id(struct buf *text, const char *id)
{
	plain_addstr(text, id);
}

/* The value of a JSON string, cut to `most` characters; with U+0000 in it, its JSON. */
static void add_json(struct buf *text, const char *json, size_t most)
{
	struct buf value = {0};
	size_t len;

	if (!json) {
		buf_addstr(text, "unknown");
	} else if (json_string(&value, json, strlen(json)) < 0) {
		len = bytes_of(json, most);
		plain_add_json(text, json, len);
		buf_addstr(text, json[len] ? "..." : "");
	} else if (value.len) {
		len = bytes_of(value.data, most);
		plain_add(text, value.data, len);
		buf_addstr(text, value.data[len] ? "..." : "");
	}
	buf_release(&value);
}

static void add_time(struct buf *text, int64_t time_s)
{
	char time[WHEN_TEXT];

	when_format(time, time_s);
	buf_addstr(text, time);
}

/* The day in UTC. */
static void add_day(struct buf *text, int64_t time_s)
{
	add_time(text, time_s);
	buf_setlen(text, text->len - strlen("T00:00:00Z"));
}

/* "12 days": in the largest unit of which there are at least two, rounded down. */
static void add_age(struct buf *text, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} unit[] = {{86400, "days"}, {3600, "hours"}, {60, "min"}, {1, "s"}};
	size_t i = 0;

	while (i < 3 && seconds < 2 * unit[i].seconds) {
		i++;
	}
	buf_addf(text, "%" PRId64 " %s", seconds < 0 ? 0 : seconds / unit[i].seconds,
		 unit[i].name);
}

/* "33.33 %", the whole part `width` wide at least. */
static void add_percent(struct buf *text, const struct audit_counts *counts, int width)
{
	unsigned share = audit_share(counts);

	buf_addf(text, "%*u.%02u %%", width, share / 100, share % 100);
}

/* Appends spaces up to a column of the line, at least two. */
static void add_column(struct buf *text, size_t column)
{
	const char *line = memrchr(text->data, '\n', text->len);
	size_t used = text->len - (line ? (size_t)(line + 1 - text->data) : 0);

	buf_addf(text, "%*s", used + 2 < column ? (int)(column - used) : 2, "");
}

static void add_totals(struct buf *text, const struct audit *audit, bool images)
{
	const struct audit_counts *all = &audit->all;

	if (audit->library) {
		buf_addstr(text, "library   ");
		plain_addstr(text, audit->library);
		buf_addch(text, '\n');
	}
	buf_addf(text, "snapshot  %s", audit->commit.hex);
	if (audit->number) {
		buf_addf(text, ", number %" PRIu64, audit->number);
	}
	buf_addstr(text, "\nof        ");
	add_time(text, audit->time_s);
	buf_addstr(text, "\nas of     ");
	add_time(text, audit->as_of_s);
	buf_addf(text, "\ncounted   from %s",
		 audit->count_observed
			 ? "what was observed"
			 : "creation, if no snapshot shows the image otherwise");
	if (images && audit->album_count) {
		buf_addstr(text, "\nalbum     ");
		add_id(text, audit->album[0].id);
	} else {
		buf_addf(text, "\nalbums    %zu", audit->album_count);
	}
	buf_addf(text,
		 "\nimages    %" PRIu64 "\ntagged    %" PRIu64 "\nuntagged  %" PRIu64,
		 all->images, all->images - all->untagged, all->untagged);
	if (all->images) {
		buf_addstr(text, ", ");
		add_percent(text, all, 0);
	}
	buf_addch(text, '\n');
}

/* When it was first observed to be untagged. */
static void add_observed(struct buf *text, const struct audit_image *image)
{
	add_time(text, image->since->time_s);
	buf_addstr(text, image->earlier ? " or earlier" : "");
}

static void add_oldest(struct buf *text, const struct audit_image *oldest)
{
	buf_addstr(text, "\noldest untagged image  ");
	add_id(text, oldest->id);
	buf_addstr(text, "\n  created              ");
	add_json(text, oldest->created_at, LABEL_MAX);
	buf_addstr(text, "\n  observed since       ");
	add_observed(text, oldest);
	buf_addstr(text, "\n  counted since        ");
	add_time(text, oldest->from_s);
	buf_addch(text, '\n');
}

static void add_last(struct buf *text, const struct audit_last *last)
{
	struct stamp created = audit_stamp(last->created_at);

	if (stamp_is_absent(&created)) {
		buf_addstr(
			text,
			"\nlast tagged image      not known: no tag image says when it "
			"was made\n");
		return;
	}
	buf_addstr(text, "\nlast tagged image      ");
	add_id(text, last->image);
	buf_addstr(text, "\n  at                   ");
	add_json(text, last->created_at, LABEL_MAX);
	buf_addstr(text, "\n  by                   ");
	add_json(text, last->by, USER_MAX);
	buf_addch(text, '\n');
}

static void add_tags(struct buf *text, const struct audit_counts *all)
{
	buf_addstr(text, all->tag_count ? "\n   IMAGES  TAG\n" : "");
	for (size_t i = 0; i < all->tag_count; i++) {
		const struct audit_tag_count *count = &all->tag[i];

		buf_addf(text, "%9" PRIu64 "  ", count->images);
		add_id(text, count->tag->id);
		if (count->tag->label && strcmp(count->tag->label, "\"\"") != 0) {
			buf_addstr(text, "  ");
			add_json(text, count->tag->label, LABEL_MAX);
		}
		buf_addch(text, '\n');
	}
}

static void add_album(struct buf *text, const struct audit_album *album)
{
	const struct audit_counts *counts = &album->counts;
	struct stamp created = audit_stamp(counts->last.created_at);

	buf_addf(text, "%9" PRIu64 "  %9" PRIu64 "  ", counts->untagged, counts->images);
	add_percent(text, counts, 3);
	add_column(text, 32);
	if (!counts->oldest) {
		buf_addch(text, '-');
	} else {
		add_day(text, counts->oldest->from_s);
	}
	add_column(text, 44);
	if (!counts->last.tag_image) {
		buf_addch(text, '-');
	} else if (stamp_is_absent(&created)) {
		buf_addstr(text, "unknown");
	} else {
		add_day(text, stamp_unix_s(&created));
	}
	add_column(text, 57);
	add_id(text, album->id);
	buf_addch(text, '\n');
}

static void add_image(struct buf *text, const struct audit_image *image, int64_t as_of_s)
{
	add_time(text, image->from_s);
	add_column(text, 22);
	add_age(text, as_of_s - image->from_s);
	add_column(text, 33);
	add_json(text, image->created_at, CREATED_MAX);
	add_column(text, 64);
	add_id(text, image->id);
	buf_addch(text, '\n');
}

int audit_print_table(FILE *out, const struct audit *audit, bool images, struct err *err)
{
	struct buf text = {0};

	add_totals(&text, audit, images);
	if (audit->all.oldest) {
		add_oldest(&text, audit->all.oldest);
	}
	if (audit->all.last.tag_image) {
		add_last(&text, &audit->all.last);
	}
	add_tags(&text, &audit->all);
	if (images && audit->all.untagged) {
		buf_addf(&text, "\n%-20s  %-9s  %-29s  %s\n", "UNTAGGED SINCE", "AGE",
			 "CREATED", "IMAGE");
	} else if (!images && audit->album_count) {
		buf_addstr(&text, "\n UNTAGGED     IMAGES     SHARE  SINCE       "
				  "LAST TAGGED  ALBUM\n");
	}
	for (size_t i = 0; i < audit->album_count; i++) {
		const struct audit_album *album = &audit->album[i];

		if (!images) {
			add_album(&text, album);
		}
		for (uint64_t j = 0; images && j < album->counts.untagged; j++) {
			add_image(&text, &album->image[j], audit->as_of_s);
		}
		write_out(out, &text);
	}
	return finish(out, &text, err);
}
