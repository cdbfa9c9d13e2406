/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/format/json.h"
#include "exporter/audit/audit_inner.h"
#include "exporter/audit/audit_print.h"
#include "exporter/lookback/when.h"

/* Longest texts other than ids, in characters. */
#define LABEL_MAX 50
#define USER_MAX 60

/* --- texts --- */

/* Characters that do not stand for themselves on a terminal: controls (C0, C1) and
 * what sets the direction of writing. `c` is the first byte of `len`. */
static bool is_unsafe(const unsigned char *c, size_t len)
{
	return c[0] < 0x20 || c[0] == 0x7f || (len == 2 && c[0] == 0xc2 && c[1] < 0xa0) ||
	       (len == 3 && c[0] == 0xe2 && c[1] == 0x80 &&
		(c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
	       (len == 3 && c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

/* Appends `utf8`, at most `most` characters of it, safe for a terminal. */
static void add_plain(struct buf *text, const char *utf8, size_t most)
{
	const unsigned char *at = (const unsigned char *)utf8;

	for (; *at && most; most--) {
		size_t len = 1;

		while ((at[len] & 0xc0) == 0x80) {
			len++;
		}
		if (is_unsafe(at, len)) {
			buf_addch(text, '?');
		} else {
			buf_add(text, at, len);
		}
		at += len;
	}
	buf_addstr(text, *at ? "..." : "");
}

static void add_id(struct buf *text, const char *id)
{
	add_plain(text, id, SIZE_MAX);
}

/* The value of a JSON string, as far as it goes. */
static void add_json(struct buf *text, const char *json, size_t most)
{
	struct buf value = {0};

	if (!json) {
		buf_addstr(text, "unknown");
	} else if (json_string(&value, json, strlen(json)) < 0) {
		add_plain(text, json, most);
	} else if (value.len) {
		add_plain(text, value.data, most);
	}
	buf_release(&value);
}

static void add_time(struct buf *text, int64_t time_s)
{
	char time[WHEN_TEXT];

	when_format(time, time_s);
	buf_addstr(text, time);
}

/* "12 days": the largest unit of which there are two, so a day too little at most. */
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

/* Spaces up to a column, of what was begun at `from`; at least two. */
static void pad(struct buf *text, size_t from, size_t width)
{
	size_t used = text->len - from;

	buf_addf(text, "%*s", used + 2 < width ? (int)(width - used) : 2, "");
}

/* "33.33 %" */
static void add_share(struct buf *text, const struct audit_counts *counts)
{
	unsigned share = audit_share(counts);

	buf_addf(text, "%3u.%02u %%", share / 100, share % 100);
}

/* --- parts --- */

static void add_head(struct buf *text, const struct audit *audit, bool images)
{
	const struct audit_counts *all = &audit->all;

	buf_addf(text, "snapshot  %s", audit->commit.hex);
	if (audit->number) {
		buf_addf(text, ", number %" PRIu64, audit->number);
	}
	buf_addstr(text, "\nof        ");
	add_time(text, audit->time_s);
	buf_addstr(text, "\nas of     ");
	add_time(text, audit->as_of_s);
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
		unsigned share = audit_share(all);

		buf_addf(text, ", %u.%02u %%", share / 100, share % 100);
	}
	buf_addch(text, '\n');
}

static void add_ends(struct buf *text, const struct audit_counts *all)
{
	if (all->oldest) {
		buf_addstr(text, "\noldest untagged image  ");
		add_id(text, all->oldest->id);
		buf_addstr(text, "\n  created              ");
		add_json(text, all->oldest->created_at, LABEL_MAX);
		buf_addstr(text, "\n  untagged since       ");
		if (all->oldest->since) {
			add_time(text, all->oldest->since->time_s);
		} else {
			buf_addstr(text, "unknown");
		}
		buf_addch(text, '\n');
	}
	if (all->last.tag_image) {
		buf_addstr(text, "\nlast tagged image      ");
		add_id(text, all->last.image);
		buf_addstr(text, "\n  at                   ");
		add_json(text, all->last.created_at, LABEL_MAX);
		buf_addstr(text, "\n  by                   ");
		add_json(text, all->last.by, USER_MAX);
		buf_addch(text, '\n');
	}
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

/* The day of an instant in UTC. */
static void add_day(struct buf *text, int64_t time_s)
{
	char time[WHEN_TEXT];

	when_format(time, time_s);
	buf_add(text, time, strcspn(time, "T"));
}

/* The day of a created_at in UTC. */
static void add_created_day(struct buf *text, const char *created_at)
{
	struct stamp stamp = audit_read_stamp(created_at);
	int64_t unix_s = -62167219200; /* data/format/stamp.h counts from the year 0 */

	if (stamp_is_absent(&stamp)) {
		buf_addstr(text, "unknown");
		return;
	}
	unix_s += (int64_t)(be64_get(stamp.bytes) - (UINT64_C(1) << 40));
	add_day(text, unix_s);
}

static void add_album(struct buf *text, const struct audit_album *album)
{
	const struct audit_counts *counts = &album->counts;
	size_t from;

	buf_addf(text, "%9" PRIu64 "  %9" PRIu64 "  ", counts->untagged, counts->images);
	add_share(text, counts);
	buf_addstr(text, "  ");
	from = text->len;
	if (!counts->oldest) {
		buf_addch(text, '-');
	} else if (counts->oldest->since) {
		add_day(text, counts->oldest->since->time_s);
	} else {
		buf_addstr(text, "unknown");
	}
	pad(text, from, 12);
	from = text->len;
	if (counts->last.tag_image) {
		add_created_day(text, counts->last.created_at);
	} else {
		buf_addch(text, '-');
	}
	pad(text, from, 13);
	add_id(text, album->id);
	buf_addch(text, '\n');
}

static void add_image(struct buf *text, const struct audit_image *image, int64_t as_of_s)
{
	size_t from = text->len;

	if (image->since) {
		add_time(text, image->since->time_s);
		pad(text, from, 22);
		add_age(text, as_of_s - image->since->time_s);
	} else {
		buf_addstr(text, "unknown");
		pad(text, from, 22);
		buf_addstr(text, "unknown");
	}
	pad(text, from, 33);
	add_json(text, image->created_at, 29);
	pad(text, from, 64);
	add_id(text, image->id);
	buf_addch(text, '\n');
}

int audit_print_table(FILE *out, const struct audit *audit, bool images, struct err *err)
{
	struct buf text = {0};

	add_head(&text, audit, images);
	add_ends(&text, &audit->all);
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
		fwrite(text.data, 1, text.len, out);
		buf_clear(&text);
	}
	if (text.len) {
		fwrite(text.data, 1, text.len, out);
	}
	buf_release(&text);
	return fflush(out) || ferror(out) ? err_sys(err, "cannot write the audit") : 0;
}
