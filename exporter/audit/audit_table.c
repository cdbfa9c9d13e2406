/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_table.h"

#include <inttypes.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/plain.h"
#include "data/format/json.h"
#include "exporter/audit/audit_print.h"
#include "exporter/lookback/when.h"

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

int audit_table_print(FILE *out, const struct audit *audit, bool images, struct err *err)
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
		audit_print_part(out, &text);
	}
	return audit_print_end(out, &text, err);
}
