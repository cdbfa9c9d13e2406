/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "data/format/json_print.h"
#include "exporter/page/page.h"
#include "exporter/page/page_history.h"

/*
 * The data of a report stand in elements <script type="application/json">. A browser does
 * not run them; the page parses each when it needs it. They are the summary, the history,
 * the albums, and blocks of the albums' images: the row of an album has the number of its
 * block. All text is canonical JSON, which has no `<`, so it cannot end its element.
 */

#define ALBUMS 1024              /* rows of a block of albums */
#define BLOCK_BYTES (256u << 10) /* a block of images ends at this size */

struct report {
	FILE *out;
	struct buf text;  /* to be written to `out` */
	struct buf album; /* rows of the block of albums */
	size_t rows;
	uint64_t block; /* number of the block of images */
};

static void begin(struct report *r, const char *class, char bracket)
{
	buf_addf(&r->text, "<script type=\"application/json\" class=\"%s\">%c", class,
		 bracket);
}

/* page_print checks for write errors once, at its end. */
static void end(struct report *r, char bracket)
{
	buf_addf(&r->text, "%c</script>\n", bracket);
	fwrite(r->text.data, 1, r->text.len, r->out);
	buf_clear(&r->text);
}

static void print_time(struct buf *out, const char *name, int64_t time_s)
{
	json_print_name(out, name);
	buf_addf(out, "%" PRId64, time_s);
}

static void print_image(struct buf *out, const char *name,
			const struct audit_image *image)
{
	json_print_open(out, name, '[');
	json_print_string(out, NULL, image->id);
	json_print_raw(out, NULL, image->created_at);
	json_print_raw(out, NULL, image->thumbnail);
	if (!image->earlier) {
		print_time(out, NULL, image->since->time_s);
		json_print_string(out, NULL, image->since->commit);
	} else {
		json_print_raw(out, NULL, NULL);
		json_print_raw(out, NULL, NULL);
	}
	buf_addch(out, ']');
}

/* [ID,LABEL,IMAGES] of each tag. */
static void print_tags(struct buf *out, const char *name,
		       const struct audit_counts *counts)
{
	json_print_open(out, name, '[');
	for (size_t i = 0; i < counts->tag_count; i++) {
		const struct audit_tag_count *count = &counts->tag[i];

		json_print_open(out, NULL, '[');
		json_print_string(out, NULL, count->tag->id);
		json_print_raw(out, NULL, count->tag->label);
		json_print_number(out, NULL, count->images);
		buf_addch(out, ']');
	}
	buf_addch(out, ']');
}

/* [IMAGE,CREATED_AT,BY] of the last tag image, or null. */
static void print_last(struct buf *out, const char *name, const struct audit_last *last)
{
	if (!last->tag_image) {
		json_print_raw(out, name, NULL);
		return;
	}
	json_print_open(out, name, '[');
	json_print_string(out, NULL, last->image);
	json_print_raw(out, NULL, last->created_at);
	json_print_raw(out, NULL, last->by);
	buf_addch(out, ']');
}

static void add_summary(struct report *r, const struct audit *audit)
{
	struct buf *out = &r->text;

	begin(r, "summary", '{');
	json_print_string(out, "commit", audit->commit.hex);
	print_time(out, "time", audit->time_s);
	print_time(out, "as_of", audit->as_of_s);
	if (audit->number) {
		json_print_number(out, "number", audit->number);
	}
	json_print_number(out, "images", audit->all.images);
	json_print_number(out, "untagged", audit->all.untagged);
	json_print_number(out, "albums", audit->album_count);
	print_tags(out, "tags", &audit->all);
	print_last(out, "last", &audit->all.last);
	if (audit->all.oldest) {
		print_image(out, "oldest", audit->all.oldest);
	}
	end(r, '}');
}

static int add_history(struct report *r, struct snapshot_repo *repo,
		       const struct audit *audit, struct err *err)
{
	struct page_history history = {0};
	struct snapshot_info info = {0};
	int rc = snapshot_resolve(repo, audit->commit.hex, &info, err);

	rc = rc ? rc : page_history_read(&history, repo, &info, NULL, err);
	if (!rc && history.count) {
		begin(r, "history", '[');
		page_history_add(&r->text, &history, page_history_first(&history),
				 history.last);
		end(r, ']');
	}
	page_history_release(&history);
	snapshot_info_release(&info);
	return rc;
}

static void end_albums(struct report *r)
{
	if (r->rows) {
		begin(r, "albums", '[');
		buf_add(&r->text, r->album.data, r->album.len);
		end(r, ']');
	}
	buf_clear(&r->album);
	r->rows = 0;
}

static void end_block(struct report *r)
{
	if (r->text.len) {
		end(r, ']');
		r->block++;
	}
}

/* Adds the album to the block of images, and its row to the block of albums. A block ends
 * between two albums, so an album of a million images is a block of its own. */
static void add_album(struct report *r, const struct audit_album *album)
{
	const struct audit_counts *counts = &album->counts;
	struct buf *row = &r->album, *text = &r->text;

	if (r->rows == ALBUMS) {
		end_block(r);
		end_albums(r);
	}
	buf_addstr(row, r->rows++ ? ",\n" : "\n");
	json_print_open(row, NULL, '[');
	json_print_string(row, NULL, album->id);
	json_print_number(row, NULL, counts->images);
	json_print_number(row, NULL, counts->untagged);
	json_print_number(row, NULL, r->block);
	buf_addch(row, ']');

	if (text->len) {
		buf_addch(text, ',');
	} else {
		begin(r, "block", '[');
	}
	buf_addch(text, '\n');
	json_print_open(text, NULL, '[');
	json_print_string(text, NULL, album->id);
	json_print_open(text, NULL, '[');
	for (uint64_t i = 0; i < counts->untagged; i++) {
		print_image(text, NULL, &album->image[i]);
	}
	buf_addch(text, ']');
	print_tags(text, NULL, counts);
	print_last(text, NULL, &counts->last);
	buf_addch(text, ']');
	if (text->len >= BLOCK_BYTES) {
		end_block(r);
	}
}

int page_print(FILE *out, struct snapshot_repo *repo, const struct audit *audit,
	       struct err *err)
{
	struct report r = {.out = out};
	struct page page;
	int rc = page_read(&page, PAGE_REPORT, err);

	if (!rc) {
		fwrite(page.text.data, 1, page.data_at, out);
		add_summary(&r, audit);
		rc = add_history(&r, repo, audit, err);
	}
	if (!rc) {
		for (size_t i = 0; i < audit->album_count; i++) {
			add_album(&r, &audit->album[i]);
		}
		end_block(&r);
		end_albums(&r);
		fwrite(page.text.data + page.data_at, 1, page.text.len - page.data_at,
		       out);
		if (fflush(out) != 0 || ferror(out)) {
			rc = err_sys(err, "cannot write the report");
		}
	}
	page_release(&page);
	buf_release(&r.text);
	buf_release(&r.album);
	return rc;
}
