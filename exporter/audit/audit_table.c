/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_table.h"

#include <inttypes.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/plain.h"
#include "data/format/json.h"
#include "exporter/audit/audit_print.h"
#include "exporter/body/words.h"
#include "exporter/lookback/when.h"

/* The longest texts other than ids, in characters. */
#define LABEL_MAX 50
#define USER_MAX 60

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

/* UTF-8, cut to `most` characters. */
static void add_cut(struct buf *text, const char *utf8, size_t most)
{
	size_t len = bytes_of(utf8, most);

	plain_add(text, utf8, len);
	buf_addstr(text, utf8[len] ? "..." : "");
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
		add_cut(text, value.data, most);
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

static void add_totals(struct buf *text, const struct audit *audit, bool one_album)
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
	if (one_album && audit->album_count) {
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

static int add_oldest(struct buf *text, const struct audit *audit, struct err *err)
{
	const struct audit_image *oldest = audit->all.oldest;
	struct audit_texts texts;
	struct buf scratch = {0};
	int rc = audit_texts(&texts, &scratch, audit, oldest, err);

	buf_addstr(text, "\noldest untagged image  ");
	add_id(text, oldest->id);
	if (texts.title) {
		buf_addstr(text, "\n  title                ");
		add_json(text, texts.title, LABEL_MAX);
	}
	buf_release(&scratch);
	buf_addstr(text, "\n  created              ");
	add_json(text, oldest->created_at, LABEL_MAX);
	buf_addstr(text, "\n  observed since       ");
	add_observed(text, oldest);
	buf_addstr(text, "\n  counted since        ");
	add_time(text, oldest->from_s);
	buf_addch(text, '\n');
	return rc;
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

static struct body_text text_of(const char *json)
{
	return (struct body_text){json, json ? strlen(json) : 0};
}

/* A tag has its label in the reader's language behind it. */
static void add_tags(struct buf *text, const struct audit_counts *all)
{
	char language[WORDS_LANGUAGE];
	struct buf called = {0};

	words_language(language);
	buf_addstr(text, all->tag_count ? "\n   IMAGES  TAG\n" : "");
	for (size_t i = 0; i < all->tag_count; i++) {
		const struct audit_tag *tag = all->tag[i].tag;
		const struct body_text label = text_of(tag->label),
				       name = text_of(tag->name);

		buf_addf(text, "%9" PRIu64 "  ", all->tag[i].images);
		add_id(text, tag->id);
		words_tag(&called, &label, &name, language);
		if (called.len) {
			buf_addstr(text, "  ");
			add_cut(text, called.data, LABEL_MAX);
		}
		buf_addch(text, '\n');
	}
	buf_release(&called);
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

/* --- images --- */

#define TITLE_MAX 40 /* characters of a title or a tag */
#define ID_WIDTH 36  /* longer ids make their lines longer */

/* Columns of the list of images, which are as wide as their texts. */
struct columns {
	const struct audit *audit;
	const struct audit_view *view;
	char language[WORDS_LANGUAGE];
	size_t image, album, title; /* characters */
	struct buf cell, scratch;
};

static size_t width_of(const struct buf *cell)
{
	size_t width = 0;

	for (size_t i = 0; i < cell->len; i++) {
		width += (cell->data[i] & 0xc0) != 0x80;
	}
	return width;
}

static void cell_id(struct columns *columns, const char *id)
{
	buf_clear(&columns->cell);
	add_id(&columns->cell, id);
}

static int cell_title(struct columns *columns, const struct audit_image *image,
		      struct err *err)
{
	struct audit_texts texts;
	int rc = audit_texts(&texts, &columns->scratch, columns->audit, image, err);

	buf_clear(&columns->cell);
	if (texts.title) {
		add_json(&columns->cell, texts.title, TITLE_MAX);
	}
	return rc;
}

static void widen(size_t *width, const struct columns *columns, size_t most)
{
	size_t cell = width_of(&columns->cell);

	cell = cell < most ? cell : most;
	*width = cell > *width ? cell : *width;
}

static int measure(struct columns *columns, struct err *err)
{
	int rc = 0;

	columns->image = columns->album = columns->title = strlen("IMAGE");
	for (uint64_t i = 0; !rc && i < columns->view->rows; i++) {
		const struct audit_row *row = &columns->view->row[i];

		cell_id(columns, row->image->id);
		widen(&columns->image, columns, ID_WIDTH);
		cell_id(columns, row->album->id);
		widen(&columns->album, columns, ID_WIDTH);
		rc = cell_title(columns, row->image, err);
		widen(&columns->title, columns, TITLE_MAX + strlen("..."));
	}
	return rc;
}

/* Appends the cell, and spaces up to its width and two more. */
static void add_cell(struct buf *text, const struct columns *columns, size_t width)
{
	size_t used = width_of(&columns->cell);

	buf_add(text, columns->cell.data, columns->cell.len);
	buf_addf(text, "%*s", (int)(used < width ? width - used : 0) + 2, "");
}

/* "Crack by eve", or nothing. */
static int add_was(struct buf *text, struct columns *columns,
		   const struct audit_image *image, struct err *err)
{
	struct buf *cell = &columns->cell;
	struct audit_was_tag tag;
	int rc = audit_was_read(&tag, columns->view->was, image, err);

	if (rc || !tag.id.data) {
		return rc;
	}
	words_tag(cell, &tag.label, &tag.name, columns->language);
	if (!cell->len) {
		buf_add(cell, tag.id.data, tag.id.len);
	}
	add_cut(text, cell->data, TITLE_MAX);
	buf_clear(cell);
	words_text(cell, &tag.by);
	if (cell->len) {
		buf_addstr(text, " by ");
		add_cut(text, cell->data, USER_MAX);
	}
	return 0;
}

static void end_line(struct buf *text)
{
	while (text->data[text->len - 1] == ' ') {
		buf_setlen(text, text->len - 1);
	}
	buf_addch(text, '\n');
}

static int add_image(struct buf *text, struct columns *columns,
		     const struct audit_row *row, struct err *err)
{
	const struct audit_image *image = row->image;
	size_t begin = text->len;
	int rc;

	add_day(text, image->from_s);
	buf_addstr(text, "  ");
	add_age(text, columns->audit->as_of_s - image->from_s);
	buf_addf(text, "%*s", (int)(begin + 23 - text->len), "");
	cell_id(columns, image->id);
	add_cell(text, columns, columns->image);
	if (!columns->view->one_album) {
		cell_id(columns, row->album->id);
		add_cell(text, columns, columns->album);
	}
	rc = cell_title(columns, image, err);
	add_cell(text, columns, columns->title);
	if (stamp_is_absent(&image->created)) {
		buf_addstr(text, "unknown   ");
	} else {
		add_day(text, stamp_unix_s(&image->created));
	}
	buf_addstr(text, "  ");
	add_observed(text, image);
	buf_addf(text, "%s  %.12s  ",
		 columns->audit->has_earlier && !image->earlier ? "           " : "",
		 image->since->commit);
	rc = rc ? rc : add_was(text, columns, image, err);
	end_line(text);
	return rc;
}

static int add_images(FILE *out, struct buf *text, const struct audit *audit,
		      const struct audit_view *view, struct err *err)
{
	struct columns columns = {.audit = audit, .view = view};
	int rc;

	words_language(columns.language);
	rc = measure(&columns, err);
	buf_addf(text, "\nSINCE       AGE        %-*s  ", (int)columns.image, "IMAGE");
	if (!view->one_album) {
		buf_addf(text, "%-*s  ", (int)columns.album, "ALBUM");
	}
	buf_addf(text, "%-*s  CREATED     %-*s  SNAPSHOT      LAST TAG\n",
		 (int)columns.title, "TITLE", audit->has_earlier ? 31 : 20,
		 "OBSERVED SINCE");
	for (uint64_t i = 0; !rc && i < view->rows; i++) {
		rc = add_image(text, &columns, &view->row[i], err);
		audit_print_part(out, text);
	}
	buf_release(&columns.cell);
	buf_release(&columns.scratch);
	return rc;
}

int audit_table_print(FILE *out, const struct audit *audit, const struct audit_view *view,
		      struct err *err)
{
	struct buf text = {0};
	int rc = 0;

	add_totals(&text, audit, view->one_album);
	if (audit->all.oldest) {
		rc = add_oldest(&text, audit, err);
	}
	if (audit->all.last.tag_image) {
		add_last(&text, &audit->all.last);
	}
	add_tags(&text, &audit->all);
	if (!rc && view->row && view->rows) {
		rc = add_images(out, &text, audit, view, err);
	} else if (!view->row && audit->album_count) {
		buf_addstr(&text, "\n UNTAGGED     IMAGES     SHARE  SINCE       "
				  "LAST TAGGED  ALBUM\n");
		for (size_t i = 0; i < view->rows; i++) {
			add_album(&text, &audit->album[i]);
			audit_print_part(out, &text);
		}
	}
	if (rc) {
		buf_release(&text);
		return rc;
	}
	return audit_print_end(out, &text, err);
}
