/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json_print.h"
#include "exporter/audit/audit_order.h"
#include "exporter/page/page.h"
#include "exporter/page/page_history.h"

/*
 * The data of a report stand in elements <script type="application/json">. A browser does
 * not run them; the page parses each when it needs it. They are
 *
 *	the summary
 *	untagged	blocks of the untagged images of all albums, untagged for longest first
 *	albums		the rows of the albums; each has the number of its block
 *	block		blocks of details of albums: [ID,[images],tags,last], where an image is
 *			its number in the list of all
 *	history, labels
 *
 * All text is canonical JSON, which has no `<`, so it cannot end its element.
 */

#define ALBUMS 1024              /* rows of a block of albums */
#define IMAGES 1024              /* rows of a block of untagged images */
#define BLOCK_BYTES (256u << 10) /* a block of details ends at this size */

/* The flags of an image; data.js has them, too. */
enum { EARLIER = 1 << 0, CREATED = 1 << 1 };

struct report {
	FILE *out;
	const struct audit *audit;
	struct buf text; /* to be written to `out` */
	struct buf scratch;
	struct buf album; /* rows of the block of albums */
	size_t rows;
	uint64_t block; /* number of the block of details */
	/* Of the untagged images of all albums, those of the first album first: the number in
	 * the list, by age. */
	uint64_t *number;
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

static void print_created(struct buf *out, const char *created_at)
{
	page_add_created(out, created_at, created_at ? strlen(created_at) : 0);
}

/* [ID,LABEL,NAME,IMAGES] of each tag. */
static void print_tags(struct buf *out, const char *name,
		       const struct audit_counts *counts)
{
	json_print_open(out, name, '[');
	for (size_t i = 0; i < counts->tag_count; i++) {
		const struct audit_tag_count *count = &counts->tag[i];

		json_print_open(out, NULL, '[');
		json_print_string(out, NULL, count->tag->id);
		json_print_raw(out, NULL, count->tag->label);
		json_print_raw(out, NULL, count->tag->name);
		json_print_number(out, NULL, count->images);
		buf_addch(out, ']');
	}
	buf_addch(out, ']');
}

/* [IMAGE,CREATED,BY] of the last tag image, or null. */
static void print_last(struct buf *out, const char *name, const struct audit_last *last)
{
	if (!last->tag_image) {
		json_print_raw(out, name, NULL);
		return;
	}
	json_print_open(out, name, '[');
	json_print_string(out, NULL, last->image);
	print_created(out, last->created_at);
	json_print_raw(out, NULL, last->by);
	buf_addch(out, ']');
}

static void add_summary(struct report *r, const struct snapshot_info *info,
			const struct page_signature *signature)
{
	const struct audit *audit = r->audit;
	struct buf *out = &r->text;

	begin(r, "summary", '{');
	page_add_origin(out, info->message, signature);
	json_print_string(out, "commit", audit->commit.hex);
	print_time(out, "time", audit->time_s);
	print_time(out, "as_of", audit->as_of_s);
	if (audit->number) {
		json_print_number(out, "number", audit->number);
	}
	json_print_number(out, "images", audit->all.images);
	json_print_number(out, "untagged", audit->all.untagged);
	json_print_number(out, "albums", audit->album_count);
	json_print_number(out, "block", IMAGES);
	json_print_string(out, "counted", audit->count_observed ? "observed" : "created");
	print_tags(out, "tags", &audit->all);
	print_last(out, "last", &audit->all.last);
	end(r, '}');
}

static int add_untagged_image(struct report *r, const struct audit_image *image,
			      uint64_t album, struct err *err)
{
	struct buf *out = &r->text;
	struct audit_texts texts;
	int rc = audit_texts(&texts, &r->scratch, r->audit, image, err);

	json_print_open(out, NULL, '[');
	json_print_string(out, NULL, image->id);
	print_created(out, image->created_at);
	json_print_raw(out, NULL, texts.title);
	json_print_raw(out, NULL, texts.thumbnail);
	json_print_number(out, NULL, album);
	print_time(out, NULL, image->from_s);
	print_time(out, NULL, image->since->time_s);
	json_print_string(out, NULL, image->since->commit);
	json_print_number(out, NULL,
			  (image->earlier ? EARLIER : 0) |
				  (image->from_created ? CREATED : 0));
	buf_addch(out, ']');
	return rc;
}

/* Writes the list of all untagged images, and notes their numbers in it. */
static int add_untagged(struct report *r, struct err *err)
{
	const struct audit *audit = r->audit;
	struct audit_row *row = audit_order_images(audit);
	uint64_t *first = xreallocarray(NULL, audit->album_count + 1, sizeof(*first));
	int rc = 0;

	first[0] = 0;
	for (size_t i = 0; i < audit->album_count; i++) {
		first[i + 1] = first[i] + audit->album[i].counts.untagged;
	}
	r->number = xreallocarray(NULL, audit->all.untagged + 1, sizeof(*r->number));
	for (uint64_t i = 0; !rc && i < audit->all.untagged; i++) {
		size_t album = (size_t)(row[i].album - audit->album);

		if (i % IMAGES == 0) {
			begin(r, "untagged", '[');
		}
		buf_addstr(&r->text, i % IMAGES ? ",\n" : "\n");
		rc = add_untagged_image(r, row[i].image, album, err);
		r->number[first[album] + (size_t)(row[i].image - row[i].album->image)] =
			i;
		if (i % IMAGES == IMAGES - 1 || i + 1 == audit->all.untagged) {
			end(r, ']');
		}
	}
	free(first);
	free(row);
	return rc;
}

static int add_history(struct report *r, struct snapshot_repo *repo,
		       const struct snapshot_info *info, struct err *err)
{
	struct page_history history = {0};
	int rc = page_history_read(&history, repo, info, NULL, 0, err);

	if (!rc && history.count) {
		begin(r, "history", '[');
		page_history_add(&r->text, &history, page_history_first(&history),
				 history.last);
		end(r, ']');
		buf_addstr(&r->text,
			   "<script type=\"application/json\" class=\"labels\">");
		rc = page_add_labels(&r->text, repo, err);
		buf_addstr(&r->text, "</script>\n");
	}
	page_history_release(&history);
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

/* Adds the album to the block of details, and its row to the block of albums. A block ends
 * between two albums, so an album of a million images is a block of its own. `number`: of its
 * untagged images, in the list of all. */
static void add_album(struct report *r, const struct audit_album *album,
		      const uint64_t *number)
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
		json_print_number(text, NULL, number[i]);
	}
	buf_addch(text, ']');
	print_tags(text, NULL, counts);
	print_last(text, NULL, &counts->last);
	buf_addch(text, ']');
	if (text->len >= BLOCK_BYTES) {
		end_block(r);
	}
}

static void add_albums(struct report *r)
{
	const uint64_t *number = r->number;

	for (size_t i = 0; i < r->audit->album_count; i++) {
		add_album(r, &r->audit->album[i], number);
		number += r->audit->album[i].counts.untagged;
	}
	end_block(r);
	end_albums(r);
}

int page_print(FILE *out, struct snapshot_repo *repo, const struct snapshot_info *info,
	       const struct audit *audit, const struct page_signature *signature,
	       struct err *err)
{
	struct report r = {.out = out, .audit = audit};
	struct page page;
	int rc = page_read(&page, PAGE_REPORT, err);

	if (!rc) {
		fwrite(page.text.data, 1, page.data_at, out);
		add_summary(&r, info, signature);
		rc = add_history(&r, repo, info, err);
		fwrite(r.text.data, 1, r.text.len, out);
		buf_clear(&r.text);
	}
	rc = rc ? rc : add_untagged(&r, err);
	if (!rc) {
		add_albums(&r);
		fwrite(page.text.data + page.data_at, 1, page.text.len - page.data_at,
		       out);
		if (fflush(out) != 0 || ferror(out)) {
			rc = err_sys(err, "cannot write the report");
		}
	}
	page_release(&page);
	free(r.number);
	buf_release(&r.text);
	buf_release(&r.scratch);
	buf_release(&r.album);
	return rc;
}
